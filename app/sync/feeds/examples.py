"""What feeds look like, for the documentation. They name an article of the sample archive."""

from typing import Any

import orjson

from app.articles import examples
from app.http.openapi.response_shapes import CACHED, describe_unchanged, refer_to_headers
from app.sync.feeds import atom, json_feed, rss
from app.sync.feeds.model import NO_DEPARTURES, Feed, make_entry
from app.text.addresses import Addresses

Json = dict[str, Any]
HEADERS = (*CACHED, "Link", "Dateline-Warnings")
_ADDRESSES = Addresses("https://news.example.org", "https://api.example.org")
_ENTRY = make_entry(examples.CARD, None, _ADDRESSES)


def _make_feed(format: str) -> Feed:
    return Feed(
        id=_ADDRESSES.name_thing("feed/tags/asean"),
        title="Dateline · ASEAN",
        publisher="Dateline",
        home=_ADDRESSES.home_page,
        updated=_ENTRY.updated,
        language=None,
        links=(
            ("self", _ADDRESSES.feed("tags/asean", format)),
            ("prev-archive", _ADDRESSES.feed("tags/asean", format, "archive=2025-10")),
        ),
        is_archive=False,
        departures=NO_DEPARTURES,
    )


def describe_feed() -> dict[int | str, Json]:
    """A feed in its three formats, and 304 for who has it already."""
    text = {"type": "string"}
    content = {
        _name(rss.MEDIA_TYPE): {
            "schema": text,
            "example": rss.make_frame(_make_feed("rss")).fill([rss.write_entry(_ENTRY)]).decode(),
        },
        _name(atom.MEDIA_TYPE): {
            "schema": text,
            "example": atom.make_frame(_make_feed("atom")).fill([atom.write_entry(_ENTRY)]).decode(),
        },
        _name(json_feed.MEDIA_TYPE): {
            "schema": json_feed.SCHEMA,
            "example": orjson.loads(json_feed.make_frame(_make_feed("json")).fill([json_feed.write_entry(_ENTRY)])),
        },
    }
    described: dict[int | str, Json] = {200: {"content": content, "headers": refer_to_headers(*HEADERS)}}
    return described | describe_unchanged(*HEADERS)


def _name(media_type: str) -> str:
    return media_type.partition(";")[0]
