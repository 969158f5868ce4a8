"""Search latency of the whole answer beside the same question put to tantivy alone: `… [folder] [size …]`.

The whole answer is one call of the ASGI application without a server around it, so it holds everything that Dateline
does and nothing that a client costs. First every question is new, its articles' cards too; then the same ones are
asked again, with the cards in memory.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import orjson
from fastapi import FastAPI
from starlette.types import Message
from tantivy import Order

from app.main import create_app
from app.search import matching
from app.search.engine import Question
from app.search.query import parse
from app.search.reader import View, terms_counts
from app.search.tantivy_engine import TantivyEngine
from bench.archive import build, vocabulary

ROUNDS = 100
Asked = dict[str, str]


async def ask(app: FastAPI, path: str, params: Asked) -> tuple[float, dict[str, object]]:
    """Milliseconds, and the answer; anything but 200 is a mistake of this program."""
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


def raw(view: View, params: Asked) -> float:
    """Milliseconds of tantivy's own part: the composed query searched, and aggregated where counts were asked for."""
    typo = params.get("typo", "auto") == "auto"
    question = Question(
        tree=parse(params.get("q", "")).tree,
        order="relevance" if params.get("q") else "-published_at",
        match="auto" if params.get("q") else "all",
        typo=typo,
        prefix=params.get("prefix") == "true",
        recency="normal",
        today=1_790_000_000 // 86_400 * 86_400,
    )
    query = matching.query(view, question)
    began = time.perf_counter()
    if question.order == "relevance":
        view.searcher.search(query, 21)
    else:
        view.searcher.search(query, 21, order_by_field="newest", order=Order.Desc)
    for field in ("tags", "tags", "tags", "within_5", "language", "year") if "facets" in params else ():
        terms_counts(view.searcher, query, field)
    return (time.perf_counter() - began) * 1000


def kinds(words: list[str], chance: random.Random) -> dict[str, tuple[str, Callable[[], Asked]]]:
    common, middle, rare = words[:60], words[200:2_000], words[8_000:30_000]

    def pick(among: list[str], count: int = 1) -> str:
        return " ".join(chance.sample(among, count))

    def misspelt() -> str:
        word = chance.choice([word for word in middle if len(word) >= 6])
        at = chance.randrange(1, len(word) - 1)
        return word[:at] + "x" + word[at + 1 :]

    def pasted() -> str:
        return pick(common, 20) + " " + pick(middle, 25) + " " + pick(rare, 15)

    search, every = "/v1/search", "tag,region,author,section,language,year"
    return {
        "rare word": (search, lambda: {"q": pick(rare)}),
        "common word": (search, lambda: {"q": pick(common)}),
        "two words": (search, lambda: {"q": pick(common) + " " + pick(middle)}),
        "two words, OR": (search, lambda: {"q": pick(common) + " OR " + pick(middle)}),
        "phrase": (search, lambda: {"q": f'"{pick(common, 2)}"'}),
        "unfinished word": (search, lambda: {"q": pick(middle)[:3], "prefix": "true"}),
        "misspelt word": (search, lambda: {"q": misspelt()}),
        "word and filters": (search, lambda: {"q": pick(middle), "tag": f"tag-{chance.randrange(50)}"}),
        "pasted text, 60 words": (search, lambda: {"q": " ".join(pasted().split())[:512].rpartition(" ")[0]}),
        "six facets": (search, lambda: {"q": pick(middle), "facets": every}),
        "highlights": (search, lambda: {"q": pick(middle, 2), "highlight": "title,standfirst,body"}),
        "timeline": ("/v1/timeline", lambda: {"q": pick(middle), "interval": "month"}),
        "suggest": ("/v1/suggest", lambda: {"q": pick(middle)[:4]}),
    }  # fmt: skip


async def measure(folder: Path, size: int) -> None:
    settings = build(folder, size)
    app = create_app(settings, follow=False)
    engine = TantivyEngine(settings.index_path)
    chance = random.Random(8)
    words = vocabulary(random.Random(3))
    await ask(app, "/v1/search", {"q": words[5], "facets": "tag"})  # opens what is opened once
    print(f"\n{size} articles, milliseconds, {ROUNDS} questions of each kind\n")
    print(f"{'kind':24} {'new p50':>8} {'p99':>7} {'again p50':>10} {'tantivy p50':>12} {'p99':>7} {'more':>7}")
    for kind, (path, params) in kinds(words, chance).items():
        asked = [params() for _ in range(ROUNDS)]
        whole = [(await ask(app, path, one))[0] for one in asked]
        again = [(await ask(app, path, one))[0] for one in asked]
        view = replace(engine.view(), memo={})
        alone = [raw(view, one) for one in asked] if path == "/v1/search" else []
        row = [statistics.median(whole), statistics.quantiles(whole, n=100)[98]]
        row += [statistics.median(alone), statistics.quantiles(alone, n=100)[98]] if alone else [float("nan")] * 2
        more = statistics.median(again) - row[2]
        new, second = f"{row[0]:8.2f} {row[1]:7.2f}", f"{statistics.median(again):10.2f}"
        print(f"{kind:24} {new} {second} {row[2]:12.2f} {row[3]:7.2f} {more:7.2f}")
    await app.state.archive.db.close()


async def main() -> None:
    sizes = [int(word) for word in sys.argv[1:] if word.isdigit()] or [5_000]
    folders = [Path(word) for word in sys.argv[1:] if not word.isdigit()]
    for size in sizes:
        if folders:
            await measure(folders[0] / str(size), size)
            continue
        with tempfile.TemporaryDirectory() as folder:
            await measure(Path(folder), size)


if __name__ == "__main__":
    asyncio.run(main())
