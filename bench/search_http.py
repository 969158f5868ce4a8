"""Search quality through the HTTP interface with default parameters, in this process.

    python -m bench.search_http FOLDER [part ...] [options]

The folder has judged collections in `search/*/` and articles in `corpora/{reuters,digitalgov}.ndjson`. The parts, all
of them unless some are named:

- `collections`: nDCG@10 beside that of plain BM25 (`bench.bm25`): k1 1.2, b .75, one field, the same stems, queries cut
  alike to 64 words and 512 characters. `--also FOLDER` measures further ones, a collection or a folder of them.
- `titles`: titles that occur once, as they are and with one random edit, in the first one, three and ten hits.
- `exact`: hits that hold a word itself stand above those that hold a correction of it.
- `facets`, `timeline`: counts against the file. `bench.similar` measures similar articles.

While ranking is worked on, `--keep FOLDER` imports and indexes once, `--only NAME --queries 200` asks a sample, and
`--losses 10` prints the queries that lose most against BM25 with the hits of both. See `--help`.
"""

import argparse
import asyncio
import random
from collections import Counter
from datetime import datetime
from pathlib import Path

from bench.imported_archive import Story, open_client, read_stories
from bench.judged_collections import SEED, QualityOptions, measure_collection
from bench.search_titles import measure_exact, measure_titles

PARTS = ("collections", "titles", "exact", "facets", "timeline")


async def measure_facets(data: Path, keep: Path | None) -> None:
    file, chance = data / "corpora" / "reuters.ndjson", random.Random(SEED)
    read = read_stories(file)
    async with open_client(file, keep=keep) as client:
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


async def measure_timeline(data: Path, keep: Path | None) -> None:
    file, chance = data / "corpora" / "reuters.ndjson", random.Random(SEED)
    words = [w for s in read_stories(file) for w in str(s.get("title") or "").split() if w.isalpha() and len(w) > 3]
    async with open_client(file, keep=keep) as client:
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
    start, end = (datetime.fromisoformat(bucket[name]) for name in ("start", "end"))
    return (end - start).total_seconds() / 3600


def find_collections(folder: Path) -> list[Path]:
    """The folder itself, or those in it, that hold a judged collection."""
    return [file.parent for file in sorted([*folder.glob("corpus.ndjson"), *folder.glob("*/corpus.ndjson")])]


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.search_http", description="Measures search quality.")
    parser.add_argument("folder", type=Path, help="has search/*/ and corpora/*.ndjson")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all where none is named")
    parser.add_argument("--also", type=Path, action="append", default=[], help="further collections")
    parser.add_argument("--only", help="names of collections, with commas")
    parser.add_argument("--keep", type=Path, help="keeps archives, indexes and the reference's hits in this folder")
    parser.add_argument("--queries", type=int, help="asks a sample of so many of each collection")
    parser.add_argument("--seed", type=int, default=SEED, help="of that sample")
    parser.add_argument("--losses", type=int, default=0, help="prints so many of the queries that lose most")
    parser.add_argument("--keep-stop-words", action="store_true", help="in the reference; it leaves them out")
    parser.add_argument("--typo", choices=("auto", "off"), default="auto")
    parser.add_argument("--sample", type=int, default=2000, help="titles of each corpus")
    parser.add_argument("--failures", action="store_true", help="lists titles and words that fail")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error("the folder of collections to measure against does not exist")
    if unknown := {*arguments.parts} - {*PARTS}:
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    return arguments


async def measure_collections(arguments: argparse.Namespace) -> None:
    """Each collection in `search`, and those named beside them."""
    options = QualityOptions(
        keep=arguments.keep, queries=arguments.queries, seed=arguments.seed, losses=arguments.losses,
        keep_stop_words=arguments.keep_stop_words, typo=arguments.typo,
    )  # fmt: skip
    names = arguments.only.split(",") if arguments.only else None
    for folder in [arguments.folder / "search", *arguments.also]:
        for collection in find_collections(folder):
            if names is None or collection.name in names:
                await measure_collection(collection, options)


async def main() -> None:
    arguments = read_arguments()
    parts, data, keep = arguments.parts or PARTS, arguments.folder, arguments.keep
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
    if "collections" in parts:
        await measure_collections(arguments)
    for name, measure in (("titles", measure_titles), ("exact", measure_exact)):
        if name in parts:
            await measure(data, keep, arguments.sample, list_failures=arguments.failures)
    for name, count in (("facets", measure_facets), ("timeline", measure_timeline)):
        if name in parts:
            await count(data, keep)


if __name__ == "__main__":
    asyncio.run(main())
