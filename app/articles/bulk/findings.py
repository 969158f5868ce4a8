"""What a person should know of the items of an import together: notes, and fields and regions that have no place here.

Counted in the progress of its job, batch by batch and in the transaction of each, so that a purge finds all of it
there. Pure.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict, cast

from app.changes.jobs import Json
from app.text import keys

MOST_NOTES = 50
"""And fields, and regions."""


class ItemProgress(TypedDict, total=False):
    """What the progress of an import holds beside counts. A note has how many items it is about, and the first."""

    notes: dict[str, tuple[int, str]]
    unknown_fields: dict[str, int]
    unknown_regions: dict[str, int]


@dataclass(frozen=True, slots=True)
class Findings:
    """Of one batch: notes with the item that each is about, and a name for each time that it was met."""

    notes: tuple[tuple[str, str], ...] = ()
    unknown_fields: tuple[str, ...] = ()
    unknown_regions: tuple[str, ...] = ()


def read_progress(progress: Json) -> ItemProgress:
    return cast("ItemProgress", progress)  # JSON that `add_findings` has written


def add_findings(progress: Json, findings: Findings) -> Json:
    """The progress after one more batch, with the commonest of what was found."""
    before = read_progress(progress)
    notes = dict(before.get("notes", {}))
    for note, where in ((keys.clean(note), keys.clean(where)) for note, where in findings.notes):
        count, first = notes.get(note, (0, where))
        if count or len(notes) < MOST_NOTES:
            notes[note] = (count + 1, first)
    return {
        **progress,
        "notes": notes,
        "unknown_fields": _count_names(before.get("unknown_fields", {}), findings.unknown_fields),
        "unknown_regions": _count_names(before.get("unknown_regions", {}), findings.unknown_regions),
    }


def _count_names(before: dict[str, int], names: Iterable[str]) -> dict[str, int]:
    counted = Counter(before)
    counted.update(names)
    return dict(counted.most_common(MOST_NOTES))
