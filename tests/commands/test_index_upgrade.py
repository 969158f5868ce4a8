"""`dateline migrate` to a version with another index, as its operator meets it: beside a server, killed, twice, with no
room."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.processes import DatelineProcess

from app.search.tantivy.storage.build_progress import NAME
from app.search.tantivy.storage.index_forms import CURRENT, get_own_form

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent
SEED = ROOT / "seed_data"
LATER = """
import sys
from app.search.tantivy import index_schema
index_schema.ANALYSIS += 1
sys.argv = ["dateline", *sys.argv[1:]]
from app.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the sample articles, and 1,500 small ones, with its index."""
    folder = tmp_path_factory.mktemp("upgrade")
    stories = folder / "more.ndjson"
    lines = [f'{{"id": "n{n}", "title": "Number {n}", "body": "Words of story {n}."}}\n' for n in range(1_500)]
    stories.write_text("".join(lines), "utf-8")
    status, _, err = _run(folder / "data", "import", str(SEED), str(stories), "--no-enrich")
    assert (status, err) == (0, ""), err
    return folder / "data"


@pytest.fixture
def data_dir(template: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(template, tmp_path / "data")


def _start(data_dir: Path, *arguments: str, later: bool = False) -> DatelineProcess:
    return DatelineProcess(
        *arguments, environment={"DATELINE_DATA_DIR": str(data_dir), "LATER_FORMS": "1" if later else "0"}
    )


def _run(data_dir: Path, *arguments: str, later: bool = False) -> tuple[int, str, str]:
    process = _start(data_dir, *arguments, later=later)
    status, out, err = process.wait(120)
    process.end()
    return status, out, err


@contextmanager
def _serve(data_dir: Path, *, later: bool = False) -> Iterator[str]:
    """The address of a server."""
    server = _start(data_dir, "serve", "--port", "0", later=later)
    try:
        yield next(line.split()[3] for line in server.lines if line.startswith("Dateline is at "))
    finally:
        server.send_signal(signal.SIGTERM)
        server.end()


def _later_form(data_dir: Path) -> Path:
    own = get_own_form()
    [folder] = (data_dir / "index").glob(f"form-{own.analysis + 1}-*")
    return folder


def _wait_for_build(data_dir: Path) -> None:
    until = time.monotonic() + 60
    while not list((data_dir / "index").glob(f"form-*/{NAME}")):
        assert time.monotonic() < until
        time.sleep(0.002)


class Searching:
    """Asks for one word again and again; `failed` are the responses other than 200, `asked` counts all of them."""

    def __init__(self, address: str) -> None:
        self.asked, self.failed = 0, list[str]()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(address,))

    def _run(self, address: str) -> None:
        with httpx.Client(base_url=address, timeout=30) as client:
            while not self._ended.wait(0.01):
                response = client.get("/v1/search", params={"q": f"story {self.asked}"})
                self.asked += 1
                if response.status_code != 200:
                    self.failed.append(response.text)

    def __enter__(self) -> "Searching":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()


def test_new_index_is_built_beside_a_server_and_opened_by_the_next(data_dir: Path, tmp_path: Path) -> None:
    with _serve(data_dir) as address, Searching(address) as searching:
        status, out, err = _run(data_dir, "migrate", later=True)
        assert (status, err) == (0, "")
        assert out.startswith("The search index of this version is built.")
        after = tmp_path / "after.ndjson"
        after.write_text('{"id": "after", "title": "Afterwards", "body": "Zanzibar came later."}\n', "utf-8")
        assert _run(data_dir, "import", str(after), "--no-enrich")[0] == 0
        assert httpx.get(f"{address}/health/ready").status_code == 200
    assert searching.asked > 5
    assert searching.failed == []
    assert (_later_form(data_dir) / CURRENT).exists()
    with _serve(data_dir, later=True) as address:
        response = httpx.get(f"{address}/v1/search?q=story+7")
        assert (response.status_code, response.json()["page"]["total"] > 0) == (200, True)
        until = time.monotonic() + 20
        while not httpx.get(f"{address}/v1/search?q=zanzibar&typo=off").json()["page"]["total"]:
            assert time.monotonic() < until
            time.sleep(0.05)
    assert _run(data_dir, "check", later=True)[0] == 0
    assert len(list((data_dir / "index").glob("form-*"))) == 2
    with _serve(data_dir) as address:  # back to the version before: its index is still there
        assert httpx.get(f"{address}/v1/search?q=story+7").status_code == 200


def test_migrate_that_was_killed_begins_anew(data_dir: Path) -> None:
    for _ in range(2):
        process = _start(data_dir, "migrate", later=True)
        _wait_for_build(data_dir)
        process.kill()
        process.end()
        assert not (_later_form(data_dir) / CURRENT).exists()
        (_later_form(data_dir) / NAME).unlink()
    status, out, err = _run(data_dir, "migrate", later=True)
    assert (status, err) == (0, "")
    assert out.startswith("The search index of this version is built.")
    assert len(list(_later_form(data_dir).glob("index-*"))) == 1
    assert _run(data_dir, "check", later=True)[0] == 0
    assert _run(data_dir, "check")[0] == 0
    assert _run(data_dir, "migrate", later=True)[1] == "The archive is up to date.\n"


def test_second_migrate_is_told_of_the_first(data_dir: Path) -> None:
    first = _start(data_dir, "migrate", later=True)
    _wait_for_build(data_dir)
    first.send_signal(signal.SIGSTOP)
    try:
        status, out, err = _run(data_dir, "migrate", later=True)
        assert (status, out) == (1, "")
        assert err.startswith("dateline: Another process builds the index of this version already.")
        assert " of 1,540 articles" in err
    finally:
        first.send_signal(signal.SIGCONT)
    assert first.wait(120)[0] == 0
    first.end()


def test_server_that_finds_an_index_being_built_lists_and_says_so(data_dir: Path) -> None:
    building = _start(data_dir, "migrate", later=True)
    _wait_for_build(data_dir)
    building.send_signal(signal.SIGSTOP)
    with _serve(data_dir, later=True) as address:
        searched = httpx.get(f"{address}/v1/search?q=story")
        assert (searched.status_code, searched.json()["progress"]["articles"]) == (503, 1_540)
        assert int(searched.headers["retry-after"]) >= 1
        assert "of 1,540 articles" in httpx.get(f"{address}/health/ready").json()["problem"]
        assert len(httpx.get(f"{address}/v1/articles").json()["data"]) == 20
        building.send_signal(signal.SIGCONT)
        assert building.wait(120)[0] == 0
        assert httpx.get(f"{address}/v1/search?q=story").json()["page"]["total"] >= 1_500
    building.end()


def test_index_that_finds_no_room_is_said_and_leaves_none_of_it(data_dir: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    output = subprocess.run(
        [sys.executable, "-c", LATER, "migrate"],
        cwd=ROOT, env=os.environ | {"DATELINE_DATA_DIR": str(data_dir)}, preexec_fn=limit,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (output.returncode, output.stdout) == (1, "")
    assert output.stderr.startswith(f"dateline: The search index cannot be built in {data_dir / 'index'}: ")
    assert len(output.stderr.splitlines()) == 1
    assert sum(path.stat().st_size for path in _later_form(data_dir).rglob("*") if path.is_file()) < 1_000
    assert _run(data_dir, "check")[0] == 0
    assert _run(data_dir, "migrate", later=True)[0] == 0


def test_folder_that_cannot_be_written_is_named(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    process = DatelineProcess(
        "migrate",
        environment={"DATELINE_DATA_DIR": str(data_dir), "DATELINE_INDEX_DIR": str(tmp_path / "file" / "index")},
    )
    status, out, err = process.wait(60)
    process.end()
    assert (status, out) == (1, "")
    assert err.startswith(f"dateline: The search index cannot be built in {tmp_path / 'file' / 'index'}: ")
    assert len(err.splitlines()) == 1
