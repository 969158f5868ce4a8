"""JSON Feed 1.1. What that has no property for stands in its extension `_dateline`. Pure."""

from collections.abc import Iterable

import orjson

from app.sync.feeds.model import Feed, FeedEntry

MEDIA_TYPE = "application/feed+json; charset=utf-8"
VERSION = "https://jsonfeed.org/version/1.1"
EXTENSION = "_dateline"
_LINKS = {"prev-archive": "prev_archive", "next-archive": "next_archive", "current": "current"}


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


def write_feed(feed: Feed, entries: Iterable[bytes]) -> bytes:
    """The document around items that are written."""
    extension: dict[str, object] = {
        "id": feed.id,
        "updated": feed.updated,
        "is_archive": feed.is_archive,
        "deleted": [{"id": gone.id, "when": gone.when} for gone in feed.departures],
    } | {name: feed.links[relation] for relation, name in _LINKS.items() if relation in feed.links}
    document: dict[str, object] = {
        "version": VERSION,
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.links["self"],
        "authors": [{"name": feed.publisher}],
    }
    if feed.language is not None:
        document["language"] = feed.language
    if "next" in feed.links:
        document["next_url"] = feed.links["next"]
    if "hub" in feed.links:
        document["hubs"] = [{"type": "WebSub", "url": feed.links["hub"]}]
    document[EXTENSION] = extension
    return b'%b,"items":[%b]}' % (orjson.dumps(document)[:-1], b",".join(entries))
