"""JSON Feed 1.0 and 1.1 (jsonfeed.org): entries as records with the names that NDJSON has.

Never takes other JSON for a feed: the version says what it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import orjson

from app.importers import boundary, dates
from app.importers.document import Failure, Item, ParseContext, Remark
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


def parse(data: bytes, where: str, context: ParseContext) -> Iterator[Item]:
    """An item for each entry, `where#1` and so on."""
    try:
        feed = values.read_mapping(orjson.loads(clean.decode(data)[0]))
    except ValueError as error:
        yield Failure(where, f"not valid JSON: {error}")
        return
    if feed is None or VERSION not in str(feed.get("version")):
        yield Failure(where, "no feed: its `version` is no address at jsonfeed.org")
        return
    entries = feed.get("items")
    if not isinstance(entries, list) or not entries:
        yield Remark(where, "a feed without entries")
        return
    home = values.read_text(feed.get("home_page_url"))
    locale = dates.narrow_locale(context.locale, values.read_text(feed.get("language")), home or context.address)
    context = replace(context, locale=dates.infer_day_order_of_json(locale, data))
    places = ((f"{where}#{number}", entry) for number, entry in enumerate(entries, 1))
    items = (boundary.attempt("read", place, _read_entry, entry, feed, place, context, home) for place, entry in places)
    yield from entry_identity.identify_entries(items, home, context.identity, atom=False)


def _read_entry(value: object, feed: Mapping[str, object], where: str, context: ParseContext, home: str | None) -> Item:
    entry = values.read_mapping(value)
    if not entry:
        return Failure(where, "not a JSON object")
    return feed_entry.build_item(build_record(entry, feed), where, context, home)


def build_record(entry: Mapping[str, object], feed: Mapping[str, object]) -> dict[str, object]:
    """One entry; what has no place keeps its name, such as the `_extensions` of others."""
    fields = {name: value for name, value in entry.items() if name not in _TAKEN}
    content, summary = entry.get("content_html"), entry.get("summary")
    text = entry.get("content_text")
    external, url = (
        entry.get("external_url"),
        _resolve_url(entry.get("url"), values.read_text(feed.get("home_page_url"))),
    )
    body = {"html": content} if isinstance(content, str) and content.strip() else {"text": text} if text else None
    title = values.read_text(feed.get("title"))
    pictures, others = _split_attachments(entry.get("attachments"))
    leading = [{"url": entry[name]} for name in ("image", "banner_image") if isinstance(entry.get(name), str)]
    return fields | {
        "external_id": values.read_text(entry.get("id")),
        "url": url or external,
        "title": entry.get("title"),
        "standfirst": _choose_standfirst(summary, body),
        "body": body or ({"text": summary} if isinstance(summary, str) and summary.strip() else None),
        "authors": _list_authors(entry) or _list_authors(feed),
        "tags": entry.get("tags"),
        "language": entry.get("language") or feed.get("language"),
        "source": {"name": title, "url": feed.get("home_page_url")} if title else None,
        "related": [{"url": external}] if external and url else [],
        "images": [*leading, *pictures],
        "published_at": entry.get("date_published"),
        "updated_at": entry.get("date_modified"),
        **({"attachments": others} if others else {}),
    }


def _resolve_url(url: object, home: str | None) -> object:
    """An address that is written as a path within the feed's site, whole."""
    return urls.resolve(url, home) or url if isinstance(url, str) and url.startswith("/") and home else url


def _choose_standfirst(summary: object, body: Mapping[str, object] | None) -> object:
    if not isinstance(summary, str) or not body:
        return summary if body else None
    [(kind, content)] = body.items()
    return feed_entry.choose_standfirst(("text", summary), (kind, str(content)))


def _list_authors(entry: Mapping[str, object]) -> list[object]:
    """`authors` of version 1.1, else `author` of 1.0; the names of those that have one."""
    stated = entry.get("authors") or entry.get("author")
    people = [values.read_mapping(one) or {} for one in values.list_items(stated)]
    return [one["name"] for one in people if values.read_text(one.get("name"))]


def _split_attachments(value: object) -> tuple[list[dict[str, object]], list[object]]:
    """Pictures, and what is none."""
    attachments = [one for one in values.list_items(value) if isinstance(one, dict)]
    pictures = [
        one
        for one in attachments
        if str(one.get("mime_type")).startswith("image/") and values.read_text(one.get("url"))
    ]
    return [{"url": one["url"], "caption": one.get("title")} for one in pictures], [
        one for one in attachments if one not in pictures
    ]
