"""What every importer yields: an article as its source tells it, before anything is looked up or stored.

Never knows the database: names are names, dates are what was written, and whatever has no place of its own
is kept in `extra` under the name that it came with.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Literal

from app.articles.manuscript import ExportedRow

BodyKind = Literal["html", "markdown", "text"]
DatelinePrecision = Literal["day", "month", "year"]
DatePrecision = Literal["instant", "day", "month", "year"]
Identity = Literal["guid", "link", "content"]
"""What an entry of a feed is known by."""


@dataclass(frozen=True, slots=True)
class SourceLocale:
    """What is known of a source beside its dates. `language` as in ISO 639 (`en`), `country` as in ISO 3166 (`IN`);
    `day_first` tells 03/04/2025, None where nothing does. `why` names what told it, for people."""

    language: str | None = None
    country: str | None = None
    day_first: bool | None = None
    why: str = ""


NOWHERE = SourceLocale()


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What a parser cannot find in the source: `origin_name` for people, the zone of dates without one.

    `body_kind` says what a body is where the source does not (`None`: told from the text itself). `address` is where on
    the web the source was read, which relative links count from; `charset` the one that came with it, which counts
    where the content names none. `locale` is what the source says of its language and country, and what its other dates
    show; `source_dates` asks for the date of the feed or file for items without one. `now` is when the import began, in
    epoch seconds, which embargoes are measured by. `identity` is what entries of feeds shall be known by, None for the
    first of the three that is an entry's own. `base_url` is the address of the site that files were written for,
    without which addresses within the site lead nowhere.
    """

    origin_name: str = ""
    timezone: tzinfo = UTC
    body_kind: BodyKind | None = None
    address: str | None = None
    charset: str | None = None
    locale: SourceLocale = NOWHERE
    source_dates: bool = False
    now: int = field(default_factory=lambda: int(time.time()))
    identity: Identity | None = None
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentBody:
    """The text in the notation of its source; HTML is not sanitised yet. Text: a blank line between paragraphs."""

    kind: BodyKind
    content: str


@dataclass(frozen=True, slots=True)
class RelatedReference:
    """A post that the source points to, by title, by address or by both (never by neither). `unlinked`: the source says
    whether it is one that must never be linked."""

    title: str | None = None
    url: str | None = None
    unlinked: bool | None = None


@dataclass(frozen=True, slots=True)
class SourceDateline:
    """`text` stands as written; `date` is `2025`, `2025-12` or `2025-12-03`, as exact as `precision` says."""

    text: str
    place: str | None = None
    date: str | None = None
    precision: DatelinePrecision | None = None


@dataclass(frozen=True, slots=True)
class SourceDate:
    """`instant` is in epoch seconds (UTC): the first one of the period where `precision` is a period."""

    instant: int
    precision: DatePrecision


@dataclass(frozen=True, slots=True)
class DocumentImage:
    """A picture of the article; the first one leads. Width and height are pixels."""

    url: str
    alt: str | None = None
    caption: str | None = None
    credit: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class NameReference:
    """What a source said beyond the name of an author, tag or region that it gave as an object.

    `kind` is that of a tag, `roles` are those of a region (`about`, `mention`, `dateline`).
    """

    name: str
    slug: str | None = None
    kind: str | None = None
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One article. `where` is the file, with `:line` where it holds several articles.

    `authors`, `tags` and `regions` are names in the order given; the ones that came as objects are in `author_refs`,
    `tag_refs`, `region_refs` too, with what else was said. `notes` tells people what was guessed or repaired.
    `source_date` is the date of the feed or file, where it was asked for; `is_undated` says that the source itself
    knows that there is none. `status` is what the source says of its state (None: nothing). `identity` is which of its
    names an entry of a feed is known by. Every document has a title, a body or both. `stated` names the fields (of
    `articles.store.field_hashes.FIELDS`) that it says anything of, None: it is all that its source has of the article.
    `format` is what it was read in; `retracts`: its source takes the article back, and brings no new one. `is_own`: it
    comes from an export of this archive; `known_article` is the article of this archive that a row of such an export
    was made of, `columns` what its table has columns for. `base` is the address that relative ones in the body and of
    pictures count from; `former_url` is `url` with the character references that its source wrote in it, which versions
    before 0.2 did not resolve."""

    where: str
    external_id: str | None = None
    origin: str | None = None
    url: str | None = None
    slug: str | None = None
    title: str | None = None
    title_derived: bool = False
    standfirst: str | None = None
    dateline: SourceDateline | None = None
    body: DocumentBody | None = None
    authors: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    author_refs: tuple[NameReference, ...] = ()
    tag_refs: tuple[NameReference, ...] = ()
    region_refs: tuple[NameReference, ...] = ()
    language: str | None = None
    source: str | None = None
    source_url: str | None = None
    signature: str | None = None
    related: tuple[RelatedReference, ...] = ()
    images: tuple[DocumentImage, ...] = ()
    published: SourceDate | None = None
    updated: SourceDate | None = None
    source_date: SourceDate | None = None
    is_undated: bool = False
    status: str | None = None
    previous_slugs: tuple[str, ...] = ()
    previous_urls: tuple[str, ...] = ()
    canonical_url: str | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stated: tuple[str, ...] | None = None
    format: str = ""
    retracts: bool = False
    is_own: bool = field(default=False, compare=False)
    identity: Identity | None = None
    columns: tuple[str, ...] = ()
    known_article: ExportedRow | None = None
    base: str | None = None
    former_url: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that could not be read, with a reason for people; the items around it are not affected. `late`: its
    reader takes it for read, since what failed came after that."""

    where: str
    reason: str
    late: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """What people should know of a source without anything having failed: what was left out, and why."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Bookmark:
    """How far an address was read, as JSON. It is kept once all items before it are saved, and `url` is read on from
    there the next time."""

    url: str
    state: Mapping[str, object]


Item = Document | Failure | Remark | Bookmark
