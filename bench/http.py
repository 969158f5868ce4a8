"""What responses cost over HTTP: the server beside bare ASGI that sends the same bytes and headers under equal load.

`python -m bench.http [SIZE…] [FOLDER] [--only item,list] [--seconds 1] [--rounds 5] [--commits 0,1,10]` makes archives
of so many articles (kept in FOLDER/SIZE, else thrown away) and prints a table for each. Rounds of the two servers
alternate; every figure is the median of its rounds. *Cached* and *304* leave the response cache as it is; for all other
kinds it is switched off, so that each request is rendered anew.
"""

import argparse
import os
import pickle
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench import load
from bench.archive import TAGS, build, vocabulary
from bench.load import LoadedServer, Round

UNCACHED = {"DATELINE_CACHE_MB": "0"}
ITEMS = 9_000
"""Different articles that are asked for in turn: more than the server keeps in memory."""
NOT_SENT = frozenset({b"date", b"server", b"transfer-encoding"})  # uvicorn's own


@dataclass(frozen=True, slots=True)
class Kind:
    """What is asked for: paths in turn, with these headers."""

    name: str
    paths: Callable[[httpx.Client, int], list[str]]
    cached: bool = False
    fresh: bool = field(default=False)  # with If-None-Match

    def headers(self, client: httpx.Client, path: str) -> dict[str, str]:
        return {"If-None-Match": client.get(path).headers["etag"]} if self.fresh else {}


def _one(path: str) -> Callable[[httpx.Client, int], list[str]]:
    return lambda client, size: [path]


def _items(client: httpx.Client, size: int) -> list[str]:
    chance = random.Random(7)
    return [f"/v1/articles/{id}" for id in chance.sample(range(1, size + 1), min(ITEMS, size))]


def _few(below: str = "", count: int = 100) -> Callable[[httpx.Client, int], list[str]]:
    return lambda client, size: [path + below for path in _items(client, size)[:count]]


def _biggest_region(client: httpx.Client, size: int) -> list[str]:
    [region] = client.get("/v1/regions?sort=-article_count&limit=1").json()["data"]
    return [f"/v1/articles?region={region['slug']}"]


def _far(client: httpx.Client, size: int) -> list[str]:
    """Page 500, or the last but one where the archive has fewer."""
    cursor, left = "", min(499, size // 20 - 2) * 20
    while left:
        limit = min(100, left)
        more = {"cursor": cursor} if cursor else {}
        cursor = client.get("/v1/articles", params={"limit": limit, "count": "none", **more}).json()["page"]["next"]
        left -= limit
    return [f"/v1/articles?cursor={cursor}"]


def _searches(client: httpx.Client, size: int) -> list[str]:
    words = vocabulary(random.Random(3))[200:2_000]
    return [f"/v1/search?q={word}" for word in random.Random(8).sample(words, 100)]


KINDS = (
    Kind("cached", _one("/v1/articles/1"), cached=True),
    Kind("304", _one("/v1/articles/1"), cached=True, fresh=True),
    Kind("item", _few()),
    Kind("item, first time", _items),
    Kind("list", _one("/v1/articles")),
    Kind("list, fields", _one("/v1/articles?fields=title,tags.name&include=related")),
    Kind("commonest tag", _one("/v1/articles?tag=tag-1")),
    Kind("rarest tag", _one(f"/v1/articles?tag=tag-{TAGS}")),
    Kind("biggest region", _biggest_region),
    Kind("page 500", _far),
    Kind("related", _few("/related", 20)),
    Kind("editors' related", _few("/related?kind=editorial")),
    Kind("search", _searches),
    Kind("tags", _one("/v1/tags")),
    Kind("regions", _one("/v1/regions")),
)


def fetch_responses(client: httpx.Client, paths: Sequence[str], headers: Mapping[str, str]) -> bytes:
    """What the server sends, for the bare one to send as well."""
    by_path = {}
    for path in paths:
        response = client.get(path, headers={"Accept-Encoding": "identity", **headers})
        assert response.status_code in (200, 304), response.text
        shown = [(name.lower(), value) for name, value in response.headers.raw if name.lower() not in NOT_SENT]
        by_path[path.encode()] = (response.status_code, shown, response.content)
    return pickle.dumps(by_path)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how often, and beside how many commits a second."""

    seconds: int
    rounds: int
    commits: Sequence[int]
    only: frozenset[str]


def measure(folder: Path, size: int, plan: Plan) -> None:
    env = {"DATELINE_DATA_DIR": str(folder)}
    made = [sys.executable, "-m", "app", "keys", "create", "--name", "bench", "--scope", "read_drafts",
            "--scope", "write", "--scope", "publish"]  # fmt: skip
    key = subprocess.run(made, env={**os.environ, **env}, capture_output=True, check=True, text=True).stdout.strip()
    print(f"\n{size:,} articles; {plan.rounds} rounds of {plan.seconds} s each, {_load()}\n")
    print("| asked for | commits/s | CPU µs | bare | × | requests/s | bare | p50 ms | p99 ms |")
    print("|---" * 9 + "|")
    for cached in (True, False):
        kinds = [kind for kind in KINDS if kind.cached == cached and (not plan.only or kind.name in plan.only)]
        if kinds:
            port = load.free_port()
            with load.run_server(
                ["app", "serve", "--port", str(port)], port, env | ({} if cached else UNCACHED)
            ) as server:
                for kind in kinds:
                    _rows(server, kind, size, plan, key)
                print(f"\nRssAnon {'with' if cached else 'without'} the cache: {server.private():.0f} MiB, {_load()}\n")


def _rows(server: LoadedServer, kind: Kind, size: int, plan: Plan, key: str) -> None:
    with tempfile.TemporaryDirectory() as made, httpx.Client(base_url=server.address) as client:
        paths = kind.paths(client, size)
        headers = kind.headers(client, paths[0])
        asked, sent = Path(made, "paths"), Path(made, "answers")
        asked.write_text("".join(f"{path}\n" for path in paths))
        sent.write_bytes(fetch_responses(client, paths, headers))
        port = load.free_port()
        with load.run_server(["bench.bare", str(port), str(sent)], port) as bare:
            for commits in plan.commits:
                print(
                    _row(kind.name, commits, list(_rounds(server, bare, asked, headers, plan, key, commits))),
                    flush=True,
                )


def _rounds(
    server: LoadedServer,
    bare: LoadedServer,
    paths: Path,
    headers: Mapping[str, str],
    plan: Plan,
    key: str,
    commits: int,
) -> Iterator[tuple[Round, Round]]:
    """Writing goes on while the server itself is asked, not beside the bare one."""
    load.hit(server, paths, 1, headers)  # opens what is opened once
    for _ in range(plan.rounds):
        with load.write_meanwhile(server, key, range(1, 1_000), commits):
            full = load.hit(server, paths, plan.seconds, headers)
        yield full, load.hit(bare, paths, plan.seconds, headers)


def _row(name: str, commits: int, rounds: Sequence[tuple[Round, Round]]) -> str:
    full, bare = Round.median([one for one, _ in rounds]), Round.median([other for _, other in rounds])
    times = statistics.median(one.cpu / other.cpu for one, other in rounds)
    return (
        f"| {name} | {commits} | {full.cpu:.0f} | {bare.cpu:.0f} | {times:.2f} | {full.rate:,.0f} | {bare.rate:,.0f} "
        f"| {full.p50:.2f} | {full.p99:.2f} |"
    )


def _load() -> str:
    """Processes that wanted a core, in the last minute: whoever else works makes all of this slower."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench.http")
    parser.add_argument("where", nargs="*", help="sizes of archives, and a folder to keep them in")
    parser.add_argument("--only", default="", help=f"of: {', '.join(kind.name for kind in KINDS)}")
    parser.add_argument("--seconds", type=int, default=1, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commits", default="0", help="a second, beside the reading: 0,1,10")
    return parser.parse_args()


def main() -> None:
    asked = _arguments()
    load.need_wrk()
    names = frozenset(asked.only.split(",")) - {""}
    # Names with a comma in them are asked for by what stands before it.
    only = frozenset(kind.name for kind in KINDS if {kind.name, kind.name.partition(",")[0]} & names)
    plan = Plan(asked.seconds, asked.rounds, [int(word) for word in asked.commits.split(",")], only)
    folders = [Path(word) for word in asked.where if not word.isdigit()]
    for size in [int(word) for word in asked.where if word.isdigit()] or [5_000]:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(folders[0] if folders else made, str(size))
            build(folder, size)
            measure(folder, size, plan)


if __name__ == "__main__":
    main()
