"""Reads feeds with feedparser, reader and atoma, each as its documentation says. Imports nothing of this project: it
runs in an environment that has these three.

`python python_readers.py FOLDER` writes `read-python.json`: for each reader and document its entries and what it says
of the feed, under one name for each thing; None where the reader has no such attribute.
"""

import json
import sys
from calendar import timegm
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import atoma  # type: ignore[import-not-found] # not in the environment that types are checked in
import feedparser
from reader import make_reader  # type: ignore[import-not-found]

Json = dict[str, Any]


def format_time(time: datetime | None) -> str | None:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def format_parsed(time: Any) -> str | None:
    return format_time(datetime.fromtimestamp(timegm(time), UTC)) if time else None


def read_size(image: Any) -> list[int | None]:
    return [int(image[name]) if name in image else None for name in ("width", "height")]


def read_feedparser(path: Path) -> Json:
    # As it stands: else it changes the HTML and resolves addresses in it.
    read = feedparser.parse(str(path), sanitize_html=False, resolve_relative_uris=False)
    if not read.version:
        raise ValueError("reads no such format")
    feed = read.feed
    return {
        "feed": {
            "id": feed.get("id"),
            "title": feed.get("title"),
            "link": feed.get("link"),
            "updated": format_parsed(feed.get("updated_parsed")),
            "language": feed.get("language"),
            "author": feed.get("author"),
            "links": {one.rel: one.href for one in feed.get("links", [])},
            "deleted": feed.get("at_deleted-entry"),
        },
        "entries": [
            {
                "id": one.get("id"),
                "link": one.get("link"),
                "title": one.get("title"),
                "summary": one.get("summary"),
                "summary_detail": one.get("summary_detail", {}).get("value"),
                "content": one.content[0].value if "content" in one else None,
                "published": format_parsed(one.get("published_parsed")),
                "updated": format_parsed(one.get("updated_parsed")),
                "authors": [author.get("name") for author in one.get("authors", [])],
                "first_author": one.get("author"),
                "categories": [tag.label or tag.term for tag in one.get("tags", [])],
                "schemes": [tag.scheme for tag in one.get("tags", [])],
                "images": [image.href for image in one.get("enclosures", [])],
                "media": [image["url"] for image in one.get("media_content", [])],
                "sizes": [read_size(image) for image in one.get("media_content", [])],
                "image_types": [image.get("type") for image in one.get("enclosures", [])],
                "language": one.get("title_detail", {}).get("language"),
            }
            for one in read.entries
        ],
    }


def read_reader(path: Path) -> Json:
    reader = make_reader(":memory:", feed_root=str(path.parent))
    reader.add_feed(path.name)
    reader.update_feed(path.name)
    feed = reader.get_feed(path.name)
    if feed.last_exception is not None:
        raise ValueError(feed.last_exception.value_str)
    return {
        "feed": {
            "title": feed.title,
            "link": feed.link,
            "updated": format_time(feed.updated),
            "author": feed.authors_str,
        },
        "entries": [
            {
                "id": one.id,
                "link": one.link,
                "title": one.title,
                "summary": one.summary,
                "content": one.content[0].value if one.content else None,
                "published": format_time(one.published),
                "updated": format_time(one.updated),
                "authors": [author.name for author in one.authors],
                "images": [image.href for image in one.enclosures],
                "image_types": [image.type for image in one.enclosures],
                "language": one.content[0].language if one.content else None,
            }
            for one in reader.get_entries(feed=path.name)
        ],
    }


def read_atoma_rss(path: Path) -> Json:
    feed = atoma.parse_rss_file(str(path))
    return {
        "feed": {
            "title": feed.title,
            "link": feed.link,
            "updated": format_time(feed.last_build_date),
            "language": feed.language,
        },
        "entries": [
            {
                "id": one.guid,
                "link": one.link,
                "title": one.title,
                "summary": one.description,
                "content": one.content_encoded,
                "published": format_time(one.pub_date),
                "authors": [one.author] if one.author else [],
                "categories": one.categories,
                "images": [image.url for image in one.enclosures],
                "image_types": [image.type for image in one.enclosures],
            }
            for one in feed.items
        ],
    }


def read_atoma_atom(path: Path) -> Json:
    feed = atoma.parse_atom_file(str(path))
    return {
        "feed": {
            "id": feed.id_,
            "title": feed.title.value,
            "link": next((one.href for one in feed.links if one.rel == "alternate"), None),
            "updated": format_time(feed.updated),
            "author": feed.authors[0].name if feed.authors else None,
            "links": {one.rel: one.href for one in feed.links},
        },
        "entries": [
            {
                "id": one.id_,
                "link": next((link.href for link in one.links if link.rel == "alternate"), None),
                "title": one.title.value,
                "summary": one.summary.value if one.summary else None,
                "content": one.content.value if one.content else None,
                "published": format_time(one.published),
                "updated": format_time(one.updated),
                "authors": [author.name for author in one.authors],
                "categories": [category.label for category in one.categories],
                "schemes": [category.scheme for category in one.categories],
                "images": [link.href for link in one.links if link.rel == "enclosure"],
                "image_types": [link.type_ for link in one.links if link.rel == "enclosure"],
                "captions": [link.title for link in one.links if link.rel == "enclosure"],
                "language": one.title.lang,
            }
            for one in feed.entries
        ],
    }


def read_atoma_json(path: Path) -> Json:
    feed = atoma.parse_json_feed_file(str(path))
    return {
        "feed": {
            "title": feed.title,
            "link": feed.home_page_url,
            "author": feed.author.name if feed.author else None,
            "links": {"self": feed.feed_url, **({"next": feed.next_url} if feed.next_url else {})},
        },
        "entries": [
            {
                "id": one.id_,
                "link": one.url,
                "title": one.title,
                "summary": one.summary,
                "content": one.content_html,
                "text": one.content_text,
                "published": format_time(one.date_published),
                "updated": format_time(one.date_modified),
                "authors": [one.author.name] if one.author else [],
                "categories": one.tags,
                "images": [image.url for image in one.attachments],
                "image_types": [image.mime_type for image in one.attachments],
                "captions": [image.title for image in one.attachments],
                "first_image": one.image,
            }
            for one in feed.items
        ],
    }


ATOMA: dict[str, Callable[[Path], Json]] = {
    ".rss": read_atoma_rss, ".atom": read_atoma_atom, ".json": read_atoma_json,
}  # fmt: skip
READERS: dict[str, Callable[[Path], Json]] = {
    "feedparser (Python)": read_feedparser,
    "reader (Python)": read_reader,
    "atoma (Python)": lambda path: ATOMA[path.suffix](path),
}


def main() -> None:
    folder = Path(sys.argv[1])
    results = []
    for document in json.loads((folder / "articles.json").read_text("utf-8"))["documents"]:
        for name, read in READERS.items():
            try:
                result = read(folder / document["name"])
            except Exception as error:
                result = {"error": f"{type(error).__name__}: {error}"[:200]}
            results.append({"reader": name, "document": document["name"], **result})
    (folder / "read-python.json").write_text(json.dumps(results), "utf-8")


if __name__ == "__main__":
    main()
