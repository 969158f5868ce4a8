"""The comparison with other engines: which process has which connections, and whether all are asked the same."""

import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.beside.datasette import make_queries, write_database
from bench.beside.opensearch import OpenSearch, make_document
from bench.beside.processes import ProcessGroup
from bench.beside.questions import LoadKind, LoadQuestion, LoadResult, Row, compare_responses, make_kinds, strip_private
from bench.load import find_free_port

PROJECT = Path(__file__).parents[2]
FORKED = """
import os, socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
for _ in range(2):
    if os.fork() == 0:
        held = []
        while True:
            held.append(listening.accept()[0])
            held[-1].sendall(b"hello")
os.wait()
"""
"""One listening socket and two processes that accept on it."""


@pytest.fixture
def create_forked_server() -> Iterator[ProcessGroup]:
    port = find_free_port()
    with subprocess.Popen([sys.executable, "-c", FORKED, str(port)]) as process:
        group = ProcessGroup(process.pid, port)
        _wait(lambda: len(group.list_pids()) == 3)
        yield group
        for pid in reversed(group.list_pids()):
            subprocess.run(["kill", "-9", str(pid)], check=True)


def _wait(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_connections_are_counted_by_the_process_that_accepted_them(create_forked_server: ProcessGroup) -> None:
    with ExitStack() as stack:
        for _ in range(5):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", create_forked_server.port), 20))
            assert one.recv(5) == b"hello"
        supervisor, *workers = create_forked_server.list_pids()
        counts = create_forked_server.count_connections()
    assert counts[supervisor] == 0
    assert sum(counts[worker] for worker in workers) == 5
    assert create_forked_server.cpu() >= 0


def test_a_stopped_group_accepts_nothing_until_it_goes_on(create_forked_server: ProcessGroup) -> None:
    create_forked_server.stop()
    with socket.create_connection(("127.0.0.1", create_forked_server.port), 20) as waiting:
        waiting.settimeout(0.1)
        with pytest.raises(TimeoutError):
            waiting.recv(5)
        create_forked_server.go_on()
        waiting.settimeout(20)
        assert waiting.recv(5) == b"hello"


def _make_articles() -> list[Row]:
    """Sixty, the newest first; each word stands in some of them."""
    return [
        {
            "id": number,
            "slug": f"title-{number}",
            "title": f"title{number}",
            "body": f"<p>every half{number % 2} third{number % 3}</p>",
            "body_text": f"every half{number % 2} third{number % 3}",
            "tags": [{"slug": f"tag-{number % 2}"}],
            "published_at": f"2026-01-01T00:{number - 1:02}:00Z",
            "related": [],
        }
        for number in range(60, 0, -1)
    ]


def test_each_question_finds_a_page(tmp_path: Path) -> None:
    articles = _make_articles()
    kinds = {kind.name: kind.questions for kind in make_kinds(articles)}
    assert {question.tag for question in kinds["20 of a tag, with bodies"]} == {"tag-0", "tag-1"}
    assert len(kinds["one article"]) == len(kinds["one by its slug"]) == 60
    queries = make_queries(write_database(tmp_path / "beside.db", articles))
    rows = _read(tmp_path / "beside.db", queries["tag"]["sql"], {"tag": "tag-1"})
    assert [row["id"] for row in rows] == list(range(59, 19, -2))
    assert [row["id"] for row in _read(tmp_path / "beside.db", queries["newest"]["sql"], {})] == list(range(60, 40, -1))


def test_datasette_sends_the_columns_that_dateline_shows(tmp_path: Path) -> None:
    articles = _make_articles()
    queries = make_queries(write_database(tmp_path / "beside.db", articles))
    shown = strip_private(articles[0])
    (row,) = _read(tmp_path / "beside.db", queries["article"]["sql"], {"id": 60})
    assert row == {**shown, "tags": json.dumps(shown["tags"]), "related": "[]"}
    assert _read(tmp_path / "beside.db", queries["slug"]["sql"], {"slug": "title-60"}) == [row]
    for name, left_out in (("search", {"related"}), ("search_cards", {"related", "body"})):
        rows = _read(tmp_path / "beside.db", queries[name]["sql"], {"q": "half1"})
        assert len(rows) == 20
        assert set(rows[0]) == set(shown) - left_out


def _read(file: Path, sql: str, params: dict[str, object]) -> list[dict[str, object]]:
    connection = sqlite3.connect(file)
    connection.row_factory = sqlite3.Row
    rows = [dict(row) for row in connection.execute(sql, params)]
    connection.close()
    return rows


def test_opensearch_keeps_what_dateline_shows_and_is_asked_for_cards_without_bodies() -> None:
    article = _make_articles()[0]
    document = make_document(article)
    assert document["tag_slugs"] == ["tag-0"]
    assert set(document) - set(strip_private(article)) == {"text", "tag_slugs", "published"}
    path = OpenSearch(ProcessGroup(1, 1)).make_path(LoadQuestion(words="half1", bodies=False))
    assert "%22related%22%2C%22body%22" in path
    by_slug = OpenSearch(ProcessGroup(1, 1)).make_path(LoadQuestion(slug="title-60"))
    assert "%22slug%22%3A%22title-60%22" in by_slug


def test_responses_that_differ_are_never_measured() -> None:
    kind = LoadKind("lists", [LoadQuestion()])
    rows: list[Row] = [{"id": 1, "title": "a"}, {"id": 2, "title": "b"}]
    first = LoadResult(rows, 2)
    assert compare_responses(kind, [lambda _: first, lambda _: LoadResult(rows)]).shared == 1
    for other in (rows[::-1], [{"id": 1}, {"id": 2}]):
        with pytest.raises(SystemExit):
            compare_responses(kind, [lambda _: first, lambda _, other=other: LoadResult(other)])  # type: ignore[misc]


def test_searches_with_other_totals_are_left_out() -> None:
    rows: list[Row] = [{"id": n} for n in range(20)]
    kind = LoadKind("searches", [LoadQuestion(words=word) for word in "abcdefghij"])
    compared = compare_responses(
        kind, [lambda _: LoadResult(rows, 30), lambda question: LoadResult(rows, 31 if question.words == "c" else 30)]
    )
    assert [question.words for question in compared.kind.questions] == [*"abdefghij"]


@pytest.mark.slow  # starts the command
@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PATH": "/nonexistent"}, "wrk"),
        ({"BENCH_BESIDE": "/nonexistent"}, "BENCH_BESIDE"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, environment: dict[str, str], message: str) -> None:
    folder = [] if "BENCH_BESIDE" in environment else [str(tmp_path)]
    command = [sys.executable, "-m", "bench.beside", *folder]
    run = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode
    assert message in run.stderr
    assert "Traceback" not in run.stderr
