"""Paging of lists that are in memory as a whole."""

from hypothesis import given, strategies as st

from app.http.list_paging import slice_page
from app.http.params.typed import Paging

pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=15, unique_by=lambda pair: pair[1])


def page(
    rows: list[tuple[int, int]], limit: int, cursor: str | None, *, descending: bool
) -> tuple[list[int], str | None, str | None]:
    params = Paging.parse(f"limit={limit}{f'&cursor={cursor}' if cursor else ''}".encode(), 0)
    shown, reported = slice_page(rows, lambda row: row, params, name="numbers", descending=descending)
    assert len(shown) <= limit
    assert reported.total == len(rows)
    return [id for _, id in shown], reported.next, reported.previous


@given(rows=pairs, removed=st.sets(st.integers(0, 40)), limit=st.integers(1, 4), descending=st.booleans())
def test_rows_that_stay_are_met_once_forth_and_back(
    rows: list[tuple[int, int]], removed: set[int], limit: int, descending: bool
) -> None:
    left = [row for row in rows if row[1] not in removed]
    order = [id for _, id in sorted(left, reverse=descending)]
    first, cursor, previous = page(rows, limit, None, descending=descending)
    met = list(first)
    assert previous is None
    shown = first
    while cursor:
        shown, cursor, previous = page(left, limit, cursor, descending=descending)
        met += shown
    assert [id for id in met if id not in removed] == [id for id in order if id in met]
    assert set(order) <= set(met)
    assert len(met) == len(set(met))
    if previous is None:
        return
    order = order[: len(order) - len(shown)]
    back: list[int] = []
    while previous:
        shown, _, previous = page(left, limit, previous, descending=descending)
        back = shown + back
    assert back == order
