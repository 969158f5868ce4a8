"""Properties of articles that a key is not given: refused where they are asked for, absent everywhere else. Pure."""

from collections.abc import Iterable, Mapping, Set

from app.articles.reading.card_parts import FIELDS, Json
from app.errors import FieldError, InvalidInput

VIEWED: Mapping[str, str] = {"body_text": "body", "body_markdown": "body", "body_blocks": "body"}
"""Other views, and what they are views of."""


def list_left(left_out: Set[str], includes: Set[str]) -> tuple[str, ...]:
    """All other properties of an article, with what is included."""
    shown = (name for name in FIELDS if name not in left_out and (name not in ("body", "related") or name in includes))
    return (*shown, *(name for name in VIEWED if name in includes))


def refuse_left_out(left_out: Set[str], parameter: str, names: Iterable[str]) -> None:
    """InvalidInput for the first of the names, of properties or parts of them, that a key is not given."""
    for name in names:
        if VIEWED.get(name, name.partition(".")[0]) in left_out:
            raise InvalidInput(FieldError("unknown_field", f"This key is not given {name}.", parameter))


def blank_properties(article: Json, names: Set[str]) -> Json:
    """The article with nothing in these of its properties, for formats that have a place for each."""
    if not names:
        return article
    return {
        name: ([] if isinstance(value, list) else {} if isinstance(value, dict) else None) if name in names else value
        for name, value in article.items()
    }
