"""An article on its way in: cleaned, sanitised, its regions looked up; what `saving.save` takes from every door."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from app.enrich.suggestion import SuggestedValue
from app.errors import InvalidInput
from app.http.params.times import Period, read_time, read_zone
from app.tags.tag_names import TagSpec

EXTRA = "extra."
"""Before the name of a column that has no place of its own, among what a table gives."""


Decision = Literal["accepted", "refused"]
"""What an editor makes of a suggestion."""


@dataclass(frozen=True, slots=True)
class ArticleDateline:
    """`date` is `2025`, `2025-12` or `2025-12-03`; `start` and `end` (exclusive) are its period in epoch seconds."""

    text: str
    place: str | None = None
    region: int | None = None
    date: str | None = None
    precision: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class RelatedEntry:
    """A related post as given: an article of this archive by id, or a title, an address or both.

    `unlinked` says that it is no link, for good; None: as it was, where the entry was there before.
    """

    title: str | None = None
    url: str | None = None
    target: int | None = None
    unlinked: bool | None = None


@dataclass(frozen=True, slots=True)
class Original:
    """What an article is a translation of, where its id here is not known: an origin, and a slug there."""

    origin: str
    slug: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """That an article was public once, until `at` (epoch seconds), and what people may read as the reason."""

    at: int
    reason: str | None = None


def row_identity(id: int, created_at: int) -> str:
    """What an article is known by in exports of the archive that it was made in."""
    return f"row:{id}:{created_at}"


def is_numbered(identity: str | None) -> bool:
    """Whether what an article is known by is the number of its source."""
    return identity is not None and identity.removeprefix("id:").isdigit()


@dataclass(frozen=True, slots=True)
class ExportedRow:
    """Which article of this archive a row of its own export is, where all three agree, and as of which version.

    `created_at` is in epoch seconds; another archive may have the same id and slug, hardly all three. `origin` is what
    the row or the import says of it, None: nothing.
    """

    id: int
    slug: str
    created_at: int
    version: int
    origin: str | None = None

    @property
    def identity(self) -> str:
        """What it is known by where it has no id and no address of its own."""
        return row_identity(self.id, self.created_at)


@dataclass(frozen=True, slots=True)
class Manuscript:
    """`identity` says within `origin` which article this is ("id:…", "url:…", "row:…", "path:…", "content:…"; None: a
    new one); `former_identity` what versions before 0.2 took for it.

    `published_at` None means: what the article has already; the time of saving where somebody publishes it by hand, and
    no date at all where an import does. `status` None means: what the
    article has already, `published` for a new one. `tags` hold sections and contributors too, by their kind.
    `withdrawal` counts for what is not published: readers are told that it is gone. None: what the article has already,
    or, for the status `withdrawn`, now and without a reason. `gone` says whether readers are told so of what is neither
    published nor withdrawn, None: as it was; `replaced_by` is the article that they are sent to instead, by id.
    `suggestions` are what enrichment found, None where it was not asked: then the ones kept stay.
    `text_keys` are what copies of the text are found by, None: made from the body where it is saved.
    `original` counts where `translation_of` says nothing.
    `address` is the key of an address that nothing else in its file has: an article of the same origin that stands
    there is this one under another id. `page` is the key of the item's own address, by which it is told that another
    format has brought it. `former_hash` is what earlier versions took for its `content_hash`.
    `said` names the fields (of `field_hashes.FIELDS`) that the source says anything of, None: all of them; of a known
    article the others stay as they are. `hashes` are those of what it says, packed, and `format` is what it was read
    in. `retracts`: it takes back what is here, and says nothing of what is not. `known` says which article of this
    archive a row or a line of its own export is, before `identity` does; `columns` names those of its table.
    `keeps_regions`: its regions are what an archive has decided, so that suggested ones are not linked.
    `related` None leaves the editors' entries as they are, `corrections` None what readers were told. `images`, `seo`,
    `extra` and `corrections` are JSON; `regions` are ids with role bits.
    """

    origin: str
    identity: str | None
    external_id: str | None
    title: str
    body: str
    word_count: int
    language: str
    title_derived: bool = False
    standfirst: str | None = None
    dateline: ArticleDateline | None = None
    tags: tuple[TagSpec, ...] = ()
    regions: tuple[tuple[int, int], ...] = ()
    related: tuple[RelatedEntry, ...] | None = ()
    images: str = "[]"
    seo: str = "{}"
    extra: str = "{}"
    corrections: str | None = None
    source: str | None = None
    source_url: str | None = None
    signature: str | None = None
    translation_of: int | None = None
    original: Original | None = None
    status: str | None = None
    withdrawal: Withdrawal | None = None
    gone: bool | None = None
    replaced_by: int | None = None
    published_at: int | None = None
    published_precision: str = "instant"
    updated_at: int | None = None
    slug: str | None = None
    previous_slugs: tuple[str, ...] = ()
    previous_urls: tuple[str, ...] = ()
    content_hash: str = ""
    former_hash: str | None = None
    former_identity: str | None = None
    address: str | None = None
    page: str | None = None
    suggestions: tuple[SuggestedValue, ...] | None = None
    text_keys: tuple[int, ...] | None = None
    said: tuple[str, ...] | None = None
    hashes: str = ""
    format: str = ""
    retracts: bool = False
    columns: tuple[str, ...] = ()
    known: ExportedRow | None = None
    keeps_regions: bool = False

    @property
    def is_numbered(self) -> bool:
        """Whether its source counts its items, as WordPress does: it has the whole of them."""
        return is_numbered(self.identity)


@lru_cache(maxsize=1024)
def dateline_span(date: str | None) -> tuple[int, int] | None:
    """The period of `2025`, `2025-12` or `2025-12-03` in UTC; None where it is no date."""
    if date is None:
        return None
    try:
        period = read_time(date, read_zone("UTC"), 0)
    except InvalidInput:
        return None
    return (period.start, period.end) if isinstance(period, Period) else None
