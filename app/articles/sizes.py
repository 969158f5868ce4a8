"""How much of articles one response may hold. Bodies are measured in the database, before any is read or rendered."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from itertools import accumulate

from sqlalchemy import select

from app.articles.queries import Entry
from app.db import Readable
from app.errors import ResponseTooLarge
from app.http.params import Read
from app.models import Article, table
from app.sql import AnyOf, Prepared, byte_length, integer, prepare

A = table(Article)
MAX_BYTES = 4_000_000
"""Of a page, or of a piece of a stream. Rendering so much takes up to a quarter of a second, and four times as much
memory for a moment."""
COSTS: Mapping[str, int] = {"body": 1, "body_text": 2, "body_markdown": 2, "body_blocks": 2}
"""What a byte of a body counts as: the views are rendered, the body itself is only copied."""
RELATED_COST = 1_000
"""What a related post counts as: about the card of its article."""
LARGE = 50_000
"""So many bytes may take 5 ms to render: from there on it leaves the event loop."""


def body_cost(includes: Set[str]) -> int:
    """What each byte of a body counts as, where these parts are asked for; 0 where none is of the body."""
    return sum(COSTS.get(name, 0) for name in includes)


async def load_costs(db: Readable, ids: Sequence[int], cost: int) -> dict[int, int]:
    """What the bodies of these articles count as, by id; one statement, none without cost."""
    if not cost or not ids:
        return {}
    # In a thread: SQLite copies the bodies to measure them, half a millisecond for one of 4 MB.
    rows = await db.reader.rows(_statement(db.dialect), {"ids": list(ids)}, bounded=False)
    return {integer(id): integer(size) * cost for id, size in rows}


@lru_cache(maxsize=4)
def _statement(dialect: str) -> Prepared:
    return prepare(select(A.c.id, byte_length(A.c.body)).where(AnyOf(A.c.id, "ids")), dialect, ["ids"])


def count_fitting(costs: Iterable[int]) -> int:
    """How many of the first ones fit into one response; one at least, however large."""
    return max(1, sum(total <= MAX_BYTES for total in accumulate(costs)))


def check_fit(read: Read, costs: Sequence[int]) -> None:
    """ResponseTooLarge, naming the parameter to lower, where several articles are more than one response may hold."""
    total = sum(costs)
    if len(costs) < 2 or total <= MAX_BYTES:
        return
    said = f"These {len(costs)} articles, as asked for, count as {total} bytes; {MAX_BYTES} are possible."
    if read.knows("limit"):
        raise ResponseTooLarge(f"{said} A limit of {count_fitting(costs)} fits, or ask for less of each.", "limit")
    asked = "include" if read.fields("include") else "fields"
    raise ResponseTooLarge(f"{said} Ask for less of each, or read them one by one.", asked)


def split(entries: Sequence[Entry], costs: Mapping[int, int], most: int) -> Iterator[Sequence[Entry]]:
    """The entries in pieces of at most so many that each fit into one response."""
    start = 0
    while start < len(entries):
        some = entries[start : start + most]
        fitting = count_fitting(costs.get(entry.id, 0) for entry in some)
        yield some[:fitting]
        start += fitting
