"""What an import reads of an article, as this archive shows it: the record that every format carries. Pure.

A format says most of it in words of its own. What it has none for goes along as the rest of the record, so that the
format, read back, is the whole record: where `said` is what it says, `join_rest(said, find_rest(record, said))`.
"""

from collections.abc import Mapping

import orjson
from xxhash import xxh32_hexdigest

from app.articles.reading.card_parts import Json
from app.articles.reading.provenance import Provenance

MARK = "dateline"
"""What the rest of a record is called within a format."""
_SAID = "said"
_PLAIN = (
    "id", "slug", "status", "language", "version", "title", "standfirst", "images", "corrections", "signature",
    "external_id", "published_at", "published_precision", "first_published_at", "updated_at", "created_at",
)  # fmt: skip
_LENGTHS = {"year": 4, "month": 7, "day": 10}


def make_record(article: Json, provenance: Provenance) -> Json:
    """Of an article's JSON, whole but for its body. Without what an import works out again, and without the page that
    shows it, which would be its source elsewhere."""
    original = provenance.original
    return {
        **{name: article[name] for name in _PLAIN},
        "dateline": article["dateline"],
        "authors": _list_parts(article, "authors", "slug", "name"),
        "tags": _list_parts(article, "tags", "slug", "name", "kind"),
        "regions": _list_parts(article, "regions", "slug", "name", "roles"),
        "source": _list_known(article["source"], "name", "url"),
        "seo": _list_known(article["seo"], "title", "description", "canonical_url"),
        "related": [_make_reference(post) for post in read_objects(article, "related")],
        "origin": provenance.origin,
        "translation_of": article["translation_of"] if original is None else None,
        "original": None if original is None else {"origin": original.origin, "slug": original.slug},
    }


def _list_parts(article: Json, name: str, *parts: str) -> list[Json]:
    return [{part: row[part] for part in parts} for row in read_objects(article, name)]


def _list_known(value: object, *parts: str) -> Json | None:
    known = {part: value[part] for part in parts if value.get(part) is not None} if isinstance(value, dict) else {}
    return known or None


def _make_reference(post: Json) -> Json:
    """A related post by the editors' words. One that is not public keeps its state, by which an import leaves it
    out."""
    article = post["article"] if isinstance(post["article"], dict) else {}
    reference: Json = {"title": post["title"], "url": post["url"], "unlinked": post["unlinked"]}
    if article.get("status") not in (None, "published"):
        return reference | {"article": {"title": article.get("title"), "status": article["status"]}}
    return reference


def list_posts(article: Json) -> list[Json]:
    """The related posts as readers find them: `title`, and `url` where there is a page."""
    posts = []
    for post in read_objects(article, "related"):
        target = post["article"] if isinstance(post["article"], dict) else {}
        known = {"title": post["title"] or target.get("title"), "url": post["url"] or target.get("url")}
        posts.append({name: value for name, value in known.items() if value})
    return posts


def read_objects(record: Mapping[str, object], name: str) -> list[Json]:
    """The objects of a list; none where there is no such list."""
    rows = record.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def read_word(record: Mapping[str, object], name: str) -> str | None:
    """A text that is not empty."""
    value = record.get(name)
    return value if isinstance(value, str) and value else None


def find_rest(record: Json, said: Json) -> Json:
    """What the record has beside what a format has `said` of it; of objects only the properties that differ. With it
    goes a digest of what was said in its place, by which a change to that is seen."""
    rest: Json = {}
    for name, value in record.items():
        other = said.get(name)
        if isinstance(value, dict) and isinstance(other, dict):
            parts = {part: inside for part, inside in value.items() if inside != other.get(part)}
            rest |= {name: parts} if parts else {}
        elif value != other and (value or other):
            rest[name] = value
    digests = {name: digest for name in rest if (digest := _hash_value(said.get(name)))}
    return rest | ({_SAID: digests} if digests else {})


def join_rest(said: Json, rest: Mapping[str, object]) -> Json:
    """The record again. What somebody has changed in the words of the format stands before the rest. It has an id and a
    version, by which it is told as one of this archive's."""
    record = dict(said)
    digests = rest.get(_SAID)
    for name, value in rest.items():
        other = said.get(name)
        if name == _SAID or _hash_value(other) != (digests.get(name) if isinstance(digests, dict) else None):
            continue
        record[name] = other | value if isinstance(value, dict) and isinstance(other, dict) else value
    record.setdefault("published_precision", None)
    return record


def _hash_value(value: object) -> str | None:
    """32 bits; None of nothing."""
    return xxh32_hexdigest(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)) if value else None


def encode_rest(rest: Json) -> str:
    """As text within a format."""
    return orjson.dumps(rest).decode()


def decode_rest(text: object) -> Json | None:
    """The rest again; None for what is none, whoever wrote it."""
    try:
        value = orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def cut_time(time: object, precision: object) -> str | None:
    """A time as exact as it is known: `2025`, `2025-11`, `2025-11-10` or the instant."""
    return time[: _LENGTHS.get(str(precision), len(time))] if isinstance(time, str) else None


def read_time(text: object) -> tuple[str | None, str | None]:
    """The first instant of such a time, and its precision. What is written otherwise is left to who reads dates."""
    if not isinstance(text, str) or not text:
        return None, None
    precision = next((name for name, length in _LENGTHS.items() if len(text) == length), "instant")
    return (text if precision == "instant" else f"{text}{'-01-01'[len(text) - 4 :]}T00:00:00Z"), precision
