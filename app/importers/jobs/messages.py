"""What a server and the process that reads an import for it tell each other.

The server is trusted: its messages are pickled. The process has read what strangers wrote: its messages are a letter
and JSON, bounded in size, and checked when they arrive. Never interprets a message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.enrich.tags import LexiconTag
from app.importers.boundary import Stage
from app.importers.document import BodyKind, Document, Identity
from app.regions.atlas import Atlas

MOST_BYTES = 64 * 1024 * 1024
"""Of one message; the longest line is half as long."""

READY, BEGIN, END = b"h", b"b", b"e"
"""Letters of the process's messages: it has started; work that begins; there are no more items."""
PART, PARTS, FETCH, RECALL = b"p", b"c", b"f", b"r"
"""What it asks for: a piece, how many pieces there are, an address, the state that is kept of an address."""
PREPARED, FAILURE, REMARK, BOOKMARK = b"P", b"F", b"R", b"B"
"""What it found."""


@dataclass(frozen=True, slots=True)
class ItemLimits:
    """What one item may take. `memory_bytes` come on top of what the process has before it reads anything;
    `silent_seconds` is the clock's; of `most_deaths` items that ended the process the last one ends the job."""

    cpu_seconds: int = 30
    memory_bytes: int = 1 << 30
    silent_seconds: float = 300.0
    most_deaths: int = 20


@dataclass(frozen=True, slots=True)
class ProcessSetup:
    """What a process is told before anything else, for all imports that it reads."""

    limits: ItemLimits
    enrich: bool


@dataclass(frozen=True, slots=True)
class WorkPlace:
    """Where work was when the process died. `index` is that of the item among those of a source that reads the same
    every time, and 0 elsewhere."""

    stage: Stage
    where: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class ImportOrders:
    """One import: what was sent, or the address to read. The first `skip` articles and failures are passed over;
    `overwrite` reads also what has not changed since; `source_dates` and `now` are those of `Context`; `avoid` are
    places that ended a process before this one, with the reason to give."""

    url: str | None = None
    format: str | None = None
    media_type: str | None = None
    origin: str | None = None
    timezone: str | None = None
    body: BodyKind | None = None
    charset: str | None = None
    identity: Identity | None = None
    base_url: str | None = None
    overwrite: bool = False
    source_dates: bool = False
    now: int = 0
    skip: int = 0
    avoid: Mapping[WorkPlace, str] = field(default_factory=dict)


AT_ONCE = 25
"""Results that a process may be ahead of the server: waiting for each other at every item costs more than the items."""


class FetchProblem(NamedTuple):
    """Why an address could not be read, as `FetchError` has it, whose pickled form could not be made an error again."""

    url: str
    reason: str
    status: int


@dataclass(frozen=True, slots=True)
class NameUpdate:
    """What has changed of regions and tags; `atlas` None: nothing. `tags` come on top, or are all that there are."""

    atlas: Atlas | None
    tags: tuple[LexiconTag, ...]
    all_tags: bool


@dataclass(frozen=True, slots=True)
class PreparationOrder:
    """Documents to prepare, with their paths; `names`: what has changed of regions and tags since the last order."""

    documents: Sequence[tuple[str, Document]]
    origin: str | None
    enrich: bool
    names: NameUpdate | None


@dataclass(frozen=True, slots=True)
class ItemRequest:
    """Asks for that many results more; `names` where they have changed."""

    count: int
    names: NameUpdate | None
