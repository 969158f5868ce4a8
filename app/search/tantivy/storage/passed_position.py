"""How far an index is in step behind its last commit: the rows of the log since then change nothing in it. A small
file in its folder, so that saving one article need not commit to an index that does not have it. Knows no articles."""

import os
from pathlib import Path

import orjson

from app.db.log_position import LogPosition

NAME = "PASSED"


def write_passed(folder: Path, committed: LogPosition, passed: LogPosition) -> None:
    """Notes that the index is in step up to `passed`, as long as `committed` is the place of its last commit."""
    draft = folder / f"{NAME}.new"
    draft.write_bytes(orjson.dumps([[one.epoch, one.seq, one.mark] for one in (committed, passed)]))
    # Not flushed: what a power cut takes away is noted again.
    os.replace(draft, folder / NAME)


def read_passed(folder: Path, committed: LogPosition) -> LogPosition:
    """The place up to which an index with this last commit is in step: that commit's own where nothing is noted of
    it."""
    try:
        of, passed = (LogPosition(*map(int, one)) for one in orjson.loads((folder / NAME).read_bytes()))
    except (OSError, ValueError, TypeError):
        return committed
    return passed if of == committed and passed.epoch == committed.epoch and passed.seq > committed.seq else committed
