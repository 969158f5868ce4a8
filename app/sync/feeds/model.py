"""A feed and its entries, whatever their format: from the card of an article, or from what a request means. Pure.

No date is more exact than its source: `published` is there only where the time of day is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.articles.reading.card_parts import Json
from app.text.addresses import Addresses

UNKNOWN_LANGUAGE = "und"
_SHOWN = {"year": 4, "month": 7, "day": 10}
"""So many characters of a time tell a date of this precision."""
_TYPES = {
    "avif": "image/avif", "gif": "image/gif", "jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png",
    "svg": "image/svg+xml", "webp": "image/webp",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FeedCategory:
    """What an article is about: `scheme` is the address of the vocabulary, `term` its word there, `label` its name."""

    scheme: str
    term: str
    label: str


@dataclass(frozen=True, slots=True)
class FeedImage:
    """`type` is the media type that the end of the address tells, None where it tells none."""

    url: str
    type: str | None
    caption: str | None
    credit: str | None
    width: int | None
    height: int | None


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An article in a feed. `id` never changes; times as RFC 3339; `coarse` is a date without a time of day, as exact
    as it is known. `body` is HTML, None in a feed of summaries."""

    id: str
    title: str
    link: str
    page: str | None
    language: str
    summary: str | None
    body: str | None
    published: str | None
    coarse: str | None
    updated: str
    authors: Sequence[str]
    categories: Sequence[FeedCategory]
    images: Sequence[FeedImage]


@dataclass(frozen=True, slots=True)
class Departure:
    """An article that is no longer in the feed, since `when`."""

    id: str
    when: str


@dataclass(frozen=True, slots=True, eq=False)
class Departures:
    """All that a document tells, the latest first. Compared by identity: to compare and hash hundreds of them would
    take longer than the rest of a document."""

    told: Sequence[Departure]
    updated: str
    """When the last one left; empty where none has."""

    @classmethod
    def of(cls, told: Sequence[Departure]) -> "Departures":
        return cls(told, max((one.when for one in told), default=""))


NO_DEPARTURES = Departures((), "")


class Feed(NamedTuple):
    """A document of a feed, without its entries. `links` are relations with their addresses: `self`, and, where they
    are, `next`, `first`, `current`, `prev-archive`, `next-archive`, `hub`."""

    id: str
    title: str
    publisher: str | None
    home: str
    updated: str
    language: str | None
    links: tuple[tuple[str, str], ...]
    is_archive: bool
    departures: Departures


class Frame(NamedTuple):
    """What stands around the entries of a document, and between them."""

    head: bytes
    tail: bytes
    separator: bytes = b""

    def fill(self, entries: Iterable[bytes]) -> bytes:
        """The document."""
        return b"".join((self.head, self.separator.join(entries), self.tail))


def name_article(addresses: Addresses, id: object) -> str:
    """The name of an article for good, whatever becomes of its slug."""
    return addresses.name_thing(f"article/{id}")


def make_entry(card: Json, body: str | None, addresses: Addresses) -> FeedEntry:
    """An entry from a card, and from the article's body where the feed shows it."""
    shown: dict[str, Any] = card
    precision = shown["published_precision"]
    published = shown["published_at"]
    length = _SHOWN.get(precision)
    return FeedEntry(
        id=name_article(addresses, shown["id"]),
        title=shown["title"],
        link=addresses.article_to_read(shown["slug"]),
        page=addresses.page(shown["slug"]),
        language=shown["language"],
        summary=shown["standfirst"] or None,
        body=body,
        published=None if length else published,
        coarse=published[:length] if length and published else None,
        updated=shown["updated_at"],
        authors=[author["name"] for author in shown["authors"]],
        categories=[
            *(FeedCategory(addresses.on_api("/v1/tags"), tag["slug"], tag["name"]) for tag in shown["tags"]),
            *(
                FeedCategory(addresses.on_api("/v1/regions"), place["slug"], place["name"])
                for place in shown["regions"]
            ),
        ],
        images=[_make_image(image) for image in shown["images"] if image["url"]],
    )


def _make_image(image: Mapping[str, Any]) -> FeedImage:
    url = str(image["url"])
    ending = url.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
    return FeedImage(
        url, _TYPES.get(ending), image.get("caption"), image.get("credit"), image.get("width"), image.get("height")
    )
