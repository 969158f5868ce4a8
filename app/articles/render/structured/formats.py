"""The formats beside JSON and CSV in which articles come, and what each needs of an article and has no room for."""

from collections.abc import Collection, Mapping

from app.errors import FieldError, InvalidInput
from app.http import csv_text
from app.http.params.negotiation import JSON, Offer, Representation

CSV = Representation("csv", csv_text.MEDIA_TYPE)

JSON_LD = Representation("jsonld", "application/ld+json")
# No type is registered for it; the first is the one that agencies send.
NINJS = Representation("ninjs", "application/ninjs+json", ("application/vnd.iptc.ninjs+json",))
MARKDOWN = Representation("markdown", "text/markdown; charset=utf-8")
TEXT = Representation("text", "text/plain; charset=utf-8")

STRUCTURED: Offer = (JSON_LD, NINJS, MARKDOWN, TEXT)
ITEM: Offer = (JSON, *STRUCTURED)
LIST: Offer = (JSON, CSV, *STRUCTURED)
ITEM_NAMES, LIST_NAMES = (tuple(one.name for one in offer) for offer in (ITEM, LIST))

VIEWS: Mapping[Representation, frozenset[str]] = {
    JSON_LD: frozenset({"body", "body_text"}),
    NINJS: frozenset({"body"}),
    MARKDOWN: frozenset({"body_markdown"}),
    TEXT: frozenset({"body_text"}),
}
"""The views of a body that each is made of."""
PARTS = frozenset({"body", "related"})
"""What `include` may add to each: a format says itself in which views its body comes."""


def check_parts(chosen: Representation, fields: Collection[str], include: Collection[str], *others: str) -> None:
    """InvalidInput for what the format has no room for: a choice of properties, other views of a body, and `others`,
    which are parameters that were given."""
    errors = [FieldError("invalid_range", f"{chosen.name} has no {name}.", name) for name in others]
    if fields:
        errors.append(FieldError("invalid_range", f"{chosen.name} shows whole articles: leave fields out.", "fields"))
    if views := sorted(set(include) - PARTS):
        detail = f"{chosen.name} has a body in its own form: include=body adds it, {views[0]} is for JSON."
        errors.append(FieldError("invalid_range", detail, "include", allowed=tuple(sorted(PARTS))))
    if errors:
        raise InvalidInput(*errors)


_WORD = {"type": "string"}
_SCHEMAS: Mapping[Representation, Mapping[str, object]] = {
    JSON_LD: {
        "type": "object",
        "description": "A `NewsArticle` or an `ItemList` of schema.org.",
        "required": ["@context", "@type"],
        "properties": {"@context": _WORD, "@type": _WORD},
    },
    NINJS: {
        "type": "object",
        "description": "An item of ninjs 3.1.",
        "required": ["uri", "type"],
        "properties": {"uri": _WORD, "type": _WORD},
    },
}


def describe_contents(examples: Mapping[str, object]) -> dict[str, object]:
    """How OpenAPI has these formats; `examples` by their names."""
    return {
        one.media_type: {
            "schema": _SCHEMAS.get(one, _WORD),
            "example": examples[one.name],
        }
        for one in STRUCTURED
    }
