"""Judged collections asked through the interface and by plain BM25: nDCG@10 of both, and the queries that lose most.

A collection is a folder with `corpus.ndjson` (`id title body language`), `queries.ndjson` (`id text`) and `qrels.tsv`
(`query-id corpus-id score` under a line of headings).
"""

import hashlib
import json
import math
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.search.query.parser import MAX_CHARACTERS, MAX_WORDS
from bench.bm25 import PlainBM25
from bench.imported_archive import PROJECT, Story, compute_digest, open_client, read_lines, read_stories

AIMS = {"cranfield": 0.37, "medline": 0.70, "claims": 0.81}
"""nDCG@10 that each should have; of others, that of BM25."""
SEED = 1987
TIE = 1e-9
Response = dict[str, object]


@dataclass(frozen=True, slots=True)
class Judged:
    """A query, what is relevant to it and how much, and the first ten of both."""

    id: str
    text: str
    scores: dict[str, int]
    found_ids: list[str]
    reference_ids: list[str]
    remarks: str = ""
    seconds: float = 0.0

    @property
    def gain(self) -> float:
        return compute_gain(self.found_ids, self.scores)

    @property
    def reference(self) -> float:
        return compute_gain(self.reference_ids, self.scores)


@dataclass(frozen=True, slots=True)
class QualityOptions:
    """How much is asked and told: a sample of so many queries, so many losses; `keep_stop_words` in the reference."""

    keep: Path | None = None
    queries: int | None = None
    seed: int = SEED
    losses: int = 0
    keep_stop_words: bool = False
    typo: str = "auto"


def cut_query(text: str) -> str:
    """The text as far as a query may be long, between words."""
    q = " ".join(text.split()[:MAX_WORDS])
    while len(q) > MAX_CHARACTERS:
        q = q.rpartition(" ")[0] or q[:MAX_CHARACTERS]
    return q


async def search(client: httpx.AsyncClient, text: str, limit: int = 10, **more: str) -> Response:
    """The response to a query that is cut to what one may be."""
    params = {"q": cut_query(text), "limit": str(limit), "fields": "external_id,title", "count": "none", **more}
    response = await client.get("/v1/search", params=params)
    read: Response = response.raise_for_status().json()
    return read


def list_articles(response: Response) -> list[Story]:
    """The articles of its hits."""
    hits = response["data"]
    assert isinstance(hits, list)
    return [hit["article"] for hit in hits]


def compute_gain(names: list[str], judged: dict[str, int], at: int = 10) -> float:
    """nDCG."""

    def sum_up(scores: list[int]) -> float:
        return sum(score / math.log2(rank + 2) for rank, score in enumerate(scores[:at]))

    ideal = sum_up(sorted(judged.values(), reverse=True))
    return sum_up([judged.get(name, 0) for name in names]) / ideal if ideal else 0.0


def read_queries(folder: Path, options: QualityOptions) -> list[tuple[str, str]]:
    """Ids and texts of all queries, or of as many as are asked for, drawn with a seed."""
    queries = [(str(query["id"]), str(query["text"])) for query in read_lines(folder / "queries.ndjson")]
    if options.queries is None or options.queries >= len(queries):
        return queries
    return random.Random(options.seed).sample(queries, options.queries)


def read_scores(folder: Path) -> defaultdict[str, dict[str, int]]:
    """By query, how relevant articles are."""
    scores: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        scores[query][document] = int(score)
    return scores


async def judge_queries(client: httpx.AsyncClient, folder: Path, options: QualityOptions | None = None) -> list[Judged]:
    """The first ten of each query of the collection in a folder, beside those of BM25."""
    options = options or QualityOptions()
    scores, queries = read_scores(folder), read_queries(folder, options)
    references = _search_reference(folder, queries, options)
    judged = []
    for number, text in queries:
        started = time.perf_counter()
        response = await search(client, text, typo=options.typo)
        seconds = time.perf_counter() - started
        ids = [str(article["external_id"]) for article in list_articles(response)]
        remarks = _describe_reading(response)
        judged.append(Judged(number, text, scores[number], ids, references[number], remarks, seconds))
    return judged


def _describe_reading(response: Response) -> str:
    query = response["query"]
    assert isinstance(query, dict)
    return ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in query.items() if value)


def _search_reference(
    folder: Path, queries: Sequence[tuple[str, str]], options: QualityOptions
) -> dict[str, list[str]]:
    """The first ten of BM25 by query, of the kept file where nothing that they depend on has changed."""
    made_of = [folder / "corpus.ndjson", PROJECT / "bench/bm25.py", PROJECT / "app/search/query/analysis.py"]
    asked = hashlib.blake2b(repr((queries, options.keep_stop_words)).encode(), digest_size=8).hexdigest()
    kept = options.keep / f"{folder.name}-bm25-{compute_digest(made_of)}-{asked}.json" if options.keep else None
    if kept and kept.exists():
        read: dict[str, list[str]] = json.loads(kept.read_text())
        return read
    reference = PlainBM25(read_stories(folder / "corpus.ndjson"), keep_stop_words=options.keep_stop_words)
    ids = {number: reference.search(cut_query(text)) for number, text in queries}
    if kept:
        kept.write_text(json.dumps(ids))
    return ids


async def measure_collection(folder: Path, options: QualityOptions) -> None:
    """Prints what a collection's queries find, and their losses against BM25."""
    async with open_client(folder / "corpus.ndjson", keep=options.keep) as client:
        judged = await judge_queries(client, folder, options)
    print(summarize(folder.name, judged), flush=True)
    stories = {str(story["id"]): story for story in read_stories(folder / "corpus.ndjson")} if options.losses else {}
    worst = sorted((one for one in judged if one.gain < one.reference - TIE), key=lambda one: one.gain - one.reference)
    for one in worst[: options.losses]:
        print(describe_loss(one, stories))


def summarize(name: str, judged: Sequence[Judged]) -> str:
    """One line: means of both, their difference with its standard error, and how many queries win and lose."""
    differences = [one.gain - one.reference for one in judged]
    error = statistics.stdev(differences) / math.sqrt(len(judged)) if len(judged) > 1 else 0.0
    wins, losses = sum(d > TIE for d in differences), sum(d < -TIE for d in differences)
    mine, reference = (statistics.fmean(gains) for gains in zip(*((j.gain, j.reference) for j in judged), strict=True))
    aim = f", aim {AIMS[name]:.2f}" if name in AIMS else ""
    return (
        f"{name}: {len(judged)} queries, nDCG@10 {mine:.4f}, BM25 {reference:.4f}, "
        f"{mine - reference:+.4f} ±{error:.4f}, {wins} better, {losses} worse, {len(judged) - wins - losses} equal, "
        f"{statistics.fmean(one.seconds for one in judged) * 1000:.0f} ms a query{aim}"
    )


def describe_loss(one: Judged, stories: dict[str, Story]) -> str:
    """A query with the first ten of both and what is relevant to it, to be read by people."""
    lines = [f"\n  [{one.id}] {one.gain:.3f} against {one.reference:.3f}: {one.text}", f"    read as {one.remarks}"]
    for name, ids in (("Dateline", one.found_ids), ("BM25", one.reference_ids)):
        lines.append(f"    {name}:")
        lines += [f"      {rank:2} {_describe_story(i, one, stories)}" for rank, i in enumerate(ids, 1)]
    relevant = sorted((i for i, score in one.scores.items() if score > 0), key=lambda i: -one.scores[i])
    lines.append(f"    relevant: {len(relevant)}")
    lines += [f"         {_describe_story(i, one, stories)}" for i in relevant[:10]]
    return "\n".join(lines)


def _describe_story(number: str, one: Judged, stories: dict[str, Story]) -> str:
    story = stories.get(number, {})
    title = " ".join(f"{story.get('title') or ''} | {story.get('body') or ''}".split())
    return f"{'*' if one.scores.get(number, 0) > 0 else ' '}{one.scores.get(number, 0)} {number}: {title[:110]}"
