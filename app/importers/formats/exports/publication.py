"""What an export says of whether an article is public, as the state that it gets here. Pure.

Never publishes what its source keeps back: what is not public there, in whatever way, is a draft with a note. The
markers themselves are those of `visibility`, which serves every format.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.importers.document import ParseContext, SourceDate
from app.importers.records import visibility

HELD = "{} there: kept as a draft"
WITHDRAWN = "retracted there"


@dataclass(frozen=True, slots=True)
class PublicationState:
    """`status` as documents have it; `notes` for people. `at`: when what is scheduled becomes public, where a marker
    says that."""

    status: str
    notes: tuple[str, ...] = ()
    at: SourceDate | None = None


PUBLIC = PublicationState("published")


def make_held(why: str) -> PublicationState:
    """Not public, and why: "a draft", "for members"."""
    return PublicationState("draft", (HELD.format(why),))


def read_state(record: Mapping[str, object], context: ParseContext, required: Sequence[str] = ()) -> PublicationState:
    """What the markers of a post say. `required` are those that the system writes for each of its posts: without one
    of them nothing says surely that it is public."""
    visibility_found, notes = visibility.read_record(record, context)
    if visibility_found.status == "withdrawn":
        return PublicationState("withdrawn", notes or (WITHDRAWN,))
    missing = next((name for name in required if record.get(name) in (None, "")), None)
    if missing and visibility_found.status != "draft":
        return make_held(f"{missing} is not said")
    return PublicationState(visibility_found.status or "published", notes, visibility_found.at)
