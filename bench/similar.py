"""Similar articles beside plain baselines: how many of the first five share a topic with the article.

`python -m bench.similar FOLDER [STORIES]`: the folder has `corpora/reuters.ndjson` and `corpora/digitalgov.ndjson`. Of
Reuters only stories with topics, none of them `earn` or `acq`, make the archive. What is judged by is withheld: stories
are imported without their tags, and a second time with them, which is told apart. The baselines read the same whole
texts with the same stems, without stop words: BM25 (k1 1.2, b .75) with the text as the query, and the cosine of
sublinear TF-IDF. They have the whole archive as candidates; `no copies` leaves out of them what the archive leaves out.
"""

import asyncio
import json
import math
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.search.query import analysis
from bench.imported_archive import Story, open_client, read_stories
from bench.judged_collections import SEED

FIRST, STORIES = 5, 400
COPY = 0.8
Ranking = Callable[[int], list[int]]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Stories with what each is about; `runs` are their runs of three words."""

    stories: list[Story]
    topics: list[frozenset[str]]
    stems: list[Counter[str]]
    runs: list[frozenset[tuple[str, ...]]]

    def are_copies(self, one: int, other: int) -> bool:
        a, b = self.runs[one], self.runs[other]
        return len(a & b) >= COPY * min(len(a), len(b))


def read_corpus(file: Path) -> Corpus:
    """Those of its stories that can be judged."""
    stories = []
    for story in read_stories(file):
        tags = _list_topics(story)
        if tags and not ("reuters" in file.name and tags & {"earn", "acq"}):
            stories.append(story)
    texts = [f"{story.get('title') or ''}\n{story.get('body') or ''}" for story in stories]
    words = [analysis.analyse(text, None).words for text in texts]
    return Corpus(
        stories,
        [_list_topics(story) for story in stories],
        [Counter(analysis.list_stems(text, "en")) for text in texts],
        [frozenset(zip(own, own[1:], own[2:], strict=False)) for own in words],
    )


def _list_topics(story: Story) -> frozenset[str]:
    tags = story.get("tags") or []
    assert isinstance(tags, list)
    return frozenset(map(str, tags))


def rank_by_bm25(corpus: Corpus) -> Ranking:
    """Scores by each word of the text as often as it is there."""
    lengths = [counts.total() for counts in corpus.stems]
    average, postings = sum(lengths) / len(lengths), _list_postings(corpus)

    def rank(number: int) -> list[int]:
        scores: defaultdict[int, float] = defaultdict(float)
        for stem, asked in corpus.stems[number].items():
            having = postings[stem]
            rarity = math.log(1 + (len(lengths) - len(having) + 0.5) / (len(having) + 0.5))
            for other, times in having:
                weight = times * 2.2 / (times + 1.2 * (0.25 + 0.75 * lengths[other] / average))
                scores[other] += asked * rarity * weight
        return _put_in_order(scores, number)

    return rank


def rank_by_cosine(corpus: Corpus) -> Ranking:
    """Scores by (1 + ln tf) · ln(N / df), of unit length."""
    postings, count = _list_postings(corpus), len(corpus.stems)
    rarity = {stem: math.log(count / len(having)) for stem, having in postings.items()}
    norms = [
        math.sqrt(sum(((1 + math.log(times)) * rarity[stem]) ** 2 for stem, times in counts.items())) or 1.0
        for counts in corpus.stems
    ]

    def rank(number: int) -> list[int]:
        scores: defaultdict[int, float] = defaultdict(float)
        for stem, asked in corpus.stems[number].items():
            weight = (1 + math.log(asked)) * rarity[stem] ** 2 / norms[number]
            for other, times in postings[stem]:
                scores[other] += weight * (1 + math.log(times)) / norms[other]
        return _put_in_order(scores, number)

    return rank


def _list_postings(corpus: Corpus) -> dict[str, list[tuple[int, int]]]:
    postings: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, counts in enumerate(corpus.stems):
        for stem, times in counts.items():
            postings[stem].append((number, times))
    return postings


def _put_in_order(scores: dict[int, float], number: int) -> list[int]:
    ordered = sorted(scores, key=lambda other: (-scores[other], other))
    return [other for other in ordered if other != number and scores[other] > 0]


def take_no_copies(corpus: Corpus, rank: Ranking) -> Ranking:
    """The first of a ranking without copies of the article and of one another."""

    def select(number: int) -> list[int]:
        chosen: list[int] = []
        for other in rank(number):
            if not any(corpus.are_copies(other, one) for one in (number, *chosen)):
                chosen.append(other)
            if len(chosen) == FIRST:
                break
        return chosen

    return select


def measure_share(corpus: Corpus, sample: Sequence[int], rank: Ranking) -> float:
    """The mean share of the first five that have a topic of the article."""
    shares = []
    for number in sample:
        first = rank(number)[:FIRST]
        shares.append(sum(bool(corpus.topics[other] & corpus.topics[number]) for other in first) / max(len(first), 1))
    return sum(shares) / len(shares)


async def measure_archive(corpus: Corpus, sample: Sequence[int], name: str, *, tags: bool) -> float:
    """The share of the archive's first five; prints how often there are fewer, and the processor time of a request."""
    numbers = {str(story["id"]): number for number, story in enumerate(corpus.stories)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        with file.open("w", encoding="utf-8") as lines:
            for story in corpus.stories:
                lines.write(json.dumps({k: v for k, v in story.items() if tags or k != "tags"}) + "\n")
        async with open_client(file) as client:
            paths = {number: await _find_path(client, str(corpus.stories[number]["id"])) for number in sample}
            shown: dict[int, list[int]] = {}
            for round in ("first time", "again"):
                began = time.process_time()
                for number, path in paths.items():
                    response = await client.get(
                        path,
                        params={
                            "kind": "similar",
                            "limit": str(FIRST),
                            "fields": "external_id,title" if round == "again" else "external_id",
                        },
                    )
                    rows = response.raise_for_status().json()["data"]
                    shown[number] = [numbers[row["article"]["external_id"]] for row in rows]
                each = (time.process_time() - began) / len(paths) * 1000
                print(f"    {round}: {each:.2f} ms of processor time a request")
    few = [number for number in sample if len(shown[number]) < FIRST]
    share = measure_share(corpus, sample, shown.__getitem__)
    print(f"  archive {'with' if tags else 'without'} tags: {share:.3f}, {len(few)} lists of fewer than five")
    every = take_no_copies(corpus, rank_by_cosine(corpus))
    missing = [number for number in few if len(every(number)) > len(shown[number])]
    print(f"    of these {len(missing)} although there is more")
    return share


async def _find_path(client: httpx.AsyncClient, id: str) -> str:
    location = (await client.get("/v1/resolve", params={"external_id": id})).headers["location"]
    return f"{location}/related"


async def main(data: Path, count: int) -> None:
    for name in ("reuters.ndjson", "digitalgov.ndjson"):
        corpus = read_corpus(data / "corpora" / name)
        sample = random.Random(SEED).sample(range(len(corpus.stories)), min(count, len(corpus.stories)))
        print(f"{name}: {len(corpus.stories)} stories, {len(sample)} of them asked for")
        for what, rank in (("BM25", rank_by_bm25(corpus)), ("TF-IDF cosine", rank_by_cosine(corpus))):
            plain = measure_share(corpus, sample, rank)
            alone = measure_share(corpus, sample, take_no_copies(corpus, rank))
            print(f"  {what}: {plain:.3f}, no copies {alone:.3f}")
        for tags in (False, True):
            await measure_archive(corpus, sample, name, tags=tags)


if __name__ == "__main__":
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_dir():
        raise SystemExit("Name the folder of collections to measure against.")
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else STORIES))
