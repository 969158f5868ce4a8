"""JSON Feed 1.0 and 1.1 (jsonfeed.org): entries as records with the names that NDJSON has.

Never takes other JSON for a feed: the version says what it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import orjson

from app.importers import boundary, dates
from app.importers.document import Context, Failure, Item, Remark
from app.importers.formats.feeds import entry_identity, feed_entry
from app.importers.records import values
from app.importers.text_parts import clean
from app.text import urls

VERSION = "jsonfeed.org/version/"
_TAKEN = frozenset(
    (
        *("id", "url", "external_url", "title", "summary", "content_html", "content_text", "tags", "authors", "author"),
        *("image", "banner_image", "attachments", "date_published", "date_modified", "language"),
    )
)


def parse(data: bytes, where: str, context: Context) -> Iterator[Item]:
    """An item for each entry, `where#1` and so on."""
    try:
        feed = values.mapping(orjson.loads(clean.decode(data)[0]))
    except ValueError as error:
        yield Failure(where, f"not valid JSON: {error}")
        return
    if feed is None or VERSION not in str(feed.get("version")):
        yield Failure(where, "no feed: its `version` is no address at jsonfeed.org")
        return
    found = feed.get("items")
    if not isinstance(found, list) or not found:
        yield Remark(where, "a feed without entries")
        return
    home = values.text(feed.get("home_page_url"))
    locale = dates.within(context.locale, values.text(feed.get("language")), home or context.address)
    context = replace(context, locale=dates.infer_day_order_of_json(locale, data))
    places = ((f"{where}#{number}", entry) for number, entry in enumerate(found, 1))
    items = (boundary.attempt("read", place, _read, entry, feed, place, context, home) for place, entry in places)
    yield from entry_identity.settle(items, home, context.identity, atom=False)


def _read(value: object, feed: Mapping[str, object], where: str, context: Context, home: str | None) -> Item:
    entry = values.mapping(value)
    if not entry:
        return Failure(where, "not a JSON object")
    return feed_entry.item(record(entry, feed), where, context, home)


def record(entry: Mapping[str, object], feed: Mapping[str, object]) -> dict[str, object]:
    """One entry; what has no place keeps its name, such as the `_extensions` of others."""
    found = {name: value for name, value in entry.items() if name not in _TAKEN}
    content, summary = entry.get("content_html"), entry.get("summary")
    text = entry.get("content_text")
    external, url = entry.get("external_url"), _absolute(entry.get("url"), values.text(feed.get("home_page_url")))
    body = {"html": content} if isinstance(content, str) and content.strip() else {"text": text} if text else None
    title = values.text(feed.get("title"))
    pictures, others = _attachments(entry.get("attachments"))
    leading = [{"url": entry[name]} for name in ("image", "banner_image") if isinstance(entry.get(name), str)]
    return found | {
        "external_id": values.text(entry.get("id")),
        "url": url or external,
        "title": entry.get("title"),
        "standfirst": _standfirst(summary, body),
        "body": body or ({"text": summary} if isinstance(summary, str) and summary.strip() else None),
        "authors": _authors(entry) or _authors(feed),
        "tags": entry.get("tags"),
        "language": entry.get("language") or feed.get("language"),
        "source": {"name": title, "url": feed.get("home_page_url")} if title else None,
        "related": [{"url": external}] if external and url else [],
        "images": [*leading, *pictures],
        "published_at": entry.get("date_published"),
        "updated_at": entry.get("date_modified"),
        **({"attachments": others} if others else {}),
    }


def _absolute(url: object, home: str | None) -> object:
    """An address that is written as a path within the feed's site, whole."""
    return urls.resolve(url, home) or url if isinstance(url, str) and url.startswith("/") and home else url


def _standfirst(summary: object, body: Mapping[str, object] | None) -> object:
    if not isinstance(summary, str) or not body:
        return summary if body else None
    [(kind, content)] = body.items()
    return feed_entry.standfirst(("text", summary), (kind, str(content)))


def _authors(given: Mapping[str, object]) -> list[object]:
    """`authors` of version 1.1, else `author` of 1.0; the names of those that have one."""
    found = given.get("authors") or given.get("author")
    people = [values.mapping(one) or {} for one in values.items(found)]
    return [one["name"] for one in people if values.text(one.get("name"))]


def _attachments(given: object) -> tuple[list[dict[str, object]], list[object]]:
    """Pictures, and what is none."""
    found = [one for one in values.items(given) if isinstance(one, dict)]
    pictures = [one for one in found if str(one.get("mime_type")).startswith("image/") and values.text(one.get("url"))]
    return [{"url": one["url"], "caption": one.get("title")} for one in pictures], [
        one for one in found if one not in pictures
    ]
