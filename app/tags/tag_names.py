"""Tags as sources and editors name them, before anything is looked up. Pure."""

import re
from dataclasses import dataclass

from app.text import keys

_slug = re.compile("[a-z0-9]+(-[a-z0-9]+)*")

KINDS = ("topic", "section", "person", "organisation", "event", "series", "contributor")


@dataclass(frozen=True, slots=True)
class TagSpec:
    """A tag as somebody names it: by name or slug. `kind` is what it becomes if it is new."""

    name: str
    kind: str
    slug: str | None = None

    @property
    def ref(self) -> str:
        """The slug given, made one where it is none; else one made from the name."""
        if self.slug and _slug.fullmatch(self.slug) and not self.slug.isdigit():
            return self.slug
        return keys.slug(self.slug or keys.spell_signs(self.name), "tag")

    @property
    def key(self) -> str:
        """What it is known by: other scripts are spelt alike in slugs, and signs not at all, so there only the name
        counts."""
        folded = keys.fold(self.name)
        return self.ref if self.slug or (folded.isascii() and keys.words_key(folded)) else keys.name_key(self.name)


def family(kind: str) -> str:
    """Kinds that may become each other: contributors are authors, sections have a filter of their own."""
    return kind if kind in ("contributor", "section") else "term"
