"""What a source says of whether an article is public, as the state that it gets here. Pure.

Never publishes what its source keeps back: what is not public there, in whatever way, is a draft with a note.
"""

from dataclasses import dataclass

HELD = "{} there: kept as a draft"
WITHDRAWN = "retracted there"


@dataclass(frozen=True, slots=True)
class State:
    """`status` as documents have it; `notes` for people."""

    status: str
    notes: tuple[str, ...] = ()

    @property
    def marker(self) -> str | None:
        """What makes it a draft, as documents have it."""
        return next(iter(self.notes), None) if self.status == "draft" else None


PUBLIC = State("published")
SCHEDULED = State("scheduled")
RETRACTED = State("withdrawn", (WITHDRAWN,))


def held(why: str) -> State:
    """Not public, and why: "a draft", "for members"."""
    return State("draft", (HELD.format(why),))
