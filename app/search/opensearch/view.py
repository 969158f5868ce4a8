"""An index of the cluster as the composing of queries sees it: the words that this machine has, and what the cluster
finds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from tantivy import Occur, Query

from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.problems import Json
from app.search.opensearch.queries import Clause, ClusterQueries, read_clause
from app.search.tantivy.filters import FilterQueries
from app.search.tantivy.reader import View

cluster_filters = FilterQueries(ClusterQueries)
_AT_ONCE = 50
"""Queries of one request, where there are many."""
_ADDRESS = ["id", "version", "newest"]


@dataclass(frozen=True, slots=True)
class ClusterView(View):
    """One commit of the words on this machine, and what the cluster's index holds at the time of each request."""

    filters: FilterQueries = cluster_filters
    cluster: SearchCluster = field(kw_only=True)
    index: str = field(kw_only=True)

    def count(self, query: Query) -> int:
        return self.ask({"query": read_clause(query), "size": 0}).total

    def load_scores(self, queries: Sequence[Query], most: int) -> dict[int, float]:
        return self.load_all_scores([queries], most)[0]

    def load_all_scores(self, asked: Sequence[Sequence[Query]], most: int) -> list[dict[int, float]]:
        bodies: list[Clause] = [
            {"query": read_clause(self._match_all_of(queries)), "size": most, **RETURN_HITS} for queries in asked
        ]
        portions = [bodies[start : start + _AT_ONCE] for start in range(0, len(bodies), _AT_ONCE)]
        return [{hit.id: hit.score or 0.0 for hit in one.hits} for some in portions for one in self.ask_all(some)]

    def _match_all_of(self, queries: Sequence[Query]) -> Query:
        return self.filters.query.boolean_query([(Occur.Must, query) for query in queries])

    def ask(self, body: Clause, *, preference: str | None = None) -> "Found":
        """All that matches is counted."""
        response = self.cluster.search(self.index, {"track_total_hits": True, **body}, preference=preference)
        return read_found(response)

    def ask_all(self, bodies: Sequence[Clause]) -> "list[Found]":
        """Several at once."""
        whole: list[Clause] = [{"track_total_hits": True, **body} for body in bodies]
        return [read_found(response) for response in self.cluster.search_all(self.index, whole)] if whole else []


RETURN_HITS: Clause = {"_source": False, "docvalue_fields": _ADDRESS}
"""What a body says that asks for hits and nothing of what is stored."""


@dataclass(frozen=True, slots=True)
class FoundHit:
    """One document; `sort` are the values by which it was put in order."""

    id: int
    version: int
    newest: int
    score: float | None
    sort: tuple[int, ...]
    source: Json


@dataclass(frozen=True, slots=True)
class Found:
    """A response of the cluster."""

    hits: tuple[FoundHit, ...]
    total: int
    aggregations: Json


def read_found(response: Json) -> Found:
    """A complete response to a search."""
    hits = response["hits"]
    assert hits["total"]["relation"] == "eq", "all that matches is counted"
    return Found(tuple(map(_read_hit, hits["hits"])), hits["total"]["value"], response.get("aggregations", {}))


def _read_hit(hit: Json) -> FoundHit:
    fields = hit.get("fields", {})
    id, version, newest = (int(fields[name][0]) if name in fields else 0 for name in _ADDRESS)
    sort = tuple(int(value) for value in hit.get("sort", ()) if isinstance(value, int))
    return FoundHit(id, version, newest, hit.get("_score"), sort, cast("Json", hit.get("_source") or {}))
