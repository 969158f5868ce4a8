"""JSON Feed 1.1. What that has no property for stands in its extension `_dateline`. Pure."""

from collections.abc import Sequence

import orjson

from app.sync.feeds.model import Feed, FeedEntry, Frame

MEDIA_TYPE = "application/feed+json; charset=utf-8"
VERSION = "https://jsonfeed.org/version/1.1"
EXTENSION = "_dateline"
_LINKS = {"prev-archive": "prev_archive", "next-archive": "next_archive", "current": "current"}

_TEXT = {"type": "string"}
_URI = {"type": "string", "format": "uri-reference"}
_TIME = {"type": "string", "format": "date-time"}


def _describe(required: Sequence[str], **properties: object) -> dict[str, object]:
    return {"type": "object", "required": list(required), "properties": properties}


def _list(items: object) -> dict[str, object]:
    return {"type": "array", "items": items}


_AUTHORS = _list(_describe(["name"], name=_TEXT))
ITEM_SCHEMA = _describe(
    ["id", "url", "title", "date_modified"],
    id=_TEXT, url=_URI, title=_TEXT, content_html=_TEXT, content_text=_TEXT, summary=_TEXT, image=_URI,
    date_published=_TIME, date_modified=_TIME, authors=_AUTHORS, tags=_list(_TEXT), language=_TEXT,
    attachments=_list(_describe(["url", "mime_type"], url=_URI, mime_type=_TEXT, title=_TEXT)),
    _dateline=_describe(["date_published"], date_published={**_TEXT, "description": "A day, a month or a year."}),
)  # fmt: skip
SCHEMA = _describe(
    ["version", "title", "home_page_url", "feed_url", "items"],
    version=_TEXT, title=_TEXT, home_page_url=_URI, feed_url=_URI, next_url=_URI, authors=_AUTHORS, language=_TEXT,
    hubs=_list(_describe(["type", "url"], type=_TEXT, url=_URI)), items=_list(ITEM_SCHEMA),
    _dateline=_describe(
        ["id", "updated", "is_archive", "deleted"],
        id=_TEXT, updated=_TIME, is_archive={"type": "boolean"},
        deleted=_list(_describe(["id", "when"], id=_TEXT, when=_TIME)),
        prev_archive=_URI, next_archive=_URI, current=_URI,
    ),
)  # fmt: skip
"""Of a document, in JSON Schema."""


def write_entry(entry: FeedEntry) -> bytes:
    """An item. One has to have content: without a body its summary, or its title."""
    item: dict[str, object] = {"id": entry.id, "url": entry.link, "title": entry.title}
    if entry.body is not None:
        item["content_html"] = entry.body
    else:
        item["content_text"] = entry.summary or entry.title
    optional = {
        "summary": entry.summary,
        "image": entry.images[0].url if entry.images else None,
        "date_published": entry.published,
        "date_modified": entry.updated,
        "authors": [{"name": name} for name in entry.authors],
        "tags": list(dict.fromkeys(category.label for category in entry.categories)),
        "language": entry.language,
        "attachments": [
            {"url": image.url, "mime_type": image.type, **({"title": image.caption} if image.caption else {})}
            for image in entry.images
            if image.type is not None
        ],
        EXTENSION: {"date_published": entry.coarse} if entry.coarse else None,
    }
    return orjson.dumps(item | {name: value for name, value in optional.items() if value})


def make_frame(feed: Feed) -> Frame:
    """The document around its items."""
    links = dict(feed.links)
    extension: dict[str, object] = {
        "id": feed.id,
        "updated": feed.updated,
        "is_archive": feed.is_archive,
        "deleted": [{"id": gone.id, "when": gone.when} for gone in feed.departures.told],
    } | {name: links[relation] for relation, name in _LINKS.items() if relation in links}
    document: dict[str, object] = {
        "version": VERSION,
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": links["self"],
    }
    if feed.publisher is not None:
        document["authors"] = [{"name": feed.publisher}]
    if feed.language is not None:
        document["language"] = feed.language
    if "next" in links:
        document["next_url"] = links["next"]
    if "hub" in links:
        document["hubs"] = [{"type": "WebSub", "url": links["hub"]}]
    document[EXTENSION] = extension
    return Frame(orjson.dumps(document)[:-1] + b',"items":[', b"]}", b",")
