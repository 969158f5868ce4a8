"""What a copy of an archive costs those who keep it: bytes on the wire, requests, seconds, and whether it is right.

`python -m bench.copies FOLDER` serves a copy of the archive in FOLDER. First copies: by the export, as it is and
compressed, and by compact changes as the example client has them, also cut off again and again. Then editors change
tags and a region, and the copies of five filters follow; each has to be what the export has then.
"""

import argparse
import importlib.util
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson

from bench import load
from bench.request_costs import copy_archive

Json = dict[str, Any]
EXAMPLE = Path(__file__).resolve().parent.parent / "docs" / "examples" / "follow.py"
PAGE = 200
"""Changes to a page of a copy that is cut off, as for a phone."""


def load_example() -> Any:
    spec = importlib.util.spec_from_file_location("follow_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


follow = load_example()


@dataclass
class Meter:
    """A client that counts what comes over the wire: bodies as they are sent."""

    client: httpx.Client
    requests: int = 0
    size: int = 0

    def get(self, path: str, params: Any = None) -> httpx.Response:
        response = self.client.get(path, params=params)
        self.requests += 1
        self.size += response.num_bytes_downloaded
        return response

    @contextmanager
    def stream(self, method: str, path: str, params: Any) -> Iterator[httpx.Response]:
        with self.client.stream(method, path, params=params) as response:
            yield response
        self.requests += 1
        self.size += response.num_bytes_downloaded


def make_filter(query: str) -> list[list[str]]:
    return [list(pair) for pair in parse_qsl(query)]


def catch_up(meter: Meter, copy: Json) -> Json:
    """The example client's rounds, until there is no more at once."""
    more = True
    while more:
        copy, more = follow.follow(meter, copy, copy["filter"], 0)
    return copy


def load_export(meter: Meter, query: str, encoding: str | None) -> Json:
    if encoding:
        meter.client.headers["Accept-Encoding"] = encoding
    copy = follow.start(make_filter(query)) | {"place": None, "after": 0}
    follow.export(meter, copy, copy["filter"])
    articles: Json = copy["articles"]
    return articles


def cut_off(meter: Meter, chance: random.Random, cuts: int) -> tuple[Json, int]:
    """A first copy by pages, of which so many break off anywhere; the articles, and how many came twice."""
    articles: Json = {}
    place, more, twice, pages = "0", True, 0, 0
    total = len(load_export(meter, "", None)) // PAGE
    doomed = {*chance.sample(range(total), min(cuts, total))}
    while more:
        query = {"since": place, "compact": "true", "limit": PAGE, "include": "article", "fields": follow.FIELDS}
        with meter.client.stream("GET", "/v1/changes", params=query) as response:
            if pages in doomed:  # once
                doomed.discard(pages)
                for _ in zip(range(chance.randint(1, 20)), response.iter_raw(1_000), strict=False):
                    pass
                continue
            page = orjson.loads(response.read())
        for change in page["data"]:
            if change["card"] is not None:
                twice += str(change["card"]["id"]) in articles
                articles[str(change["card"]["id"])] = change["card"]
        place, more, pages = page["next"], page["has_more"], pages + 1
    return articles, twice


def measure_first_copies(address: str, cpu: Callable[[], float]) -> None:
    print("| first copy | MB on the wire | requests | s | CPU s of the server |\n" + "|---" * 5 + "|")
    copies = []
    for name, encoding in (("export, plain", "identity"), ("export, gzip", "gzip"), ("compact changes, gzip", "gzip")):
        with httpx.Client(base_url=address, timeout=60, headers={"Accept-Encoding": encoding}) as client:
            meter, began, used = Meter(client), time.monotonic(), cpu()
            if name.startswith("export"):
                articles = load_export(meter, "", None)
            else:
                articles = catch_up(meter, follow.start([]))["articles"]
            spent = time.monotonic() - began
            print(
                f"| {name} | {meter.size / 1e6:.2f} | {meter.requests} | {spent:.1f} | {cpu() - used:.1f} |", flush=True
            )
            copies.append(articles)
    assert copies[0] == copies[1] == copies[2], "a copy is not what the export has"
    with httpx.Client(base_url=address, timeout=60, headers={"Accept-Encoding": "gzip"}) as client:
        articles, twice = cut_off(Meter(client), random.Random(5), 20)
        print(f"\ncut off 20 times: {len(articles)} articles, complete: {articles == copies[0]}, twice: {twice}\n")


def make_steps(client: httpx.Client) -> tuple[list[str], list[tuple[str, str, str, Json]]]:
    """Filters, and what editors do: by the archive's most common tags, and a region with many articles."""
    listed = client.get("/v1/tags", params={"kind": "topic", "sort": "-article_count", "limit": 12}).json()["data"]
    tags = [tag["slug"] for tag in listed]
    countries: dict[str, str | int] = {"level": "country", "sort": "-article_count", "limit": 1}
    largest = client.get("/v1/regions", params=countries).json()["data"][0]["slug"]
    members = client.get("/v1/regions/eu").json()["members"]
    filters = ["", f"tag={tags[0]}", "region=eu", "region=europe&language=en", f"region_not={largest}"]
    return filters, [
        ("alias added", "PATCH", f"/v1/tags/{tags[0]}", {"aliases": ["another name of it"]}),
        ("tag renamed", "PATCH", f"/v1/tags/{tags[1]}", {"name": "Renamed", "slug": "renamed-in-a-bench"}),
        ("tag merged", "POST", f"/v1/tags/{tags[6]}/merge", {"into": tags[7]}),
        (f"{largest} joins eu", "PATCH", "/v1/regions/eu", {"members": [*members, largest]}),
        (f"{largest} leaves eu", "PATCH", "/v1/regions/eu", {"members": members}),
    ]


def edit(editor: httpx.Client, method: str, path: str, body: Json) -> None:
    response = editor.request(method, path, json=body)
    response.raise_for_status()
    while response.status_code == 202 or response.json().get("state") in ("waiting", "running"):
        time.sleep(0.5)
        response = editor.get(response.headers.get("location", response.request.url.path))


def measure_steps(address: str, key: str) -> None:
    with (
        httpx.Client(base_url=address, timeout=60, headers={"Accept-Encoding": "gzip"}) as client,
        httpx.Client(base_url=address, timeout=60, headers={"Authorization": f"Bearer {key}"}) as editor,
    ):
        filters, steps = make_steps(client)
        copies = [catch_up(Meter(client), follow.start(make_filter(query))) for query in filters]
        print("| bytes that a copy fetches | " + " | ".join(query or "all" for query in filters) + " |")
        print("|---" * (len(filters) + 1) + "|")
        for name, method, path, body in steps:
            edit(editor, method, path, body)
            cells = []
            for i, query in enumerate(filters):
                meter = Meter(client)
                copies[i] = catch_up(meter, copies[i])
                right = copies[i]["articles"] == load_export(Meter(client), query, None)
                cells.append(f"{meter.size:,} in {meter.requests}" + ("" if right else " WRONG"))
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("bench.copies")
    parser.add_argument("folder", type=Path, help="an archive, which is copied")
    source = parser.parse_args(arguments).folder
    with tempfile.TemporaryDirectory() as folder:
        archive = copy_archive(source, Path(folder, "archive"), Path.cwd())
        env = {"DATELINE_DATA_DIR": str(archive), "DATELINE_RATE_LIMIT": "0"}
        scopes = [word for scope in ("read_drafts", "write", "publish", "admin") for word in ("--scope", scope)]
        command = [sys.executable, "-m", "app", "keys", "create", "--name", "bench", *scopes]
        made = subprocess.run(command, env={**os.environ, **env}, capture_output=True, check=True, text=True)
        port = load.find_free_port()
        with load.run_server(["app", "serve", "--port", str(port)], port, env) as server:
            address = f"http://127.0.0.1:{port}"
            measure_first_copies(address, server.cpu)
            measure_steps(address, made.stdout.strip())


if __name__ == "__main__":
    main()
