"""What pruning frees, how long it takes, and who notices: writes beside it, and followers of the changes.

    python -m bench.pruning edits [--edits 5300] [--bytes 6000]   one article edited again and again: bytes of the file
    python -m bench.pruning make FOLDER [--articles 20000] [--rows 1000000] [--seconds 3600]
                                               an archive with that many rows in its log
    python -m bench.pruning run FOLDER [--seconds 20] [--to postgresql://…]
                                               prunes a copy of it beside a server, on SQLite or in that empty database

`run` sends edits, one after the other, and measures how long each takes: first alone, then beside `dateline prune`. A
follower asks for changes all the time and has to have what the list has in the end; another begins anew again and again
while rows are deleted, with a filter, and has to have what the list has each time.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from sqlalchemy import func, select, update

from app.articles import editing, service
from app.articles.editing import ArticleEdit
from app.articles.manuscript import Manuscript
from app.articles.store import log_facts
from app.articles.store.row_columns import SaveContext
from app.changes import log
from app.commands import open_archive
from app.db.database import Database
from app.db.sql import make_insert
from app.models import Article, Change, Revision, table
from app.settings import Settings
from bench import load
from bench.archive import build_archive, make_vocabulary

A, CHANGE, REVISION = table(Article), table(Change), table(Revision)
Json = dict[str, Any]
DAY, OLD_DAYS, KEPT_DAYS = 86_400, 100, 30
BATCH = 5_000
EVERY_SECONDS = 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    edits = commands.add_parser("edits")
    edits.add_argument("--edits", type=int, default=5_300)
    edits.add_argument("--bytes", type=int, default=6_000)
    make = commands.add_parser("make")
    make.add_argument("folder", type=Path)
    make.add_argument("--articles", type=int, default=20_000)
    make.add_argument("--rows", type=int, default=1_000_000)
    make.add_argument("--seconds", type=float, default=3_600)
    run = commands.add_parser("run")
    run.add_argument("folder", type=Path)
    run.add_argument("--seconds", type=float, default=20)
    run.add_argument("--to", default="")
    chosen = parser.parse_args()
    if chosen.command == "edits":
        measure_edits(chosen.edits, chosen.bytes)
    elif chosen.command == "make":
        make_log(chosen.folder, chosen.articles, chosen.rows, chosen.seconds)
    else:
        measure_run(chosen.folder, chosen.seconds, chosen.to)


# --- one article ------------------------------------------------------------------------------------------------------


def measure_edits(edits: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        db = open_archive.open_archive(settings)
        empty, began = _measure_file(db), time.monotonic()
        id, chance = _post(db, size), random.Random(3)
        words = make_vocabulary(chance)
        body = _write_body(chance, words, size)
        for number in range(edits):
            # An edit is a sentence that is another one.
            at = chance.randrange(len(body))
            body[at] = " ".join(chance.choices(words, k=12))
            html = "".join(f"<p>{sentence}.</p>" for sentence in body)
            db.write_now(_edit, id, html)
            if (number + 1) % 1_000 == 0:
                print(f"{number + 1} of {edits} edits: {time.monotonic() - began:.0f} s", flush=True)
        full = _measure_file(db)
        print(f"{edits} edits of {len(html.encode())} bytes: {time.monotonic() - began:.0f} s, {full - empty:,} bytes")
        db.write_now(_make_older)
        db.close_now()
        for name, env in (
            ("compressed", {"DATELINE_REVISION_DAYS": "1"}),
            ("and the log pruned", {"DATELINE_LOG_DAYS": str(KEPT_DAYS)}),
            ("and 100 versions kept", {"DATELINE_REVISIONS_KEPT": "100"}),
        ):
            subprocess.run([sys.executable, "-m", "app", "reindex"], env=_make_env(folder, {}), check=True,
                           capture_output=True)  # fmt: skip
            report, seconds = _prune(folder, env)
            db = Database(settings, log.append)
            print(f"{name}: {seconds:.1f} s, {_measure_file(db) - empty:,} bytes left; {report}")
            db.close_now()


def _post(db: Database, size: int) -> int:
    manuscript = Manuscript(
        origin="bench", identity="id:1", external_id="1", title="A story that goes on", body=f"<p>{'x' * size}</p>",
        word_count=1, status="published", published_at=db.read_time() - DAY, language="en",
    )  # fmt: skip
    return int(db.write_now(service.create, manuscript, now=db.read_time(), site_url="", by="bench").value.id)


def _write_body(chance: random.Random, words: Sequence[str], size: int) -> list[str]:
    body: list[str] = []
    while sum(map(len, body)) + 8 * len(body) < size:
        body.append(" ".join(chance.choices(words, k=12)))
    return body


def _edit(session: Any, id: int, html: str) -> None:
    edit = ArticleEdit({"body": html, "word_count": html.count(" ")})
    current = editing.lock_article(session, id)
    assert current is not None
    editing.edit(session, current, edit, SaveContext(int(time.time()), "bench", ""))


def _make_older(session: Any) -> None:
    connection = session.connection()
    connection.execute(update(CHANGE).values(at=CHANGE.c.at - OLD_DAYS * DAY))
    connection.execute(update(REVISION).values(saved_at=REVISION.c.saved_at - OLD_DAYS * DAY))
    connection.execute(update(A).values(saved_at=A.c.saved_at - OLD_DAYS * DAY))


def _measure_file(db: Database) -> int:
    """Bytes of the file, when all is in it."""
    with db.hold_write_lock():
        connection = db.engine.raw_connection()
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.close()
    return db.path.stat().st_size


def _make_env(folder: Path | str, env: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "DATELINE_DATA_DIR": str(folder), **env}


def _prune(folder: Path | str, env: dict[str, str]) -> tuple[Json, float]:
    began = time.monotonic()
    command = [sys.executable, "-m", "app", "prune", "--json"]
    done = subprocess.run(command, env=_make_env(folder, env), check=True, stdout=subprocess.PIPE)  # news go on
    report: Json = orjson.loads(done.stdout)
    return report, time.monotonic() - began


# --- a long log -------------------------------------------------------------------------------------------------------


def make_log(folder: Path, articles: int, rows: int, seconds: float) -> None:
    """Each article was published and edited as often as another; all of it long ago. After so many seconds it stops, to
    go on when it is run again."""
    settings, ends_at = build_archive(folder, articles, length=60), time.monotonic() + seconds
    db, turns = open_archive.open_archive(settings), rows // articles
    try:
        turn = _count_turns(db)
        kept = _load_facts(db, articles)
        while turn < turns:
            if time.monotonic() > ends_at:
                print(f"{turn} of {turns} turns of {articles:,} rows are made; run it again to go on", flush=True)
                return
            _add_turn(db, kept, turn, turns)
            turn += 1
            if turn % 10 == 0:
                print(f"turn {turn} of {turns}: {db.path.stat().st_size:,} bytes", flush=True)
        with db.hold_write_lock(), db.engine.begin() as connection:
            connection.execute(update(A).values(version=turns))
            others = CHANGE.c.entity != "article"
            connection.execute(update(CHANGE).where(others).values(at=int(time.time()) - 200 * DAY))
    finally:
        db.close_now()
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "app", "reindex"], env=_make_env(folder, {}), check=True)
    print(f"{turns * articles:,} rows about {articles:,} articles; index: {time.monotonic() - began:.0f} s", flush=True)


def _count_turns(db: Database) -> int:
    with db.snapshot() as snapshot:
        latest = select(func.max(CHANGE.c.version)).where(CHANGE.c.entity == "article")
        return int(snapshot.connection.execute(latest).scalar() or 0)


def _load_facts(db: Database, articles: int) -> dict[int, str]:
    kept: dict[int, str] = {}
    with db.snapshot() as snapshot:
        for start in range(1, articles + 1, 500):
            ids = range(start, min(start + 500, articles + 1))
            facts = log_facts.load(snapshot.connection, ids)
            kept |= {id: orjson.dumps(log_facts.for_log(one)).decode() for id, one in facts.items()}
    return kept


def _add_turn(db: Database, kept: dict[int, str], turn: int, turns: int) -> None:
    """A row about each article, in an order of its own. The log goes from OLD_DAYS ago to half of that."""
    chance, at = random.Random(turn), int(time.time()) - OLD_DAYS * DAY + turn * OLD_DAYS // 2 * DAY // turns
    ids = chance.sample(sorted(kept), len(kept))
    with db.hold_write_lock(), db.engine.begin() as connection:
        seq = connection.execute(log.HEAD.select()).one().seq
        rows = [_make_row(seq + n, chance.getrandbits(62), id, turn, kept[id], at) for n, id in enumerate(ids, 1)]
        for start in range(0, len(rows), BATCH):
            connection.exec_driver_sql(*make_insert(connection.dialect, CHANGE, rows[start : start + BATCH]))
        last = rows[-1]
        place = {"seq": last["seq"], "mark": last["mark"], "public_seq": last["seq"], "public_mark": last["mark"]}
        connection.execute(update(log.HEAD).values(place))


def _make_row(seq: int, mark: int, id: int, turn: int, facts: str, at: int) -> Json:
    return {
        "seq": seq, "mark": mark, "at": at,
        "entity": "article", "entity_id": id, "event": "updated" if turn else "published", "version": turn + 1,
        "changed_fields": '["body"]' if turn else "[]", "public": True, "before": facts if turn else None,
        "after": facts,
    }  # fmt: skip


@dataclass(slots=True)
class ChangeCopy:
    """Asks for changes, and keeps the cards. `bad`: responses other than 200 and, where it may begin anew, 410."""

    client: httpx.Client
    params: dict[str, str] = field(default_factory=dict)
    place: str = "0"
    cards: dict[int, int] = field(default_factory=dict)
    requests: int = 0
    expired: int = 0
    bad: list[str] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)

    def poll(self, limit: int = 500) -> bool:
        """Whether there is more."""
        query = {**self.params, "since": self.place, "limit": str(limit), "include": "article", "fields": "version"}
        began = time.monotonic()
        response = self.client.get("/v1/changes", params=query)
        self.taken.append(time.monotonic() - began)
        self.requests += 1
        if response.status_code == 410:
            self.expired += 1
            self.place, self.cards = "0", {}
            return True
        if response.status_code != 200:
            self.bad.append(response.text[:200])
            return False
        body = response.json()
        for change in body["data"]:
            if change["article"] is not None:
                self.cards.pop(change["article"]["id"], None)
                if change["card"] is not None:
                    self.cards[change["article"]["id"]] = change["card"]["version"]
        self.place = body["next"]
        return bool(body["has_more"])

    def is_right(self) -> bool:
        query = {**self.params, "fields": "version"}
        lines = self.client.get("/v1/export", params=query, timeout=120).content.splitlines()
        listed = {one["id"]: one["version"] for one in map(orjson.loads, lines) if "id" in one}
        return self.cards == listed


def _make_copy(source: Path, folder: Path, to: str) -> dict[str, str]:
    """The archive with its index for another server, as settings name it."""
    if not to:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        return {"DATELINE_DATA_DIR": str(folder)}
    copied = {"DATELINE_DATA_DIR": str(folder), "DATELINE_DATABASE_URL": to}
    for env, command in ((_make_env(source, {}), ("copy", "--to", to)), (_make_env(folder, copied), ("reindex",))):
        subprocess.run([sys.executable, "-m", "app", *command], env=env, check=True)
    return copied


def _measure_bytes(folder: Path, to: str) -> int:
    """Of the file, or of the database with what is free in it."""
    if not to:
        return (folder / "dateline.db").stat().st_size
    import psycopg

    with psycopg.connect(to) as connection:
        [size] = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
    return int(size)


def measure_run(source: Path, seconds: float, to: str) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=source.parent)))
        env = _make_copy(source, folder, to)
        port = load.find_free_port()
        key = _make_key(folder, env)
        server = stack.enter_context(load.run_server(["app", "serve", "--port", str(port)], port, env))
        clients = [stack.enter_context(httpx.Client(base_url=server.address, timeout=60)) for _ in range(3)]
        follower, fresh = ChangeCopy(clients[0], place="now"), ChangeCopy(clients[1], {"tag": "tag-40"})
        follower.poll()
        print(f"archive: {_measure_bytes(folder, to):,} bytes", flush=True)
        writer = Writer(clients[2], key)
        writer.run_for(seconds)
        print(f"writes alone: {writer.describe()}", flush=True)
        old = follower.place
        beside = Writer(clients[2], key)
        ended = threading.Event()
        threads = [
            threading.Thread(target=beside.run_until, args=(ended,)),
            threading.Thread(target=_follow, args=(follower, ended)),
            threading.Thread(target=_begin_again, args=(fresh, ended)),
        ]
        for thread in threads:
            thread.start()
        time.sleep(1)
        report, taken = _prune(folder, {**env, "DATELINE_LOG_DAYS": str(KEPT_DAYS)})
        time.sleep(1)
        ended.set()
        for thread in threads:
            thread.join()
        print(f"prune: {taken:.1f} s, {_measure_bytes(folder, to):,} bytes; {report}", flush=True)
        print(f"writes beside it: {beside.describe()}", flush=True)
        print(
            f"follower at the head: {follower.requests} requests, {follower.expired} expired, {len(follower.bad)} bad"
        )
        print(
            f"one that begins again and again: {fresh.requests} requests, {fresh.expired} expired, {len(fresh.bad)} "
            f"bad, slowest {max(fresh.taken) * 1e3:.0f} ms"
        )
        _check_followers(clients[0], follower, old)


def _check_followers(client: httpx.Client, follower: ChangeCopy, old: str) -> None:
    whole = ChangeCopy(client, {"compact": "true"})
    began = time.monotonic()
    while whole.poll(1_000):
        pass
    print(f"whole copy from since=0: {time.monotonic() - began:.1f} s, {'right' if whole.is_right() else 'WRONG'}")
    status = client.get("/v1/changes", params={"since": old}).status_code
    print(f"place of before the pruning, at the head of then: {status}")
    print(f"the follower: {'right' if follower.cards.items() <= whole.cards.items() else 'WRONG'}")


def _make_key(folder: Path, env: dict[str, str]) -> str:
    command = [sys.executable, "-m", "app", "keys", "create", "--name", "bench"]
    command += [word for scope in ("read_drafts", "write", "publish") for word in ("--scope", scope)]
    made = subprocess.run(command, env=_make_env(folder, env), capture_output=True, check=True, text=True)
    return made.stdout.strip()


@dataclass(slots=True)
class Writer:
    """Edits articles, one every EVERY_SECONDS, on one connection."""

    client: httpx.Client
    key: str
    taken: list[float] = field(default_factory=list)

    def run_for(self, seconds: float) -> None:
        ended = threading.Event()
        threading.Timer(seconds, ended.set).start()
        self.run_until(ended)

    def run_until(self, ended: threading.Event) -> None:
        for number in self._numbers():
            if ended.wait(EVERY_SECONDS):
                return
            began = time.monotonic()
            response = self.client.patch(
                f"/v1/articles/{number}",
                json={"standfirst": f"Sentence {began}."},
                headers={"If-Match": "*", "Authorization": f"Bearer {self.key}"},
            )
            self.taken.append(time.monotonic() - began)
            assert response.status_code == 200, response.text

    def _numbers(self) -> Iterator[int]:
        chance = random.Random(9)
        while True:
            yield chance.randrange(1, 1_000)

    def describe(self) -> str:
        taken = sorted(self.taken)
        p50, p99 = statistics.median(taken), taken[int(len(taken) * 0.99)]
        return f"{len(taken)}, p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, longest {taken[-1] * 1e3:.1f} ms"


def _follow(follower: ChangeCopy, ended: threading.Event) -> None:
    while not ended.wait(EVERY_SECONDS):
        follower.poll()
    while follower.poll():
        pass


def _begin_again(fresh: ChangeCopy, ended: threading.Event) -> None:
    copies = 0
    while not ended.is_set():
        fresh.place, fresh.cards = "0", {}
        while fresh.poll():
            pass
        copies += 1
    print(f"copies of a filter made beside it: {copies}, the last {'right' if fresh.is_right() else 'WRONG'}")


if __name__ == "__main__":
    main()
