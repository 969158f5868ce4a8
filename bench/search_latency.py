"""Search latency of the whole response beside the same question put to tantivy alone: `… [folder] [size …]`.

The whole response is one call of the ASGI application without a server around it, so it holds everything that Dateline
does and nothing that a client costs. First every question is new, its articles' cards too; then the same ones are
asked again, with the cards in memory. Prints the table of docs/performance.md.
"""

import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlencode

import orjson
from fastapi import FastAPI
from starlette.types import Message

from app.commands import serve
from app.main import create_app
from app.search import timeline
from app.search.engine import Question
from app.search.query.parser import parse
from app.search.query.tree import Field
from app.search.tantivy import matches
from app.search.tantivy.index_schema import ID_BITS
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.reader import View, count_terms
from bench.archive import NEWEST, build_archive, make_vocabulary

ROUNDS = 100
Asked = dict[str, str]


async def send_request(app: FastAPI, path: str, params: Asked) -> tuple[float, dict[str, object]]:
    """Milliseconds, and the response; anything but 200 is a mistake of this program."""
    body: list[bytes] = []
    status: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])
        body.append(message.get("body", b""))

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "root_path": "", "query_string": urlencode(params).encode(),
        "headers": [(b"host", b"bench")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "app": app,
    }  # fmt: skip
    began = time.perf_counter()
    await app(scope, receive, send)
    took = (time.perf_counter() - began) * 1000
    assert status == [200], (path, params, body)
    return took, orjson.loads(b"".join(body))


def read_question(path: str, params: Asked) -> Question:
    """What the engine is asked where nothing but `params` is given."""
    words = parse(params.get("q", "")).tree
    if path == "/v1/suggest":
        assert words is not None
        return Question(tree=Field("title", words), order="relevance", limit=5, typo=True, prefix=True)
    return Question(
        tree=words,
        order="relevance",
        match="auto",
        typo=True,
        prefix=params.get("prefix") == "true",
        recency="off" if path == "/v1/timeline" else "normal",
        dated="month" if path == "/v1/timeline" else "any",
        today=NEWEST // 86_400 * 86_400,
    )


def measure_raw(view: View, path: str, params: Asked) -> float:
    """Milliseconds of tantivy's own part: the composed query searched once, aggregated where counts were asked for.

    Facets and timelines of everything that matches; of suggestions the titles.
    """
    question_read = read_question(path, params)
    query = matches.build_query(view, question_read)
    span = NEWEST - 10 * 365 * 86_400, NEWEST
    edges = timeline.compute_edges("month", UTC, span, span).exact if path == "/v1/timeline" else ()
    ranges = [{"from": float(start << ID_BITS), "to": float(end << ID_BITS)} for start, end in pairwise(edges)]
    began = time.perf_counter()
    if ranges:
        view.searcher.aggregate(query, {"by": {"range": {"field": "newest", "ranges": ranges}}})
    else:
        view.searcher.search(query, question_read.limit + 1)
    if "facets" in params:
        count_terms(view.searcher, query, ("tags", "within_5", "language", "year"))
    return (time.perf_counter() - began) * 1000


def make_kinds(words: list[str], chance: random.Random) -> dict[str, tuple[str, Callable[[], Asked]]]:
    common, middle, rare = words[:60], words[200:2_000], words[8_000:30_000]

    def pick(among: list[str], count: int = 1) -> str:
        return " ".join(chance.sample(among, count))

    def misspelt() -> str:
        word = chance.choice([word for word in middle if len(word) >= 6])
        at = chance.randrange(1, len(word) - 1)
        return word[:at] + "x" + word[at + 1 :]

    def paste() -> str:
        return pick(common, 20) + " " + pick(middle, 25) + " " + pick(rare, 15)

    search, every = "/v1/search", "tag,region,author,section,language,year"
    return {
        "rare word": (search, lambda: {"q": pick(rare)}),
        "common word": (search, lambda: {"q": pick(common)}),
        "two words": (search, lambda: {"q": pick(common) + " " + pick(middle)}),
        "two words, `OR`": (search, lambda: {"q": pick(common) + " OR " + pick(middle)}),
        "phrase of two common words": (search, lambda: {"q": f'"{pick(common, 2)}"'}),
        "unfinished word": (search, lambda: {"q": pick(middle)[:3], "prefix": "true"}),
        "misspelt word": (search, lambda: {"q": misspelt()}),
        "word and filters": (search, lambda: {"q": pick(middle), "tag": f"tag-{chance.randrange(50)}"}),
        "pasted text of 60 words": (search, lambda: {"q": " ".join(paste().split())[:512].rpartition(" ")[0]}),
        "six facets": (search, lambda: {"q": pick(middle), "facets": every}),
        "highlights of 20 hits": (search, lambda: {"q": pick(middle, 2), "highlight": "title,standfirst,body"}),
        "timeline by month": ("/v1/timeline", lambda: {"q": pick(middle), "interval": "month"}),
        "suggest": ("/v1/suggest", lambda: {"q": pick(middle)[:4]}),
    }  # fmt: skip


async def measure_search(folder: Path, size: int) -> None:
    settings = build_archive(folder, size)
    app = create_app(settings, follow=False)
    engine = TantivyEngine(settings.index_path)
    chance = random.Random(8)
    words = make_vocabulary(random.Random(3))
    await send_request(app, "/v1/search", {"q": words[5], "facets": "tag"})  # opens what is opened once
    serve.freeze_garbage_collector()
    print(f"\n{size:,} articles, milliseconds, {ROUNDS} questions of each kind, load {_read_load()}\n")
    print("| question | new p50 | new p99 | again p50 | again p99 | tantivy p50 | p99 | more |")
    print("|---" * 8 + "|")
    for kind, (path, params) in make_kinds(words, chance).items():
        queries = [params() for _ in range(ROUNDS)]
        new = [(await send_request(app, path, one))[0] for one in queries]
        again = [(await send_request(app, path, one))[0] for one in queries]
        view = replace(engine.view(), memo={})
        alone = [measure_raw(view, path, one) for one in queries]
        more = statistics.median(again) - statistics.median(alone)
        figures = [value for took in (new, again, alone) for value in (statistics.median(took), _percentile(took))]
        print(f"| {kind} | {' | '.join(f'{figure:.2f}' for figure in (*figures, more))} |")
    print(f"\nload {_read_load()}")
    await app.state.archive.db.close()


def _percentile(took: list[float]) -> float:
    return statistics.quantiles(took, n=100)[98]


def _read_load() -> str:
    """Processes that wanted a core, in the last minute: whoever else works makes all of this slower."""
    return f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


async def main() -> None:
    sizes = [int(word) for word in sys.argv[1:] if word.isdigit()] or [5_000]
    folders = [Path(word) for word in sys.argv[1:] if not word.isdigit()]
    for size in sizes:
        if folders:
            await measure_search(folders[0] / str(size), size)
            continue
        with tempfile.TemporaryDirectory() as folder:
            await measure_search(Path(folder), size)


if __name__ == "__main__":
    asyncio.run(main())
