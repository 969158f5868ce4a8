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
from bench.archive import TAGS, build_archive, make_vocabulary
from bench.load import LoadedServer, LoadRound

UNCACHED = {"DATELINE_CACHE_MB": "0"}
ITEMS = 9_000
"""Different articles that are asked for in turn: more than the server keeps in memory."""
NOT_SENT = frozenset({b"date", b"server", b"transfer-encoding"})  # uvicorn's own


@dataclass(frozen=True, slots=True)
class RequestKind:
    """What is asked for: paths in turn, with these headers."""

    name: str
    paths: Callable[[httpx.Client, int], list[str]]
    cached: bool = False
    fresh: bool = field(default=False)  # with If-None-Match

    def make_headers(self, client: httpx.Client, path: str) -> dict[str, str]:
        return {"If-None-Match": client.get(path).headers["etag"]} if self.fresh else {}


def _repeat_path(path: str) -> Callable[[httpx.Client, int], list[str]]:
    return lambda client, size: [path]


def _list_items(client: httpx.Client, size: int) -> list[str]:
    chance = random.Random(7)
    return [f"/v1/articles/{id}" for id in chance.sample(range(1, size + 1), min(ITEMS, size))]


def _list_few(below: str = "", count: int = 100) -> Callable[[httpx.Client, int], list[str]]:
    return lambda client, size: [path + below for path in _list_items(client, size)[:count]]


def _find_biggest_region(client: httpx.Client, size: int) -> list[str]:
    [region] = client.get("/v1/regions?sort=-article_count&limit=1").json()["data"]
    return [f"/v1/articles?region={region['slug']}"]


def _find_far_page(client: httpx.Client, size: int) -> list[str]:
    """Page 500, or the last but one where the archive has fewer."""
    cursor, remaining = "", min(499, size // 20 - 2) * 20
    while remaining:
        limit = min(100, remaining)
        more = {"cursor": cursor} if cursor else {}
        cursor = client.get("/v1/articles", params={"limit": limit, "count": "none", **more}).json()["page"]["next"]
        remaining -= limit
    return [f"/v1/articles?cursor={cursor}"]


def _list_searches(client: httpx.Client, size: int) -> list[str]:
    words = make_vocabulary(random.Random(3))[200:2_000]
    return [f"/v1/search?q={word}" for word in random.Random(8).sample(words, 100)]


KINDS = (
    RequestKind("cached", _repeat_path("/v1/articles/1"), cached=True),
    RequestKind("304", _repeat_path("/v1/articles/1"), cached=True, fresh=True),
    RequestKind("item", _list_few()),
    RequestKind("item, first time", _list_items),
    RequestKind("list", _repeat_path("/v1/articles")),
    RequestKind("list, fields", _repeat_path("/v1/articles?fields=title,tags.name&include=related")),
    RequestKind("commonest tag", _repeat_path("/v1/articles?tag=tag-1")),
    RequestKind("rarest tag", _repeat_path(f"/v1/articles?tag=tag-{TAGS}")),
    RequestKind("biggest region", _find_biggest_region),
    RequestKind("page 500", _find_far_page),
    RequestKind("related", _list_few("/related", 20)),
    RequestKind("editors' related", _list_few("/related?kind=editorial")),
    RequestKind("search", _list_searches),
    RequestKind("tags", _repeat_path("/v1/tags")),
    RequestKind("regions", _repeat_path("/v1/regions")),
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
class LoadPlan:
    """How long, how often, and beside how many commits a second."""

    seconds: int
    rounds: int
    commits: Sequence[int]
    only: frozenset[str]


def measure_kinds(folder: Path, size: int, plan: LoadPlan) -> None:
    env = {"DATELINE_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "app", "keys", "create", "--name", "bench", "--scope", "read_drafts",
            "--scope", "write", "--scope", "publish"]  # fmt: skip
    key = subprocess.run(command, env={**os.environ, **env}, capture_output=True, check=True, text=True).stdout.strip()
    print(f"\n{size:,} articles; {plan.rounds} rounds of {plan.seconds} s each, {_read_load()}\n")
    print("| asked for | commits/s | CPU µs | bare | × | requests/s | bare | p50 ms | p99 ms |")
    print("|---" * 9 + "|")
    for cached in (True, False):
        kinds = [kind for kind in KINDS if kind.cached == cached and (not plan.only or kind.name in plan.only)]
        if kinds:
            port = load.find_free_port()
            with load.run_server(
                ["app", "serve", "--port", str(port)], port, env | ({} if cached else UNCACHED)
            ) as server:
                for kind in kinds:
                    _measure_kind(server, kind, size, plan, key)
                print(
                    f"\nRssAnon {'with' if cached else 'without'} the cache: "
                    f"{server.private():.0f} MiB, {_read_load()}\n"
                )


def _measure_kind(server: LoadedServer, kind: RequestKind, size: int, plan: LoadPlan, key: str) -> None:
    with tempfile.TemporaryDirectory() as folder, httpx.Client(base_url=server.address) as client:
        paths = kind.paths(client, size)
        headers = kind.make_headers(client, paths[0])
        paths_file, sent = Path(folder, "paths"), Path(folder, "answers")
        paths_file.write_text("".join(f"{path}\n" for path in paths))
        sent.write_bytes(fetch_responses(client, paths, headers))
        port = load.find_free_port()
        with load.run_server(["bench.bare", str(port), str(sent)], port) as bare:
            for commits in plan.commits:
                print(
                    _render_row(
                        kind.name, commits, list(_run_rounds(server, bare, paths_file, headers, plan, key, commits))
                    ),
                    flush=True,
                )


def _run_rounds(
    server: LoadedServer,
    bare: LoadedServer,
    paths: Path,
    headers: Mapping[str, str],
    plan: LoadPlan,
    key: str,
    commits: int,
) -> Iterator[tuple[LoadRound, LoadRound]]:
    """Writing goes on while the server itself is asked, not beside the bare one."""
    load.run_load(server, paths, 1, headers)  # opens what is opened once
    for _ in range(plan.rounds):
        with load.write_meanwhile(server, key, range(1, 1_000), commits):
            full = load.run_load(server, paths, plan.seconds, headers)
        yield full, load.run_load(bare, paths, plan.seconds, headers)


def _render_row(name: str, commits: int, rounds: Sequence[tuple[LoadRound, LoadRound]]) -> str:
    full, bare = (
        LoadRound.take_median([one for one, _ in rounds]),
        LoadRound.take_median([other for _, other in rounds]),
    )
    times = statistics.median(one.cpu / other.cpu for one, other in rounds)
    return (
        f"| {name} | {commits} | {full.cpu:.0f} | {bare.cpu:.0f} | {times:.2f} | {full.rate:,.0f} | {bare.rate:,.0f} "
        f"| {full.p50:.2f} | {full.p99:.2f} |"
    )


def _read_load() -> str:
    """Processes that wanted a core, in the last minute: whoever else works makes all of this slower."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench.http")
    parser.add_argument("where", nargs="*", help="sizes of archives, and a folder to keep them in")
    parser.add_argument("--only", default="", help=f"of: {', '.join(kind.name for kind in KINDS)}")
    parser.add_argument("--seconds", type=int, default=1, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commits", default="0", help="a second, beside the reading: 0,1,10")
    return parser.parse_args()


def main() -> None:
    arguments = _parse_arguments()
    load.require_wrk()
    names = frozenset(arguments.only.split(",")) - {""}
    # Names with a comma in them are asked for by what stands before it.
    only = frozenset(kind.name for kind in KINDS if {kind.name, kind.name.partition(",")[0]} & names)
    plan = LoadPlan(arguments.seconds, arguments.rounds, [int(word) for word in arguments.commits.split(",")], only)
    folders = [Path(word) for word in arguments.where if not word.isdigit()]
    for size in [int(word) for word in arguments.where if word.isdigit()] or [5_000]:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(folders[0] if folders else temporary, str(size))
            build_archive(folder, size)
            measure_kinds(folder, size, plan)


if __name__ == "__main__":
    main()
