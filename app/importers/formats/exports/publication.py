"""What an export says of whether an article is public, as the state that it gets here. Pure.

Never publishes what its source keeps back: what is not public there, in whatever way, is a draft with a note. The
markers themselves are those of `visibility`, which serves every format.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.importers.document import Context, SourceDate
from app.importers.records import visibility

HELD = "{} there: kept as a draft"
WITHDRAWN = "retracted there"


@dataclass(frozen=True, slots=True)
class State:
    """`status` as documents have it; `notes` for people. `at`: when what is scheduled becomes public, where a marker
    says that."""

    status: str
    notes: tuple[str, ...] = ()
    at: SourceDate | None = None

    @property
    def marker(self) -> str | None:
        """What makes it a draft, as documents have it."""
        return next(iter(self.notes), None) if self.status == "draft" else None


PUBLIC = State("published")
RETRACTED = State("withdrawn", (WITHDRAWN,))


def held(why: str) -> State:
    """Not public, and why: "a draft", "for members"."""
    return State("draft", (HELD.format(why),))


def read_state(record: Mapping[str, object], context: Context, required: Sequence[str] = ()) -> State:
    """What the markers of a post say. `required` are those that the system writes for each of its posts: without one
    of them nothing says surely that it is public."""
    found, notes = visibility.read(record, context)
    if found.status == "withdrawn":
        return State("withdrawn", notes or (WITHDRAWN,))
    missing = next((name for name in required if record.get(name) in (None, "")), None)
    if missing and found.status != "draft":
        return held(f"{missing} is not said")
    return State(found.status or "published", notes, found.at)
