"""What a snapshot says of itself, as its first file: the form of its indexes, and where each stands in the log. It is
read before anything else, so that a snapshot that is of no use here costs nothing. Knows no files of an index."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import orjson

from app.db.log_position import LogPosition
from app.search.indexing.archive_indexes import Part
from app.search.indexing.snapshots.source import SnapshotFailed
from app.search.tantivy.storage import integrity

NAME = "snapshot.json"
MOST_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class IndexPlace:
    """Where an index stood just before its files were held: it may have got further since, never back. `passed`: how
    far it was in step without a commit, as long as `committed` is its last one."""

    committed: LogPosition
    passed: LogPosition


@dataclass(frozen=True, slots=True)
class Description:
    """`form` is the name of its folder."""

    form: str
    places: Mapping[Part, IndexPlace]


def encode_description(description: Description) -> bytes:
    """One line of JSON, and its hash."""
    places = {
        part: {"committed": _list_numbers(place.committed), "passed": _list_numbers(place.passed)}
        for part, place in description.places.items()
    }
    return integrity.seal(orjson.dumps({"form": description.form, "indexes": places}))


def parse_description(raw: bytes) -> Description:
    """SnapshotFailed where it does not have its hash, or nothing of it can be understood."""
    line = integrity.unseal(raw)
    try:
        content = orjson.loads(line or b"")
        places: dict[Part, IndexPlace] = {}
        for part in get_args(Part):
            if (numbers := content["indexes"].get(part)) is not None:
                places[part] = IndexPlace(_read_place(numbers["committed"]), _read_place(numbers["passed"]))
        return Description(str(content["form"]), places)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SnapshotFailed(f"{NAME} is damaged") from None


def _list_numbers(place: LogPosition) -> list[int]:
    return [place.epoch, place.seq, place.mark]


def _read_place(numbers: object) -> LogPosition:
    if not isinstance(numbers, list) or len(numbers) != 3 or not all(isinstance(one, int) for one in numbers):
        raise TypeError
    return LogPosition(*numbers)
