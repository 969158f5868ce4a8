"""What differs between two versions of an article, by field, and of the body by paragraph. Pure."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from app.articles import bodies
from app.articles.bodies import Block

Json = dict[str, object]

_LEFT_OUT = {"body", "version", "updated_at", "word_count", "reading_minutes", "url"}
"""The body is shown by paragraph; the others follow from what is shown."""


def fields(before: Mapping[str, object], after: Mapping[str, object]) -> list[Json]:
    """Properties with their values in both versions, where they differ."""
    names = (name for name in after if name not in _LEFT_OUT and before.get(name) != after[name])
    return [{"field": name, "before": before.get(name), "after": after[name]} for name in names]


def paragraphs(before: str, after: str) -> list[Json]:
    """All blocks of both bodies in reading order, each `same`, `removed` or `added`."""
    old, new = bodies.blocks(before), bodies.blocks(after)
    # Ids are unique within a body: what difflib takes for junk because it is frequent cannot be there.
    matcher = SequenceMatcher(None, [block.id for block in old], [block.id for block in new], autojunk=False)
    shown: list[Json] = []
    for operation, i, i_end, j, j_end in matcher.get_opcodes():
        if operation == "equal":
            shown += _shown("same", new[j:j_end])
        else:
            shown += _shown("removed", old[i:i_end]) + _shown("added", new[j:j_end])
    return shown


def _shown(change: str, blocks: Sequence[Block]) -> list[Json]:
    return [{"change": change, "type": block.type, "text": block.text, "html": block.html} for block in blocks]
