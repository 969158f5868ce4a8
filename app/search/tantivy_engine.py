"""The search engine on a local tantivy index. Reads only; what the index holds is the indexer's."""

from collections.abc import Mapping
from pathlib import Path

from tantivy import DocAddress, Occur, Query
from tantivy import Order as Direction

from app.articles.filters import ArticleFilter
from app.errors import IndexBehind
from app.head import Place
from app.search import filtering
from app.search.compose import Composer
from app.search.engine import Found, Hit, Question, Reading
from app.search.reader import LiveIndex, View, commonest_languages, terms_counts

MAX_VALUES = 1_000_000
"""Of tags or regions; above it counts would be inexact."""


class TantivyEngine:
    """A SearchEngine on the folder `root`, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self._live = LiveIndex(root)

    def view(self) -> View:
        """The newest commit; IndexBehind where there is none."""
        view = self._live.view()
        if view is None:
            raise IndexBehind("The search index is being built; articles can be read and listed meanwhile.")
        return view

    def place(self) -> Place | None:
        view = self._live.view()
        return None if view is None else view.place

    def languages(self) -> tuple[str, ...]:
        return commonest_languages(self.view())

    def search(self, question: Question) -> Found:
        view = self.view()
        reading = Reading(question.tree, languages=question.languages or commonest_languages(view))
        query = _query(view, question, reading)
        if question.order == "relevance":
            return Found(*_by_relevance(view, query, question), view.place, reading)
        return Found(*_by_date(view, query, question), view.place, reading)

    def count(self, wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> int:
        return _total(self.view(), filtering.query(wanted, excluded))

    def tag_counts(self, wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        return self._counts(wanted, excluded, "tags")

    def region_counts(self, wanted: ArticleFilter, excluded: tuple[int, ...] = ()) -> Mapping[int, int]:
        mask = wanted.roles & 7
        if not wanted.exact:
            return self._counts(wanted, excluded, f"within_{mask}") if mask else {}
        own = self._counts(wanted, excluded, "within_own")
        return {key >> 3: count for key, count in own.items() if key & 7 == mask}

    def _counts(self, wanted: ArticleFilter, excluded: tuple[int, ...], field: str) -> dict[int, int]:
        view, memo = self.view(), (field, wanted, excluded)
        known = view.memo.get(memo)
        if isinstance(known, dict):
            return known
        counts = terms_counts(view.searcher, filtering.query(wanted, excluded), field, MAX_VALUES)
        found = {int(value): count for value, count in counts.items()}
        if wanted == ArticleFilter():
            view.memo[memo] = found
        return found


def _query(view: View, question: Question, reading: Reading) -> Query:
    clauses = filtering.clauses(question.filter, question.excluded)
    if reading.tree is not None:
        composer = Composer(view.searcher, reading.languages, question.names)
        clauses.append((Occur.Must, composer.query(reading.tree)))
    elif not any(occur == Occur.Must for occur, _ in clauses):
        clauses.append((Occur.Must, filtering.everything()))
    return Query.boolean_query(clauses)


def _total(view: View, query: Query) -> int:
    found: int = view.searcher.search(query, 1).count  # type: ignore[attr-defined] # missing in its stubs
    return found


def _by_relevance(view: View, query: Query, question: Question) -> tuple[tuple[Hit, ...], int]:
    found = view.searcher.search(query, max(question.limit, 1), offset=question.offset)
    addresses = [address for _, address in found.hits]
    newest = view.searcher.fast_field_values("newest", addresses)
    hits = _hits(view, addresses, [score for score, _ in found.hits], [int(n or 0) for n in newest])
    return hits[: question.limit], found.count  # type: ignore[attr-defined]


def _by_date(view: View, query: Query, question: Question) -> tuple[tuple[Hit, ...], int]:
    """Behind `after` the total needs a count of its own."""
    total = _total(view, query) if question.after is not None or not question.limit else None
    down = question.order == "-published_at"
    page = query
    if question.after is not None:
        further = (None, question.after - 1) if down else (question.after + 1, None)
        page = Query.boolean_query([(Occur.Must, query), (Occur.Must, filtering.between("newest", *further))])
    found = view.searcher.search(
        page,
        max(question.limit, 1),
        count=total is None,
        order_by_field="newest",
        order=Direction.Desc if down else Direction.Asc,
        offset=question.offset,
    )
    addresses = [address for _, address in found.hits]
    hits = _hits(view, addresses, [None] * len(addresses), [key for key, _ in found.hits])
    return hits[: question.limit], found.count if total is None else total  # type: ignore[attr-defined]


def _hits(view: View, addresses: list[DocAddress], scores: list[float | None], newest: list[int]) -> tuple[Hit, ...]:
    ids = view.searcher.fast_field_values("id", addresses)
    versions = view.searcher.fast_field_values("version", addresses)
    return tuple(Hit(int(i or 0), int(v or 0), s, n) for i, v, s, n in zip(ids, versions, scores, newest, strict=True))
