"""How much of articles one response may hold. Bodies are measured in the database, before any is read or rendered."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from sqlalchemy import Integer, bindparam, case, func, literal_column, null, select

from app.articles.reading.body_cache import BodySize
from app.articles.reading.queries import ListRow
from app.db.database import Readable
from app.db.sql import AnyOf, Prepared, Value, measure_bytes, prepare, read_integer
from app.errors import ResponseTooLarge
from app.http.params.typed import Params
from app.models import Article, table

A = table(Article)
MAX_COST = 1_600_000
"""Of a page, or of a piece of a stream: about bytes of the response. Rendering so much takes up to .13 s, and four
times as much memory for a moment."""
BYTE_COSTS: Mapping[str, int] = {"body": 1, "body_text": 1, "body_markdown": 2, "body_blocks": 2}
"""What a byte of a body counts as in each of its forms."""
TAG_COST = 100
"""What a tag counts as in each form: it takes as long to read as so many bytes."""
MEASURED = 250_000
"""Bytes of bodies of which the tags are counted, which takes half a millisecond. Larger ones count as if each eighth
byte began a tag."""
RELATED_COST = 1_000
"""What a related post counts as: about the card of its article."""
CARD_COST = 1_000
"""What the card of an article counts as beside its bodies, on a page of changes: up to a thousand are made at once."""
SMALL = 10_000
"""Bytes of a body that is read as soon as it is measured."""
LARGE = 50_000
"""What costs so much may take 5 ms to render: from there on it leaves the event loop."""


@dataclass(frozen=True, slots=True)
class ResponseCosts:
    """What bodies count as, what they are like, and those that are small enough to be read with it, all by the
    article's id."""

    costs: Mapping[int, int]
    bodies: Mapping[int, BodySize]
    texts: Mapping[int, str]


NOTHING = ResponseCosts({}, {}, {})


async def measure(db: Readable, ids: Sequence[int], includes: Set[str], *, small: int = SMALL) -> ResponseCosts:
    """What the bodies of these articles count as in these forms, and those of up to `small` bytes themselves; one
    statement, none without forms."""
    forms = includes & BYTE_COSTS.keys()
    if not forms or not ids:
        return NOTHING
    # In a thread: SQLite copies the bodies to measure them.
    values: dict[str, Value] = {"ids": list(ids), "small": small}
    rows = await db.reader.rows(_statement(db.dialect), values, bounded=False)
    texts = {read_integer(id): str(body) for id, _, _, _, body in rows if body is not None}
    bodies = {}
    for id_, version, size, counted, _ in rows:
        id = read_integer(id_)
        tags = texts[id].count("<") if counted is None else read_integer(counted)
        bodies[id] = BodySize(read_integer(version), read_integer(size), tags)
    return ResponseCosts(weigh(bodies, includes), bodies, texts)


def weigh(bodies: Mapping[int, BodySize], includes: Set[str]) -> dict[int, int]:
    """What measured bodies count as in these forms, by the article's id."""
    forms = includes & BYTE_COSTS.keys()
    weight, tag_cost = sum(BYTE_COSTS[name] for name in forms), TAG_COST * len(forms)
    return {id: body.size * weight + body.tags * tag_cost for id, body in bodies.items()}


@lru_cache(maxsize=4)
def _statement(dialect: str) -> Prepared:
    size, small = measure_bytes(A.c.body), bindparam("small", type_=Integer())
    tags = func.length(A.c.body) - func.length(func.replace(A.c.body, literal_column("'<'"), literal_column("''")))
    eighth = size // literal_column("8", Integer())
    measured = case((size <= small, null()), (size <= literal_column(str(MEASURED)), tags), else_=eighth)
    read = case((size <= small, A.c.body), else_=null())
    return prepare(select(A.c.id, A.c.version, size, measured, read).where(AnyOf(A.c.id, "ids")), dialect, ["ids"])


def count_fitting(costs: Iterable[int]) -> int:
    """How many of the first ones fit into one response; one at least, however large."""
    return max(1, sum(total <= MAX_COST for total in accumulate(costs)))


def check_fit(params: Params, costs: Sequence[int]) -> None:
    """ResponseTooLarge, naming the parameter to lower, where several articles are more than one response may hold."""
    total = sum(costs)
    if len(costs) < 2 or total <= MAX_COST:
        return
    said = f"These {len(costs)} articles, as asked for, count as {total} bytes of HTML; {MAX_COST} are possible."
    if "limit" in params.declared.specs:
        raise ResponseTooLarge(f"{said} A limit of {count_fitting(costs)} fits, or ask for less of each.", "limit")
    asked = "include" if "include" in params.given_names else "fields"
    raise ResponseTooLarge(f"{said} Ask for less of each, or read them one by one.", asked)


def split(entries: Sequence[ListRow], costs: Mapping[int, int], most: int) -> Iterator[Sequence[ListRow]]:
    """The entries in pieces of at most so many that each fit into one response."""
    start = 0
    while start < len(entries):
        some = entries[start : start + most]
        fitting = count_fitting(costs.get(entry.id, 0) for entry in some)
        yield some[:fitting]
        start += fitting
