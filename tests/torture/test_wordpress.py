"""WordPress: real exports and recorded replies put through; a site of 1,000 posts imported, again, and after a kill."""

import io
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import pytest
from support.processes import DatelineProcess
from support.wordpress_blog import BlogServer, post, run_blog

from app.db.database import Database
from app.importers import pipeline, sources
from app.importers.pipeline import ImportOptions

pytestmark = pytest.mark.torture

POSTS = 1_000
EXPORTS = {"64-block-test-data.xml": 61, "theme-preview.xml": 7, "themeunittestdata.wordpress.xml": 58}
REPLIES = {"PostModel.json": 1, "PostsCollection.json": 1}


def test_every_real_file_is_read_or_refused_with_a_reason(db: Database, data: Callable[[str], Path]) -> None:
    created: dict[str, int] = {}
    reasons: Counter[str] = Counter()
    for path in sorted(data("wordpress").rglob("*.*")):
        result = sources.find_sources([str(path)], io.BytesIO())
        report = pipeline.run_import(db, result, ImportOptions(origin=path.name), lambda: int(time.time()))
        created[path.name] = report.created
        reasons.update(reason.partition(", only ")[0] for _, reason in report.failures)
    expected = EXPORTS | REPLIES
    assert {name: count for name, count in created.items() if name in expected} == expected
    assert reasons == {
        "neither a title nor a body": 16,
        "no post of WordPress: it has no title and content": 2,
        "a comment of WordPress, which is no article": 2,
        "a revision of WordPress, which is no article": 10,
    }


@pytest.fixture
def site() -> Iterator[str]:
    blog = BlogServer([post(number) for number in range(1, POSTS + 1)])
    with run_blog(blog) as address:
        yield address


def _import(environment: Mapping[str, str], site: str) -> dict[str, int]:
    command = DatelineProcess("import", site, "--allow-private", "--json", environment=environment)
    try:
        status, out, err = command.wait(120)
    finally:
        command.end()
    assert status == 0, err
    report = json.loads(out)
    return {name: report[name] for name in ("created", "updated", "unchanged")}


def _articles(environment: Mapping[str, str]) -> list[str]:
    """What the archive exports, but for its own numbers and clock."""
    command = DatelineProcess("export", environment=environment)
    try:
        _, out, _ = command.wait(120)
    finally:
        command.end()
    rows = [json.loads(line) for line in out.splitlines()]
    own = {"id", "created_at", "first_published_at"}
    return sorted(json.dumps({name: row[name] for name in row if name not in own}) for row in rows if "end" not in row)


def test_site_is_imported_whole_and_a_killed_import_goes_on(site: str, tmp_path: Path) -> None:
    whole, killed = ({"DATELINE_DATA_DIR": str(tmp_path / name)} for name in ("whole", "killed"))
    assert _import(whole, site) == {"created": POSTS, "updated": 0, "unchanged": 0}
    assert _import(whole, site) == {"created": 0, "updated": 0, "unchanged": 0}

    command = DatelineProcess("import", site, "--allow-private", environment=killed)
    _wait_for_articles(tmp_path / "killed" / "dateline.db")
    command.end()
    rest = _import(killed, site)
    assert 0 < rest["created"] < POSTS
    assert _articles(killed) == _articles(whole)


def _wait_for_articles(path: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            if database.execute("SELECT count(*) FROM article").fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("nothing was imported")
