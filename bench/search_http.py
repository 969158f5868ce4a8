"""Search quality through the HTTP interface with default parameters: judged collections, titles with a typo, exact hits
before corrected ones, facets and timelines against counts from the file. `bench.similar` measures similar articles.

What it makes lies in temporary folders. `python -m bench.search_http FOLDER [collections titles exact facets
timeline]`: the folder has `search/{name}/corpus.ndjson` with queries and judgements beside it, and articles in
`corpora/*.ndjson`.
"""

import asyncio
import io
import json
import math
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from app.changes.follower import catch_up
from app.commands import open_archive
from app.importers import pipeline, sources
from app.importers.pipeline import ImportOptions
from app.main import create_app
from app.search.indexing.indexer import Indexer
from app.search.query import analysis
from app.settings import Settings

SEED = 1987
COLLECTIONS = {"cranfield": 0.37, "medline": 0.70, "claims": 0.80}
"""nDCG@10 that each should have."""
Story = dict[str, object]


@asynccontextmanager
async def open_client(*files: Path) -> AsyncIterator[httpx.AsyncClient]:
    """An archive of these files, imported and indexed as by the command, and a client without a key."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        db = open_archive.open_archive(settings)
        options = ImportOptions(body_kind="markdown" if "digitalgov" in files[0].name else None)
        items = sources.find_sources([str(file) for file in files], io.BytesIO())
        report = pipeline.run_import(db, items, options, lambda: int(time.time()))
        indexer = Indexer(settings.index_path)
        assert indexer.acquire()
        catch_up(db, indexer)
        indexer.close()
        db.close_now()
        print(f"{files[0].parent.name}/{files[0].name}: {report.created} articles, {len(report.failures)} failed")
        app = create_app(settings, follow=False)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as client:
            yield client
        await app.state.archive.db.close()


def read_lines(file: Path) -> list[Story]:
    """The JSON objects of an NDJSON file."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read_stories(file: Path) -> list[Story]:
    read = read_lines(file)
    return [story for story in read if story.get("title") or story.get("body")]


async def search(client: httpx.AsyncClient, text: str, limit: int = 10, **more: str) -> list[Story]:
    """Hits of a query; the text is cut to what a query may be, between words."""
    q = " ".join(text.split()[:64])
    while len(q) > 512:
        q = q.rpartition(" ")[0]
    params = {"q": q, "limit": str(limit), "fields": "external_id,title", "count": "none", **more}
    response = await client.get("/v1/search", params=params)
    response.raise_for_status()
    return [hit["article"] for hit in response.json()["data"]]


def compute_gain(names: list[str], judged: dict[str, int], at: int = 10) -> float:
    def sum_up(scores: list[int]) -> float:
        return sum(score / math.log2(rank + 2) for rank, score in enumerate(scores[:at]))

    ideal = sum_up(sorted(judged.values(), reverse=True))
    return sum_up([judged.get(name, 0) for name in names]) / ideal if ideal else 0.0


async def measure_collections(data: Path) -> None:
    for name, aim in COLLECTIONS.items():
        async with open_client(data / "search" / name / "corpus.ndjson") as client:
            for typo in ("auto", "off"):
                started = time.perf_counter()
                gains = await judge_queries(client, data / "search" / name, typo)
                each = (time.perf_counter() - started) / len(gains) * 1000
                print(f"  nDCG@10 {sum(gains) / len(gains):.4f} (aim {aim}), typo={typo}, {each:.1f} ms a query")


async def judge_queries(client: httpx.AsyncClient, folder: Path, typo: str = "auto") -> list[float]:
    """nDCG@10 of each query of the collection in a folder."""
    queries = {str(query["id"]): str(query["text"]) for query in read_lines(folder / "queries.ndjson")}
    scores: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query, document, score = line.split("\t")
        scores[query][document] = int(score)
    return [
        compute_gain([str(a["external_id"]) for a in await search(client, text, typo=typo)], scores[number])
        for number, text in queries.items()
    ]


def make_typo(title: str, chance: random.Random) -> str | None:
    """The title with one random edit in one word of five letters or more; None where it has no such word."""
    words = title.split()
    long = [i for i, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    if not long:
        return None
    i = chance.choice(long)
    word, at = words[i], chance.randrange(len(words[i]))
    letter = chance.choice("abcdefghijklmnopqrstuvwxyz")
    swapped = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    edits = [word[:at] + letter + word[at + 1 :], word[:at] + word[at + 1 :], word[:at] + letter + word[at:], swapped]
    words[i] = chance.choice([edit for edit in edits if edit != word])
    return " ".join(words)


async def measure_titles(data: Path) -> None:
    for name in ("reuters.ndjson", "digitalgov.ndjson"):
        file = data / "corpora" / name
        async with open_client(file) as client:
            pairs = edit_titles(read_stories(file), 500)
            for what, side in (("as they are", 0), ("with one edit", 1)):
                right = await count_first_three(client, read_stories(file), [(pair[0], pair[side]) for pair in pairs])
                print(f"  500 titles {what}: {right:.1%} within the first three")


def edit_titles(read: list[Story], count: int) -> list[tuple[str, str]]:
    """Titles, each with one edit in one word."""
    chance, titled = random.Random(SEED), [str(story["title"]) for story in read if story.get("title")]
    pairs: list[tuple[str, str]] = []
    while len(pairs) < count:
        title = chance.choice(titled)
        edited = make_typo(title, chance)
        pairs += [(title, edited)] if edited else []
    return pairs


async def count_first_three(client: httpx.AsyncClient, read: list[Story], queries: list[tuple[str, str]]) -> float:
    """The share of titles, each with what is asked for it, of which an article stands within the first three hits."""
    ids_by_title: defaultdict[str, set[str]] = defaultdict(set)
    for story in read:
        ids_by_title[" ".join(str(story.get("title")).lower().split())].add(str(story["id"]))
    right = 0
    for title, text in queries:
        hits = await search(client, text, 3)
        good = any(hit["external_id"] in ids_by_title[" ".join(title.lower().split())] for hit in hits)
        right += good
        if not good and "-v" in sys.argv:
            print("    missed:", text, "|", title, "|", [hit["title"] for hit in hits])
    return right / len(queries)


async def measure_exact(data: Path) -> None:
    """Of each word that was asked for, hits that hold it must stand above all that only hold another in its place."""
    for name in ("reuters.ndjson", "digitalgov.ndjson"):
        file, chance = data / "corpora" / name, random.Random(SEED)
        every = sorted({word for story in read_stories(file) for word in _list_words(story, "title") if len(word) >= 5})
        pairs = [(word, make_typo(word, chance) or word) for word in chance.sample(every, 500)]
        async with open_client(file) as client:
            for what, queries in (
                ("words", [word for word, _ in pairs]),
                ("words with one edit", [word for _, word in pairs]),
                ("titles with one edit", [edited for _, edited in edit_titles(read_stories(file), 500)]),
            ):
                below = [await count_exact_below_others(client, text) for text in queries]
                corrected = sum(count for count, _ in below)
                print(f"  500 {what}: {corrected} corrected, {sum(n for _, n in below)} exact hits below others")


async def count_exact_below_others(client: httpx.AsyncClient, text: str) -> tuple[int, int]:
    """How many words were corrected, and how many hits that hold a word itself stand below one that does not. Of a
    title only the words that were corrected are looked at: with any of its words enough, the others have no order."""
    options = {"fields": "title,standfirst,language,tags.name,authors.name", "include": "body_text"}
    response = await client.get("/v1/search", params={"q": text, "limit": "100", "count": "none", **options})
    query, hits = response.raise_for_status().json()["query"], response.json()["data"]
    corrected = [row["word"] for row in query["corrections"]]
    below = 0
    for word in corrected or ([text] if len(text.split()) == 1 else []):
        is_exact = [_has_word(hit["article"], word, query["languages"]) for hit in hits]
        below += sum(there and not all(is_exact[:i]) for i, there in enumerate(is_exact))
    return len(corrected), below


def _has_word(article: Story, word: str, languages: list[str]) -> bool:
    """In its text, in any form of the word, or in the name of a tag or author."""
    names = [*_list_rows(article, "tags"), *_list_rows(article, "authors")]
    parts = [str(article[part] or "") for part in ("title", "standfirst", "body_text")]
    analysed = analysis.analyse("\n".join([*parts, *(str(one["name"]) for one in names)]), str(article["language"]))
    forms = [
        analysis.analyse_words(word, language) for language in (*languages, None)
    ]  # as the index is asked for them
    return {*analysed.words}.issuperset(analysis.analyse_words(word)) or any(
        {*analysed.stems}.issuperset(form) for form in forms
    )


def _list_rows(article: Story, name: str) -> list[Story]:
    rows = article[name]
    assert isinstance(rows, list)
    return rows


def _list_words(story: Story, part: str) -> list[str]:
    return [word.lower() for word in str(story.get(part) or "").split() if word.isalpha()]


async def measure_facets(data: Path) -> None:
    file, chance = data / "corpora" / "reuters.ndjson", random.Random(SEED)
    read = read_stories(file)
    async with open_client(file) as client:
        topics = Counter(t for s in read for t in _list_values(s, "tags"))
        wrong = 0
        for _ in range(200):
            chosen = chance.sample([t for t, n in topics.items() if n > 20], 2)
            mode = chance.choice(["tag", "tag_all", "tag_not"])
            picked = chance.sample(list(topics), 2) if chance.random() < 0.3 else []
            params = {mode: ",".join(chosen), "facets": "tag", "facet_limit": "200", "limit": "1"}
            if picked and mode != "tag":
                params["tag"] = ",".join(picked)
            response = (await client.get("/v1/search", params=params)).json()
            expected: Counter[str] = Counter()
            for story in read:
                tags = _list_values(story, "tags")
                if (mode == "tag_all" and not tags >= set(chosen)) or (mode == "tag_not" and tags & set(chosen)):
                    continue
                expected.update(tags)
            counted = {row["value"]: row["count"] for row in response["facets"]["tag"] if row["count"]}
            wrong += counted != dict(expected)
        print(f"  200 random filters: {wrong} differ from the file")


def _list_values(story: Story, name: str) -> set[str]:
    values = story.get(name) or []
    assert isinstance(values, list)
    return set(values)


async def measure_timeline(data: Path) -> None:
    file, chance = data / "corpora" / "reuters.ndjson", random.Random(SEED)
    words = [w for s in read_stories(file) for w in str(s.get("title") or "").split() if w.isalpha() and len(w) > 3]
    async with open_client(file) as client:
        wrong = 0
        for _ in range(100):
            dates = {"published_from": "1986-09", "published_to": "1987-12", "tz": "Europe/Brussels"}
            params = {"q": chance.choice(words), "interval": chance.choice(["day", "week", "month"]), **dates}
            response = (await client.get("/v1/timeline", params=params)).json()
            del params["interval"]
            total = (await client.get("/v1/search", params={**params, "limit": "1"})).json()["page"]["total"]
            hours = {round(_count_hours(bucket)) % 24 for bucket in response["buckets"]}
            wrong += sum(bucket["count"] for bucket in response["buckets"]) != total or {1, 23} & hours != {1, 23}
        print(f"  100 timelines across both clock changes: {wrong} differ from the search's total")


def _count_hours(bucket: dict[str, str]) -> float:
    from datetime import datetime

    start, end = (datetime.fromisoformat(bucket[name]) for name in ("start", "end"))
    return (end - start).total_seconds() / 3600


async def main(data: Path, arguments: Sequence[str]) -> None:
    parts = {
        f.__name__: f for f in (measure_collections, measure_titles, measure_exact, measure_facets, measure_timeline)
    }
    for name in [name for name in arguments if name in parts] or parts:
        await parts[name](data)


if __name__ == "__main__":
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_dir():
        raise SystemExit("Name the folder of collections to measure against.")
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
