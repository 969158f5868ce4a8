"""Articles like a given one: candidates of the cluster, by the words that this machine knows to be telling."""

import base64
from collections.abc import Collection

from tantivy import Occur, Query

from app.articles.filters import ArticleFilter
from app.search.engine import Question, SearchHit, SimilaritySample
from app.search.opensearch import counts, hits
from app.search.opensearch.queries import Clause, read_clause
from app.search.opensearch.view import ClusterView, FoundHit
from app.search.similar import profile
from app.search.similar.profile import Profile
from app.search.tantivy import index_schema, more_like_this


def find_similar(
    view: ClusterView,
    sample: SimilaritySample,
    article_filter: ArticleFilter,
    excluded: tuple[int, ...],
    limit: int,
) -> tuple[SearchHit, ...]:
    """Articles that share its telling words and tags, the likest first."""
    stems = list(more_like_this.count_stems(sample))
    # This machine does not know in how many bodies a word stands.
    frequencies = counts.count_each(view, more_like_this.COUNTED, stems)
    alike = more_like_this.build_query(view, sample, frequencies)
    if alike is None:
        return ()
    clauses = [*view.filters.build_clauses(article_filter, (*excluded, sample.id)), (Occur.Must, alike)]
    question = Question(article_filter, order="relevance", limit=limit)
    return hits.find_scored(view, view.filters.query.boolean_query(clauses), question)[0]


def load_profile(view: ClusterView, id: int, version: int) -> Profile | None:
    """Of one article in this version; None where the index has another one, or none."""
    profiles = _load_profiles(view, view.filters.match_term("id", id), 1)
    return profiles[0] if profiles and profiles[0].version == version else None


def find_profiles(
    view: ClusterView, sample: Profile, excluded: Collection[int], limit: int, article_filter: ArticleFilter
) -> list[Profile]:
    """Of articles that share its telling words and tags, the likest first, never its own."""
    alike = more_like_this.match_alike(view, sample)
    if alike is None:
        return []
    clauses = view.filters.build_clauses(article_filter, tuple(sorted({sample.id, *excluded})))
    query = view.filters.query.boolean_query([*clauses, (Occur.Must, alike)])
    return _load_profiles(view, query, limit)


def _load_profiles(view: ClusterView, query: Query, limit: int) -> list[Profile]:
    body: Clause = {
        "query": read_clause(query),
        "size": limit,
        "sort": [{"_score": "desc"}, {"newest": "desc"}],
        "_source": [index_schema.PROFILE],
        "docvalue_fields": ["id", "version", "newest"],
    }
    return [_unpack(hit) for hit in view.ask(body).hits if index_schema.PROFILE in hit.source]


def _unpack(hit: FoundHit) -> Profile:
    [packed] = hit.source[index_schema.PROFILE]
    return profile.unpack_profile(hit.id, hit.version, base64.b64decode(packed))
