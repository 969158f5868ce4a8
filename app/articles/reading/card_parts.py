"""An article's JSON as pieces of bytes, so that nothing in it is encoded twice: a card, whole or what `fields` leaves
of it, and what is added at its place. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

Json = dict[str, object]

FIELDS = (
    "id", "slug", "status", "language", "version", "title", "standfirst", "dateline", "body", "authors", "tags",
    "regions", "related", "images", "corrections", "source", "signature", "external_id", "translation_of", "gone",
    "replaced_by", "seo", "word_count", "reading_minutes", "published_at", "published_precision", "first_published_at",
    "updated_at", "created_at", "url",
)  # fmt: skip
"""Every property of an article in the order shown."""

_BODY, _RELATED = FIELDS.index("body"), FIELDS.index("related")
_HEAD, _MIDDLE, _TAIL = FIELDS[:_BODY], FIELDS[_BODY + 1 : _RELATED], FIELDS[_RELATED + 1 :]
_MIDDLE_BEGINS, _TAIL_BEGINS = (b',"%b":' % names[0].encode() for names in (_MIDDLE, _TAIL))
_PLACED = ("body", "related")

Selection = Mapping[str, set[str]]
"""By property which parts of it are shown; "" stands for all of it."""


@dataclass(frozen=True, slots=True)
class CardParts:
    """The JSON of a card, and where in it the body and related posts belong."""

    shown: bytes
    body_at: int
    related_at: int

    def join(self, added: Mapping[str, bytes]) -> bytes:
        """The JSON with what is added, by property: the body and related posts at their place, other views of the body
        behind all else, in their order."""
        shown, body_at, related_at = self.shown, self.body_at, self.related_at
        pieces = [shown[:body_at]]
        if "body" in added:
            pieces += (b',"body":', added["body"])
        if "related" in added:
            pieces += (shown[body_at:related_at], b',"related":', added["related"])
            body_at = related_at
        pieces.append(shown[body_at:-1])
        for name, value in added.items():
            if name not in _PLACED:
                pieces += (b',"%b":' % name.encode(), value)
        pieces.append(b"}")
        return b"".join(pieces)


def cut_card(card: bytes) -> CardParts:
    """A whole card. What is looked for is no part of a text: in one, a quotation mark has a backslash before it. Nor do
    properties that come before it have any of that name."""
    body_at = card.index(_MIDDLE_BEGINS)
    return CardParts(card, body_at, card.index(_TAIL_BEGINS, body_at))


def cut_properties(card: Json, selection: Selection) -> CardParts:
    """What is selected of a card: all of it where nothing is."""
    selected = select_parts(card, selection) if selection else card
    head = orjson.dumps({name: selected[name] for name in _HEAD if name in selected})[:-1]
    middle, tail = _continue_object(selected, _MIDDLE), _continue_object(selected, _TAIL)
    return CardParts(b"%b%b%b}" % (head, middle, tail), len(head), len(head) + len(middle))


def _continue_object(selected: Json, names: Iterable[str]) -> bytes:
    some = {name: selected[name] for name in names if name in selected}
    return b"," + orjson.dumps(some)[1:-1] if some else b""


def read_selection(fields: Sequence[str]) -> Selection:
    """What `fields` names."""
    parts: dict[str, set[str]] = {}
    for field in fields:
        name, _, part = field.partition(".")
        parts.setdefault(name, set()).add(part)
    return parts


def select_parts(article: Json, parts: Selection) -> Json:
    """Only what `parts` names: `id` always, a property whole, or parts of it."""
    return {
        name: value if name == "id" or "" in parts[name] else select_within(value, parts[name])
        for name, value in article.items()
        if name == "id" or name in parts
    }


def select_within(value: object, names: set[str]) -> object:
    """The parts of a property, of each of its rows where it has some."""
    if isinstance(value, list):
        return [select_within(one, names) for one in value]
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if name in names}
    return value
