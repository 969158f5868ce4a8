"""Up to which row of the log an embargo of some hours is over, by the database's clock. Knows no article."""

from functools import lru_cache

from sqlalchemy import bindparam, select

from app.changes import log
from app.db.database import Database
from app.db.log_position import LogHead
from app.db.sql import Prepared, clock, prepare, read_integer

CHANGE = log.CHANGE
HOUR = 3_600


class EmbargoEnds:
    """Of one archive. What is over stays over, so that each look begins where the last one has ended."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], int] = {}  # by epoch and hours

    async def find(self, db: Database, head: LogHead, hours: int) -> int:
        """The last row that is as old as that, with all before it; 0 where none is. Rows come in the order of their
        times, but for those that servers with clocks of their own have written."""
        key = head.epoch, hours
        seconds = hours * HOUR
        known = self._known.get(key)
        if known is None or known > head.seq:
            known = await _search(db, head, seconds)
        rows = await db.reader.rows(_first_young(db.dialect), {"after": known, "seconds": seconds}, bounded=False)
        end = read_integer(rows[0][0]) - 1 if rows else head.seq
        end = self._known[key] = max(known, min(end, head.seq))
        return end


async def _search(db: Database, head: LogHead, seconds: int) -> int:
    """A place before the first young row, by halves."""
    low, high = 0, head.seq + 1
    while high - low > log.NEAR:
        middle = (low + high) // 2
        rows = await db.reader.rows(_is_young(db.dialect), {"seq": middle, "seconds": seconds})
        if rows and rows[0][0]:
            high = middle
        else:
            low = middle
    return max(0, low - log.NEAR)


@lru_cache(maxsize=4)
def _first_young(dialect: str) -> Prepared:
    seq = CHANGE.c.seq
    young = CHANGE.c.at > clock() - bindparam("seconds", type_=CHANGE.c.at.type)
    statement = select(seq).where(seq > bindparam("after", type_=seq.type), young)
    return prepare(statement.order_by(seq).limit(1), dialect)


@lru_cache(maxsize=4)
def _is_young(dialect: str) -> Prepared:
    seq = CHANGE.c.seq
    young = CHANGE.c.at > clock() - bindparam("seconds", type_=CHANGE.c.at.type)
    # The next one that is there: of pruned rows not all are.
    statement = select(young).where(seq >= bindparam("seq", type_=seq.type))
    return prepare(statement.order_by(seq).limit(1), dialect)
