"""The table of what a second import does: whether its source changed the title × whether an editor did × the state that
an editor gave the article × the format, each in an archive of its own. `pytest -s` prints it.

The site is asked over HTTP on the loopback interface.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete
from support.wordpress_blog import BlogServer, post, run_blog
from test_threeway import HERE, KNOWN, SourceDesk, notes, of_export, of_feed, of_lines, of_markdown

from app.articles.reimport import three_way_merge
from app.changes import log
from app.db.database import Database
from app.importers.pipeline import ImportReport
from app.importers.records import visibility
from app.importers.web.http_fetcher import FetchClock, HttpFetcher
from app.settings import Settings

pytestmark = pytest.mark.torture
FIRST, LATER = "As first said", "As said later"
STATES = ("published", "draft", "released", "withdrawn", "purged")
"""`draft` and `released`: the source brought a draft, which it still is there, or has been published there since; a
site shows nobody its drafts."""
Import = Callable[[SourceDesk, str, bool], ImportReport]


@dataclass(frozen=True, slots=True)
class Row:
    """`title` is whose it is afterwards: the source's `first` or `later`, or `ours`; None where the article is gone."""

    state: str | None
    title: str | None
    notes: tuple[str, ...]
    outcome: str


@contextmanager
def running_site() -> Iterator[Import]:
    blog = BlogServer([])
    with run_blog(blog) as url, HttpFetcher(allow_private=True, clock=FetchClock(sleep=lambda _seconds: None)) as fetch:

        def run(desk: SourceDesk, title: str, overwrite: bool) -> ImportReport:
            desk.db.write_now(lambda session: session.connection().execute(delete(KNOWN)))
            blog.posts = [post(1, title={"rendered": title}, link=f"{url}/ship-1/")]
            return desk.run(url, fetch, overwrite=overwrite)

        yield run


MARKERS: dict[Import, tuple[str, str]] = {
    of_export: ("<wp:status>publish<", "<wp:status>draft<"),
    of_lines: ('"title"', '"status":"draft","title"'),
    of_markdown: ("---\ntitle", "---\ndraft: true\ntitle"),
    of_feed: (
        "<item>",
        "<item><app:control xmlns:app='http://www.w3.org/2007/app'><app:draft>yes</app:draft></app:control>",
    ),
}
"""How each format says that it is a draft: what stands there without it, and with it."""


@dataclass(slots=True)
class Drafting(SourceDesk):
    """A desk whose files say, as long as `is_draft`, that they are drafts."""

    marker: tuple[str, str] = ("", "")
    is_draft: bool = True

    def file(self, name: str, content: str | bytes, **options: Any) -> ImportReport:
        text = content if isinstance(content, str) else content.decode()
        assert self.marker[0] in text
        return SourceDesk.file(self, name, text.replace(*self.marker) if self.is_draft else text, **options)


def play(settings: Settings, import_: Import, there: bool, edited_locally: bool, state: str, overwrite: bool) -> Row:
    """One row, in a new archive."""
    database = Database(settings, log.append)
    try:
        desk = SourceDesk(database, Path(settings.data_dir))
        if state in ("draft", "released"):
            desk = Drafting(database, Path(settings.data_dir), marker=MARKERS[import_])
        import_(desk, FIRST, False)
        if edited_locally:
            desk.edit(title=HERE)
        if state == "purged":
            desk.purge()
        if state == "withdrawn":
            desk.edit(status=state)
        if isinstance(desk, Drafting):
            desk.is_draft = state == "draft"
        report = import_(desk, LATER if there else FIRST, overwrite)
        again = import_(desk, LATER if there else FIRST, False)
        assert (again.created, again.updated) == (0, 0)
        return read_row(desk, report)
    finally:
        database.close_now()


def read_row(desk: SourceDesk, report: ImportReport) -> Row:
    said = tuple(note for note in notes(report) if not note.endswith(visibility.KEPT))
    outcome = next(name for name in ("created", "updated", "unchanged") if getattr(report, name))
    article = desk.article
    if article is None:
        return Row(None, None, said, outcome)
    title = {FIRST: "first", LATER: "later", HERE: "ours"}[article["title"]]
    return Row(article["status"], title, said, outcome)


def expect(name: str, there: bool, edited_locally: bool, state: str, overwrite: bool) -> Row:
    """What the documentation says. Of the formats an export alone names a state that is public: in the others a draft
    whose marker is gone stays one, with a note; a line of NDJSON says nothing of what it does not name."""
    if state == "purged":
        return Row(None, None, (three_way_merge.PURGED,), "unchanged")
    mine = "ours" if edited_locally else "first"
    if state == "withdrawn":
        return Row("withdrawn", mine, (three_way_merge.WITHDRAWN,), "unchanged")
    is_named = state == "released" and name == "export"
    after = "published" if is_named else "draft" if state == "released" else state
    said = "later" if there else "first"
    title = said if overwrite or (there and not edited_locally) else mine
    is_noted = state == "released" and name in ("markdown", "feed")
    released = (three_way_merge.RELEASED,) if is_noted else ()
    edited = (three_way_merge.EDITED.format("title"),) if there and edited_locally and not overwrite else ()
    return Row(after, title, released + edited, "unchanged" if title == mine and not is_named else "updated")


def test_table_is_the_same_for_every_format(sqlite_template: Path, tmp_path: Path) -> None:
    rows: dict[tuple[str, bool, bool, str, bool], Row] = {}
    with running_site() as of_running_site:
        formats: dict[str, Import] = {
            "export": of_export, "site": of_running_site, "ndjson": of_lines, "markdown": of_markdown, "feed": of_feed,
        }  # fmt: skip
        cases = product(formats, (False, True), (False, True), STATES, (False, True))
        for number, (name, there, address, state, overwrite) in enumerate(cases):
            if name == "site" and state in ("draft", "released"):
                continue
            folder = tmp_path / str(number)
            folder.mkdir()
            shutil.copy(sqlite_template, folder / "dateline.db")
            settings = Settings(data_dir=folder)
            rows[name, there, address, state, overwrite] = play(
                settings, formats[name], there, address, state, overwrite
            )
    print_table(rows)
    for case, row in rows.items():
        assert row == expect(*case), case


def print_table(rows: dict[tuple[str, bool, bool, str, bool], Row]) -> None:
    """A line for each case, and the formats that have it so."""
    formats: dict[tuple[tuple[bool, bool, str, bool], Row], list[str]] = {}
    for (name, *case), row in rows.items():
        formats.setdefault((tuple(case), row), []).append(name)  # type: ignore[arg-type] # its four values
    for ((there, address, state, overwrite), row), names in sorted(
        formats.items(), key=lambda one: str(one[0][0][::-1])
    ):
        said = f"source {'changed' if there else 'same':7} {'edited' if address else 'as it was':9} {state:9}"
        result = f"{row.outcome:9} {row.state or 'gone':9} {row.title or '-':5} {'; '.join(row.notes)}"
        sys.stdout.write(f"{'--overwrite' if overwrite else '':11} {said} -> {result}  [{' '.join(names)}]\n")
