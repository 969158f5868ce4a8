"""What a PATCH or PUT changes, told from the article as the client sees it: fields with their new values. Pure.

Only these go on: what a client sends back as it got it is never read again, so that it stays exactly what it is.
"""

from collections.abc import Callable, Iterable, Mapping

from app.articles.input.payloads import READ_ONLY
from app.errors import FieldError

Json = dict[str, object]

EMPTY: Json = {
    "title": None, "standfirst": None, "dateline": None, "body": None, "authors": None, "tags": None, "regions": None,
    "related": None, "images": None, "source": None, "signature": None, "translation_of": None, "seo": None,
}  # fmt: skip
"""What a PUT clears where it does not say it. What is not here stays: the slug, the state and its date, the language,
and what the source calls the article."""
_UNSEEN = ("origin", "previous_slugs", "previous_urls")
_DERIVED = {
    "dateline": {"date": ("precision",), "place": ("region",)},
    "source": {"name": ("slug",), "slug": ("name",)},
}
"""Parts that follow from another one: a patch of that one alone makes them anew."""


def find_patched_fields(shown: Json, patch: Json) -> Json:
    """The fields that a merge patch (RFC 7396) changes."""
    return _find_changed_fields(
        shown, {name: _merge_value(name, shown.get(name), value) for name, value in patch.items()}
    )


def find_replaced_fields(shown: Json, article: Json) -> Json:
    """The fields that differ in an article as it shall be."""
    return _find_changed_fields(shown, EMPTY | article)


def read_only(shown: Json, payload: Mapping[str, object]) -> list[FieldError]:
    """What only the server says, given with another value than it has."""
    return [
        FieldError("read_only_field", f"Only the server sets {name}; leave it out or as it is.", pointer=f"/{name}")
        for name in READ_ONLY
        if name in payload and payload[name] != shown.get(name)
    ]


def _merge_value(name: str, old: object, patch: object) -> object:
    if not isinstance(patch, dict) or name == "body":
        return patch
    gone = {part for key, parts in _DERIVED.get(name, {}).items() if key in patch for part in parts}
    kept = {part: value for part, value in old.items() if part not in gone} if isinstance(old, dict) else {}
    return {part: value for part, value in (kept | patch).items() if value is not None}


def _find_changed_fields(shown: Json, payload: Json) -> Json:
    return {
        name: value
        for name, value in payload.items()
        if name not in READ_ONLY and (name in _UNSEEN or name not in shown or not _is_same(name, shown[name], value))
    }


def _is_same(name: str, shown: object, value: object) -> bool:
    if shown == value or (value is None and not shown):
        return True
    reduced = _REDUCED.get(name)
    return (
        reduced is not None
        and isinstance(shown, list)
        and isinstance(value, list)
        and _reduce_all(reduced, shown) == _reduce_all(reduced, value)
    )


def _reduce_all(reduced: Callable[[object], object], rows: Iterable[object]) -> list[object]:
    return [reduced(row) for row in rows]


def _reduce_slug(row: object) -> object:
    return row.get("slug") or row if isinstance(row, dict) else row


def _reduce_region(row: object) -> object:
    if isinstance(row, dict) and row.get("slug") and isinstance(roles := row.get("roles") or ["about"], list):
        return row["slug"], sorted(map(str, roles))
    return (row, ["about"]) if isinstance(row, str) else row


def _reduce_related(row: object) -> object:
    """The cards of related articles change without the article."""
    article = row.get("article") if isinstance(row, dict) else None
    if not isinstance(row, dict) or not isinstance(article, dict) or "id" not in article:
        return row
    return article["id"], row.get("title"), row.get("url"), bool(row.get("unlinked"))


_REDUCED: dict[str, Callable[[object], object]] = {
    "authors": _reduce_slug, "tags": _reduce_slug, "regions": _reduce_region, "related": _reduce_related,
}  # fmt: skip
"""What counts of the rows of a list, where that is less than all."""
