"""What requests cost the server: CPU of one worker for each kind, of several checkouts by turns in one run.

`python -m bench.request_costs FOLDER [CHECKOUT…] [--size 20000] [--length 450] [--seconds 2] [--rounds 5] [--only …]`
makes the archive in FOLDER where it is not there yet, gives each checkout (this one where none is named) a copy of it,
and prints a table of medians. The response cache is off but for *cached*, *cached feed* and *304*. *Highlights* and
*facets* are whole searches for one word; what they add is the difference to *one word, cards*.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import load
from bench.archive import build_archive, make_vocabulary
from bench.load import LoadedServer

FORMATS = ("rss", "atom", "json")
ONE_WORD, ONE_OF_THREE = (150, 4_400), (60, 300)
"""Ranks in the vocabulary: words of 1 to 25 % of articles of 450 words, and of 14 to 50 %."""
QUESTIONS, LIMIT_OF_START = 100, 900
UNCACHED = {"DATELINE_CACHE_MB": "0"}


@dataclass(frozen=True, slots=True)
class CostKind:
    """Paths that are asked for in turn; `etag` of the first one is sent along where `is_fresh`."""

    name: str
    paths: Sequence[str]
    is_cached: bool = False
    is_fresh: bool = False


def list_kinds(size: int, seed: int = 8) -> list[CostKind]:
    """Each kind of page that readers, search boxes and dashboards ask for."""
    chance = random.Random(seed)
    vocabulary = make_vocabulary(random.Random(3))
    words = chance.sample(vocabulary[slice(*ONE_WORD)], QUESTIONS)
    triples = ["+".join(chance.sample(vocabulary[slice(*ONE_OF_THREE)], 3)) for _ in range(QUESTIONS)]
    ids = chance.sample(range(1, size + 1), min(3 * QUESTIONS, size))
    searches = [f"/v1/search?q={word}" for word in words]
    facets = "&facets=tag,region,year&highlight=title"
    return [
        CostKind("cached", ["/v1/articles/1"], is_cached=True),
        CostKind("304", ["/v1/articles/1"], is_cached=True, is_fresh=True),
        CostKind("cached feed", ["/feeds/articles.atom"], is_cached=True),
        CostKind("one article", [f"/v1/articles/{id}" for id in ids]),
        CostKind("20 newest, cards", ["/v1/articles"]),
        CostKind("20 newest, fields", ["/v1/articles?fields=title,slug,published_at,tags.name"]),
        CostKind("20 newest, bodies", ["/v1/articles?include=body"]),
        *(CostKind(f"20 newest, {name}", [f"/feeds/articles.{name}"]) for name in FORMATS),
        CostKind("20 newest, full texts", ["/feeds/articles.atom?content=full"]),
        CostKind("20 of a tag, cards", [f"/v1/articles?tag=tag-{n}" for n in range(1, 21)]),
        CostKind("20 of a tag, bodies", [f"/v1/articles?tag=tag-{n}&include=body" for n in range(1, 21)]),
        CostKind("related", [f"/v1/articles/{id}/related" for id in ids]),
        CostKind("tags", ["/v1/tags"]),
        CostKind("one word, cards", searches),
        CostKind("one word, bodies", [f"{path}&include=body" for path in searches]),
        CostKind("three words, cards", [f"/v1/search?q={words}" for words in triples]),
        CostKind("three words, bodies", [f"/v1/search?q={words}&include=body" for words in triples]),
        CostKind("highlights, one word", [f"{path}&highlight=title,body" for path in searches]),
        CostKind("highlights, three words", [f"/v1/search?q={words}&highlight=title,body" for words in triples]),
        CostKind("facets", [path + facets for path in searches]),
    ]


@dataclass(frozen=True, slots=True)
class Checkout:
    """A folder with the project, and its copy of the archive."""

    folder: Path
    archive: Path


@contextmanager
def serve_checkout(checkout: Checkout, env: dict[str, str]) -> Iterator[LoadedServer]:
    """Its server, with the index built."""
    port = load.find_free_port()
    settings = {"DATELINE_DATA_DIR": str(checkout.archive), **env}
    with load.run_server(["app", "serve", "--port", str(port)], port, settings, checkout.folder) as server:
        deadline = time.monotonic() + LIMIT_OF_START
        with httpx.Client(base_url=server.address) as client:
            while client.get("/v1/search?q=any").status_code != 200:
                if time.monotonic() > deadline:
                    raise SystemExit(f"{checkout.folder} has built no index in {LIMIT_OF_START} s.")
                time.sleep(0.5)
        yield server


def measure_kind(
    servers: Sequence[LoadedServer], kind: CostKind, rounds: int, seconds: float
) -> list[tuple[float, float]]:
    """For each server medians of CPU in µs a request, and requests a second."""
    measured: list[list[tuple[float, float]]] = [[] for _ in servers]
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "paths")
        paths.write_text("".join(f"{path}\n" for path in kind.paths))
        headers = {}
        for number in range(-1, rounds):  # the first opens what is opened once
            for server, own in zip(servers, measured, strict=True):
                if kind.is_fresh:
                    headers = {"If-None-Match": httpx.get(server.address + kind.paths[0]).headers["etag"]}
                one = load.run_load(server, paths, seconds, headers)
                own += [(one.cpu, one.rate)] if number >= 0 else []
    return [(statistics.median(cpu for cpu, _ in own), statistics.median(rate for _, rate in own)) for own in measured]


def measure_checkouts(checkouts: Sequence[Checkout], kinds: Sequence[CostKind], rounds: int, seconds: float) -> None:
    names = [str(one.folder) for one in checkouts]
    print(f"| asked for | {' | '.join(f'{name}: CPU µs | requests/s' for name in names)} |")
    print("|---" * (1 + 2 * len(names)) + "|")
    for is_cached in (True, False):
        chosen = [kind for kind in kinds if kind.is_cached == is_cached]
        with ExitStack() as stack:
            env = {} if is_cached else UNCACHED
            servers = [stack.enter_context(serve_checkout(one, env)) for one in checkouts] if chosen else []
            for kind in chosen:
                cells = [f"{cpu:,.0f} | {rate:,.0f}" for cpu, rate in measure_kind(servers, kind, rounds, seconds)]
                print(f"| {kind.name} | {' | '.join(cells)} |", flush=True)


def copy_archive(source: Path, target: Path, checkout: Path) -> Path:
    """The database, with the tables and the index of this checkout."""
    if not (target / "dateline.db").exists():
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(source / "dateline.db", target / "dateline.db")
    env = {**os.environ, "DATELINE_DATA_DIR": str(target)}
    subprocess.run([sys.executable, "-m", "app", "migrate"], cwd=checkout, env=env, check=True, capture_output=True)
    return target


def main() -> None:
    parser = argparse.ArgumentParser("bench.request_costs")
    parser.add_argument("folder", type=Path, help="where archives are kept")
    parser.add_argument("checkouts", nargs="*", type=Path, help="folders with the project")
    parser.add_argument("--size", type=int, default=20_000, help="articles")
    parser.add_argument("--length", type=int, default=450, help="words of each")
    parser.add_argument("--seconds", type=float, default=2, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="kinds, by what their names begin with, with commas between")
    arguments = parser.parse_args()
    load.require_wrk()
    kinds = list_kinds(arguments.size)
    if arguments.only:
        kinds = [kind for kind in kinds if kind.name.startswith(tuple(arguments.only.split(",")))]
    source = arguments.folder / f"archive-{arguments.size}x{arguments.length}"
    build_archive(source, arguments.size, arguments.length)
    checkouts = [
        Checkout(folder, copy_archive(source, arguments.folder / f"of-{folder.name}-{source.name}", folder))
        for folder in map(Path.resolve, arguments.checkouts or [Path.cwd()])
    ]
    measure_checkouts(checkouts, kinds, arguments.rounds, arguments.seconds)
    one, five, fifteen = os.getloadavg()
    print(f"\nload {one:.1f}, {five:.1f}, {fifteen:.1f} on {os.cpu_count()} cores, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
