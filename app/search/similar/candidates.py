"""The engine's candidates for articles that are like one, put in order."""

from collections.abc import Collection

from app.regions.atlas import Atlas
from app.search.engine import SearchEngine
from app.search.similar import ranking
from app.search.similar.compared_articles import list_telling_regions
from app.search.similar.profile import Profile
from app.search.similar.ranking import RankedProfile
from app.search.vocabulary.names import Vocabulary

FEWEST_COMPARED, MORE_CANDIDATES, MOST_CANDIDATES = 30, 10, 160
"""Articles that are compared with one to find those like it: at least, how many more than asked for, and at most."""

RankedSample = tuple[Profile, list[RankedProfile]]
"""What an article is compared by, and those like it."""


def rank_similar(
    engine: SearchEngine, id: int, version: int, atlas: Atlas, limit: int, excluded: tuple[int, ...]
) -> RankedSample | None:
    """Articles like one that the index has; None where it does not have this version."""
    sample = engine.load_profile(id, version)
    return None if sample is None else rank_others(engine, sample, atlas, limit, excluded)


def rank_others(
    engine: SearchEngine, sample: Profile, atlas: Atlas, limit: int, excluded: tuple[int, ...]
) -> RankedSample:
    """Some more candidates than asked for; where copies among them leave too few, MOST_CANDIDATES."""
    query_weights = ranking.weigh_terms(sample, engine.measure_rarity(sample.terms))
    regions = list_telling_regions(sample.regions, atlas)
    ranked: list[RankedProfile] = []
    for most in (max(FEWEST_COMPARED, min(limit + MORE_CANDIDATES, MOST_CANDIDATES)), MOST_CANDIDATES):
        others = engine.find_profiles(sample, excluded, most)
        by_cosine = ranking.measure_cosines(query_weights, others)
        nearest = ranking.sum_nearest([one.profile for one in by_cosine])
        expanded = ranking.add_nearest(query_weights, nearest, engine.measure_rarity(nearest))
        ranked = ranking.rank(sample, regions, ranking.measure_cosines(expanded, others), limit)
        if len(ranked) >= limit or len(others) < most:
            break
    return sample, ranked


def explain_similarity(
    sample: Profile, telling: Collection[int], other: Profile, words: Vocabulary, atlas: Atlas
) -> str:
    """The tags and `telling` regions that both have, in words."""
    tags = [entry.name for tag in sample.tags if tag in other.tags and (entry := words.entries.get(("tag", tag)))]
    regions = [atlas.by_id[id].name for id in sorted(set(telling).intersection(other.regions))]
    return ranking.describe_reason(tags, regions)
