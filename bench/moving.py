"""How long an archive takes to move between databases, and whether it is the same one after that.

`python -m bench.moving FILE FOLDER postgresql://…` imports a file of articles, makes 2,000 changes to it over the API
(edits, withdrawals, the bin, drafts, merged tags, purges, bulk edits, an import that is undone, searches, webhooks,
keys), and copies it: from SQLite to the address, which must name an empty database, and from there to SQLite again.
Then each step, and the first with the last, are compared by `dateline check --against` and by `plain_dump`, which knows
nothing of Dateline.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from bench import load, plain_dump

CHANGES = 2_000
ODD = 'Ünïcödé 日本語 \U0001f5de, "quotes" \\ tab\t and <em>marks</em>'

Json = dict[str, Any]


def run(folder: Path, *arguments: str, url: str = "", is_whole: bool = True) -> str:
    """A command of `dateline`; what it printed. `is_whole`: that it may not fail, not even with one item of many."""
    environment = {**os.environ, "DATELINE_DATA_DIR": str(folder), "DATELINE_DATABASE_URL": url}
    command = [sys.executable, "-m", "app", *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode and (is_whole or not ended.stdout):
        raise SystemExit(f"{' '.join(arguments)}: {ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return ended.stdout.strip()


class BusyEditors:
    """Editors who change an archive in every way that there is, at random, the same each time."""

    def __init__(self, client: httpx.Client) -> None:
        self.client, self.dice = client, random.Random(1987)
        self.done: Counter[str] = Counter()
        self.ids = [row["id"] for page in range(1, 11) for row in self._list(page)]
        self.binned: list[int] = []
        self.drafts: list[int] = []

    def _list(self, page: int) -> list[Json]:
        query = {"limit": 100, "page": page, "fields": "id", "count": "none"}
        data: list[Json] = self.send("GET", "/v1/articles", params=query)["data"]
        return data

    def send(self, method: str, path: str, *, may_fail: bool = False, **more: Any) -> Json:
        """The response's JSON; {} where it is none, or a failure that is expected."""
        response = self.client.request(method, path, **more)
        if response.is_error and not may_fail:
            raise SystemExit(f"{method} {path}: {response.status_code} {response.text[:500]}")
        if response.is_error:
            self.done[f"refused {response.status_code}"] += 1
        is_json = "json" in response.headers.get("content-type", "") and not response.is_error
        payload: Json = response.json() if is_json else {}
        return payload

    def change(self) -> None:
        actions: dict[Callable[[], None], int] = {
            self.edit: 60, self.make_draft: 10, self.withdraw: 8, self.bin: 6, self.restore: 3, self.purge: 2,
            self.merge_tags: 1, self.repeat: 2, self.make_tag: 2, self.relate: 6,
        }  # fmt: skip
        action = self.dice.choices(list(actions), list(actions.values()))[0]
        action()
        self.done[action.__name__] += 1

    def edit(self) -> None:
        id = self.dice.choice(self.ids)
        patch: Json = self.dice.choice([
            {"title": f"{ODD} {self.dice.random()}"},
            {"body": f"<p>{ODD}</p><p>{self.dice.random()}</p>"},
            {"tags": ["grain", self.dice.choice(["trade", "oil", "ship"])], "standfirst": ODD},
            {"regions": [self.dice.choice(["france", "japan", "brazil"])], "correction": "It was another place."},
            {"seo": {"description": ODD}, "slug": f"moved-{id}-{self.dice.randrange(10**6)}"},
        ])  # fmt: skip
        self.send("PATCH", f"/v1/articles/{id}", json=patch, headers={"If-Match": "*"}, may_fail=True)

    def make_draft(self) -> None:
        draft = {"title": f"Draft {self.dice.random()}", "body": f"<p>{ODD}</p>", "status": "draft"}
        if self.dice.random() < 0.2:
            draft |= {"status": "scheduled", "published_at": "2199-01-01T00:00:00Z"}
        self.drafts.append(self.send("POST", "/v1/articles", json=draft)["id"])

    def withdraw(self) -> None:
        id = self.dice.choice(self.ids)
        self.send("DELETE", f"/v1/articles/{id}?reason=wrong", headers={"If-Match": "*"}, may_fail=True)

    def bin(self) -> None:
        if self.drafts:
            self.binned.append(id := self.drafts.pop())
            self.send("DELETE", f"/v1/articles/{id}", headers={"If-Match": "*"})

    def restore(self) -> None:
        if self.binned:
            self.drafts.append(id := self.binned.pop())
            self.send("POST", f"/v1/articles/{id}/restore", headers={"If-Match": "*"})

    def purge(self) -> None:
        id = self.dice.choice(self.ids)
        self.send("DELETE", f"/v1/articles/{id}?purge=true", headers={"If-Match": "*"}, may_fail=True)

    def make_tag(self) -> None:
        name = f"Étiquette {self.dice.randrange(10**9)}"
        tag = {"name": name, "kind": "topic", "names": {"fr": name}, "aliases": [f"{name} bis"]}
        self.send("POST", "/v1/tags", json=tag)

    def merge_tags(self) -> None:
        tags = self.send("GET", "/v1/tags?kind=topic&limit=100")["data"]
        one, other = self.dice.sample(tags, 2)
        self.send("POST", f"/v1/tags/{one['id']}/merge", json={"into": other["slug"]}, may_fail=True)

    def repeat(self) -> None:
        key = {"Idempotency-Key": f"k{self.dice.random()}"}
        for _ in range(2):
            self.send("POST", "/v1/articles", json={"title": "Sent twice", "body": "<p>x</p>"}, headers=key)

    def relate(self) -> None:
        one, other = self.dice.sample(self.ids, 2)
        entries = [{"article": str(other)}, {"title": f"Not here yet {self.dice.random()}"}]
        path = f"/v1/articles/{one}/related"
        self.send("PUT", path, json=entries, headers={"If-Match": "*"}, may_fail=True)

    def finish(self) -> None:
        """What there is once."""
        lines = "".join(
            json.dumps({"id": f"n{n}", "title": f"Late {n}", "body": "Text.", "tags": ["late"]}) + "\n"
            for n in range(30)
        )
        kind = {"Content-Type": "application/x-ndjson"}
        self.client.post("/v1/imports?origin=late", content=lines, headers=kind).raise_for_status()
        records = self.send("GET", "/v1/imports")["data"]
        self.send("POST", f"/v1/imports/{records[0]['id']}/undo")
        self.send("POST", "/v1/articles/bulk", json={"filter": {"tag": "grain"}, "add_tags": ["harvest"]})
        self.send("POST", "/v1/searches", json={"slug": "wheat", "q": "wheat OR barley"})
        self.send("POST", "/v1/webhooks", json={"name": "a", "url": "https://a.invalid/", "enabled": False})


def prepare(file: Path, folder: Path) -> None:
    """The archive in SQLite, unless it is there already."""
    if folder.exists():
        return
    print(run(folder, "import", "--no-enrich", str(file), is_whole=False).splitlines()[-1])
    scopes = [word for scope in ("admin", "write", "publish", "read_drafts") for word in ("--scope", scope)]
    key = run(folder, "keys", "create", "--name", "bench", *scopes)
    port = load.find_free_port()
    settings = {"DATELINE_DATA_DIR": str(folder), "DATELINE_RATE_LIMIT": "0", "DATELINE_LOG_LEVEL": "ERROR"}
    with (
        load.run_server(["app", "serve", "--port", str(port)], port, settings) as server,
        httpx.Client(base_url=server.address, headers={"Authorization": f"Bearer {key}"}, timeout=120) as client,
    ):
        newsroom = BusyEditors(client)
        for _ in range(CHANGES):
            newsroom.change()
        newsroom.finish()
        print(f"{CHANGES} changes: {dict(newsroom.done)}")


def main() -> None:
    parser = argparse.ArgumentParser("bench.moving")
    parser.add_argument("file", type=Path, help="articles, as `dateline import` reads them")
    parser.add_argument("folder", type=Path, help="where archives are made")
    parser.add_argument("postgres", help="an empty database of PostgreSQL")
    arguments = parser.parse_args()
    first, last = arguments.folder / "first", arguments.folder / "last"
    prepare(arguments.file, first)
    places = [f"sqlite:///{first / 'dateline.db'}", arguments.postgres, f"sqlite:///{last / 'dateline.db'}"]
    for source, target in pairwise(places):
        print(run(first, "copy", "--to", target, url=source).splitlines()[0])
    began = time.monotonic()
    backup = arguments.folder / "backup.db"
    run(first, "backup", str(backup), url=arguments.postgres)
    print(f"backup of PostgreSQL: {backup.stat().st_size:,} bytes in {time.monotonic() - began:.1f} s")
    for source, target in [*pairwise(places), (places[0], places[2]), (places[0], f"sqlite:///{backup}")]:
        began = time.monotonic()
        print(run(first, "check", "--against", target, url=source), f"({time.monotonic() - began:.1f} s)")
        plain_dump.main([source, target])


if __name__ == "__main__":
    main()
