"""Articles like a given one: its telling words, as the archive uses them, and its tags."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from math import log, sqrt

from tantivy import DocAddress, Occur, Query

from app.articles.filters import ArticleFilter
from app.search.engine import PUBLISHED_ARTICLES, SimilaritySample
from app.search.query import analysis
from app.search.query.spelling import is_spaceless
from app.search.similar import profile
from app.search.similar.profile import Profile
from app.search.tantivy import index_schema
from app.search.tantivy.reader import View

TELLING = 24
_FIELDS, COUNTED = ("title", "body"), "body"
"""Where words are looked for, and where they are counted."""
_COMPARED = 60
"""Words of a profile that are looked for."""
_MOST_POSTINGS, _FEWEST_WORDS = 30_000, 8
"""Entries of words that are read at most, which bounds what it costs, and words that are looked for all the same. Tags
may have as many entries."""
_MOST_SKIPPED = 100
"""Articles that are left out: so many are dropped from what was found, more are left out by the query."""
_REMEMBERED = 50_000
_READ = 20_000
TITLE_COUNTS = 3
_SHORTEST = 3
_COMMON = 0.2
"""A word in more of the articles than this tells nothing."""
_TAG_WEIGHT = 1.5


def build_query(view: View, sample: SimilaritySample, frequencies: Mapping[str, int] | None = None) -> Query | None:
    """None where the sample has neither words nor tags to go by. `frequencies`: in how many articles each of its stems
    stands, where this machine does not know that."""
    words = select_terms(view, sample, frequencies)
    clauses = [(Occur.Should, _weigh_word(view, word, weight)) for word, weight in words]
    clauses += [(Occur.Should, _weigh_tag(view, tag)) for tag in sample.tags]
    return view.filters.query.boolean_query(clauses) if clauses else None


def select_terms(
    view: View, sample: SimilaritySample, frequencies: Mapping[str, int] | None = None
) -> list[tuple[str, float]]:
    """The stems that set the sample apart from the archive, the most telling first, with their weights."""
    counts = count_stems(sample)
    articles = view.searcher.num_docs
    weights = {}
    frequencies = _find_frequencies(view, counts) if frequencies is None else frequencies
    for stem, times in counts.items():
        common = frequencies[stem]
        is_long = len(stem) >= _SHORTEST or (len(stem) > 1 and is_spaceless(stem))
        if is_long and 1 < common <= max(articles * _COMMON, 10) and not stem.isdigit():
            weights[stem] = (times / (times + 2)) * log(1 + articles / common)
    return sorted(weights.items(), key=lambda scored: (-scored[1], scored[0]))[:TELLING]


def count_stems(sample: SimilaritySample) -> Counter[str]:
    counts = Counter(analysis.list_stems(sample.text[:_READ], sample.language))
    for stem in analysis.list_stems(sample.title, sample.language):
        counts[stem] += TITLE_COUNTS
    return counts


def _find_frequencies(view: View, terms: Iterable[str], field: str = COUNTED) -> dict[str, int]:
    """In how many articles each term stands, looked up once a commit."""
    known = view.memo.get(("frequencies", field))
    if not isinstance(known, dict) or len(known) >= _REMEMBERED:
        known = {}
        view.remember(("frequencies", field), known)
    frequencies: dict[str, int] = {}
    for term in terms:
        having = known.get(term)
        if having is None:
            having = known[term] = _count_articles(view, field, term)
        frequencies[term] = having
    return frequencies


def _count_articles(view: View, field: str, term: str) -> int:
    tag = profile.read_tag(term)
    return view.searcher.doc_freq(field, term) if tag is None else view.searcher.doc_freq("tags", tag)


def _weigh_word(view: View, stem: str, weight: float) -> Query:
    """Weighed twice, here and by the score, because a word that is rare is telling in the sample and in the hit."""
    terms = [view.filters.query.term_query(index_schema.build_schema(), name, stem) for name in _FIELDS]
    return view.filters.query.boost_query(view.filters.join_any(terms), weight / 4)


def _weigh_tag(view: View, tag: int) -> Query:
    rarity = log(1 + view.searcher.num_docs / (view.searcher.doc_freq("tags", tag) + 1))
    return view.filters.query.const_score_query(view.filters.match_term("tags", tag), _TAG_WEIGHT * rarity)


def load_profile(view: View, id: int, version: int) -> Profile | None:
    """Of one article in this version; None where the index has another one, or none."""
    hits = view.searcher.search(view.filters.match_term("id", id), 1, count=False).hits
    profiles = _load_profiles(view, [address for _, address in hits])
    return profiles[0] if profiles and profiles[0].version == version else None


def match_alike(view: View, sample: Profile) -> Query | None:
    """Articles that share its telling words and tags, scored; None where it has neither."""
    words = select_words(view, sample)
    tags = select_tags(view, sample.tags, alone=not words)
    alike = [_score_word(view, word, weight) for word, weight in words] + [_weigh_tag(view, tag) for tag in tags]
    return view.filters.join_any(alike) if alike else None


def find_profiles(
    view: View, sample: Profile, excluded: Collection[int], limit: int, article_filter: ArticleFilter
) -> list[Profile]:
    """Of articles that share its telling words and tags, the likest first, never its own."""
    query, skipped = match_alike(view, sample), {sample.id, *excluded}
    if query is None:
        return []
    if article_filter != PUBLISHED_ARTICLES:
        query = view.filters.query.boolean_query([(Occur.Must, query), *view.filters.build_clauses(article_filter)])
    if len(skipped) > _MOST_SKIPPED:
        others = view.filters.match_any("id", tuple(sorted(skipped)))
        query, skipped = view.filters.query.boolean_query([(Occur.Must, query), (Occur.MustNot, others)]), set()
    # Only with nothing but words and without a count articles are passed over that have too few of them. The document
    # of the place has neither words nor tags.
    hits = view.searcher.search(query, limit + len(skipped), count=False).hits
    addresses = [address for _, address in hits]
    ids = view.searcher.fast_field_values("id", addresses)
    kept = [address for id, address in zip(ids, addresses, strict=True) if id not in skipped]
    return _load_profiles(view, kept[:limit])


def _load_profiles(view: View, addresses: list[DocAddress]) -> list[Profile]:
    ids = view.searcher.fast_field_values("id", addresses)
    versions = view.searcher.fast_field_values("version", addresses)
    stored = [view.searcher.doc(address).get_first(index_schema.PROFILE) for address in addresses]
    return [
        profile.unpack_profile(int(id or 0), int(version or 0), packed)
        for id, version, packed in zip(ids, versions, stored, strict=True)
        if isinstance(packed, bytes)
    ]


def select_words(view: View, sample: Profile) -> list[tuple[str, float]]:
    """The words that candidates are found by, with what each adds to scores before a candidate's own part: what the
    cosine has for it. Those of the most weight that together have no more than _MOST_POSTINGS."""
    counts = dict(zip(sample.terms, sample.counts, strict=True))
    for number in sample.title:
        counts[sample.terms[number]] += TITLE_COUNTS - 1  # the text of a profile begins with its title
    frequencies = _find_frequencies(view, counts, index_schema.TEXT)
    articles = view.searcher.num_docs
    most = max(articles * _COMMON, 10)
    rarities = measure_rarity(view, counts)
    weighed = [
        (sqrt(times) * rarities[term], common, term)
        for term, times in counts.items()
        if 1 < (common := frequencies[term]) <= most and _is_telling(term)
    ]
    weighed.sort(key=lambda one: (-one[0], one[2]))
    chosen = _take_within_bounds(weighed[:_COMPARED])
    # The score multiplies by BM25's rarity.
    return [(term, weight / log(1 + max(articles - common, 0.5) / (common + 0.5))) for weight, common, term in chosen]


def _is_telling(term: str) -> bool:
    is_long = len(term) >= _SHORTEST or (len(term) > 1 and is_spaceless(term))
    return is_long and not term.isdigit() and not term.startswith(profile.TAG_SIGN)


def _take_within_bounds(words: list[tuple[float, int, str]]) -> list[tuple[float, int, str]]:
    left = _MOST_POSTINGS
    chosen: list[tuple[float, int, str]] = []
    others: list[tuple[float, int, str]] = []
    for word in words:
        (chosen if word[1] <= left else others).append(word)
        left -= word[1] if word[1] <= left else 0
    missing = max(_FEWEST_WORDS - len(chosen), 0)
    return [*chosen, *sorted(others, key=lambda word: word[1])[:missing]]


def select_tags(view: View, tags: Iterable[int], *, alone: bool) -> list[int]:
    """Those that few articles have, the rarest first; where there is nothing else to go by one at least."""
    left = _MOST_POSTINGS
    chosen: list[int] = []
    for having, tag in sorted((view.searcher.doc_freq("tags", tag), tag) for tag in tags):
        if having <= left or (alone and not chosen):
            chosen.append(tag)
            left -= having
    return chosen


def _score_word(view: View, stem: str, weight: float) -> Query:
    return view.filters.query.boost_query(
        view.filters.query.term_query(index_schema.build_schema(), index_schema.TEXT, stem), weight / 4
    )


def measure_rarity(view: View, terms: Collection[str]) -> Mapping[str, float]:
    """The inverse document frequency of the terms of profiles, and of others, smoothed: 1 for what every article has.
    Articles that were withdrawn lately may still be counted."""
    known = view.memo.get("rarities")
    if not isinstance(known, dict) or len(known) >= _REMEMBERED:
        known = {}
        view.remember("rarities", known)
    if not known.keys() >= (distinct := set(terms)):
        articles = view.searcher.num_docs
        for term in distinct.difference(known):
            known[term] = _compute_rarity(articles, _count_articles(view, index_schema.TEXT, term))
    return known


def _compute_rarity(articles: int, having: int) -> float:
    return 1 + max(log((articles + 1) / (having + 1)), 0.0)
