"""How long a new node takes to correct, fresh responses: by copying the index of another one, and by building its own.

`python -m bench.new_node FOLDER --by copy` serves the archive in FOLDER, which has an index, and starts a second server
without one on a copy of its database, which copies the index over HTTP; `--by restore` has it restore a snapshot
first, `--by build` build its own. Counted are seconds from the start of its process (with `restore`, of that command):
until `/health/ready` says 200, and until a search finds an article that was written after its start, which is fresh.
`--check` has `dateline check` compare the second one's indexes with its database, article by article.

`--make 100000` makes an archive of so many articles in FOLDER first, where there is none.
"""

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from app.changes import log
from app.commands import open_archive
from app.db.database import Database
from app.http import auth
from app.search.tantivy.storage import index_folders
from app.settings import Settings
from bench.archive import build_archive

SECRET = "a-secret-of-the-measured-nodes"
LOOK_SECONDS, LONGEST_SECONDS = 0.02, 1_500


@contextmanager
def serve(data: Path, **settings: str) -> Iterator[str]:
    """A server as a process of its own, on a port that it picks; its address."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0"]
    process = subprocess.Popen(command, env=name_environment(data, settings), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield next(line.split()[3] for line in process.stdout if line.startswith("Dateline is at "))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def name_environment(data: Path, settings: Mapping[str, str]) -> dict[str, str]:
    named = {f"DATELINE_{name.upper()}": value for name, value in settings.items()}
    return {**os.environ, "DATELINE_DATA_DIR": str(data), "DATELINE_INDEX_SECRET": SECRET, **named}


def run(data: Path, *arguments: str, is_strict: bool = True) -> str:
    """A command; what it prints. With `is_strict` it has to end well: made-up archives have no log, and fail a check of
    it."""
    command = [sys.executable, "-m", "app", *arguments]
    done = subprocess.run(command, env=name_environment(data, {}), capture_output=True, text=True, check=False)
    if done.returncode and is_strict:
        raise SystemExit(f"dateline {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def copy_database(source: Path, target: Path) -> None:
    """The file as it is, with its epoch: what a node of the same archive has."""
    target.mkdir(mode=0o700)
    with (
        closing(sqlite3.connect(source / "dateline.db")) as from_,
        closing(sqlite3.connect(target / "dateline.db")) as to,
    ):
        from_.backup(to)


def create_key(data: Path) -> str:
    db = Database(Settings(data_dir=data), log.append)
    try:
        return db.write_now(auth.create_key, "bench", auth.SCOPES).value
    finally:
        db.close_now()


def wait_for(client: httpx.Client, path: str, is_good: str) -> float:
    """The time at which the response has `is_good` in it and the status 200."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        response = client.get(path)
        if response.status_code == 200 and is_good in response.text:
            return time.monotonic()
        time.sleep(LOOK_SECONDS)
    raise SystemExit(f"{path} is not as it should be after {LONGEST_SECONDS} s: {response.text[:500]}")


def measure_node(node: Path, key: str, began: float, **settings: str) -> None:
    """Starts the new node, and prints what was waited for."""
    with serve(node, **settings) as address, httpx.Client(base_url=address, timeout=60) as client:
        served = time.monotonic()
        headers = {"Authorization": f"Bearer {key}"}
        article = {"title": "Quagga seen in a harbour", "status": "published"}
        client.post("/v1/articles", json=article, headers=headers).raise_for_status()
        # Both from the first second on: a node that has an index but is behind is ready, and not yet fresh.
        ready = wait_for(client, "/health/ready", '"ok"')
        fresh = wait_for(client, "/v1/search?q=quagga&typo=off", "Quagga seen")
        total = client.get("/v1/search?limit=1&sort=-published_at").json()["page"]["total"]
        print(
            f"responds after {served - began:.1f} s, ready {ready - began:.1f} s, fresh {fresh - began:.1f} s, "
            f"{total:,} articles found",
            flush=True,
        )


def count_bytes(data: Path) -> int:
    folders = [index_folders.find_current(root) for root in Settings(data_dir=data).index_paths]
    return sum(file.stat().st_size for folder in folders if folder for file in folder.iterdir())


def main() -> None:
    parser = argparse.ArgumentParser("bench.new_node")
    parser.add_argument("folder", type=Path, help="an archive, with its index")
    parser.add_argument("--by", choices=("copy", "restore", "build"), default="copy")
    parser.add_argument("--make", type=int, metavar="ARTICLES", help="make the archive first, where there is none")
    parser.add_argument("--check", action="store_true", help="compare the new node's indexes with its database")
    arguments = parser.parse_args()
    if arguments.make:
        build_archive(arguments.folder, arguments.make)
    open_archive.open_archive(Settings(data_dir=arguments.folder)).close_now()  # else it says what has to be done
    key, node = create_key(arguments.folder), arguments.folder.with_name(f"{arguments.folder.name}-node")
    shutil.rmtree(node, ignore_errors=True)
    copy_database(arguments.folder, node)
    try:
        if arguments.by == "build":
            measure_node(node, key, time.monotonic())
        elif arguments.by == "restore":
            snapshot = arguments.folder.with_name(f"{arguments.folder.name}-snapshot")
            shutil.rmtree(snapshot, ignore_errors=True)
            run(arguments.folder, "index", "snapshot", str(snapshot))
            began = time.monotonic()
            run(node, "index", "restore", str(snapshot))
            measure_node(node, key, began)
            shutil.rmtree(snapshot)
        else:
            with serve(arguments.folder) as address:
                measure_node(node, key, time.monotonic(), index_from=address)
        print(f"by {arguments.by}: {count_bytes(node) / 1e6:.1f} MB of indexes", flush=True)
        if arguments.check:
            print("\n".join(line for line in run(node, "check", is_strict=False).splitlines() if "index" in line))
    finally:
        shutil.rmtree(node, ignore_errors=True)


if __name__ == "__main__":
    main()
