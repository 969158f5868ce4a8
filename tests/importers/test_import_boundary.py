"""Whatever one item of an import does to its reader, the others are saved, and it is reported with place and reason."""

import io
import random
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from conftest import Served, serve
from hypothesis import given, strategies as st
from sqlalchemy import func, select
from support.exports import SUBSTACK, ghost, medium, pack_files
from test_import_jobs import send_job

from app.changes import log
from app.db.database import Database
from app.enrich import language
from app.importers import boundary, pipeline, sources
from app.importers.document import Document, Failure, ParseContext
from app.importers.pipeline import ImportOptions, ImportReport
from app.importers.text_parts import clean
from app.models import Article, table
from app.settings import Settings
from app.text import keys

pytestmark = pytest.mark.anyio
NEWS = '<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="{}"><contentMeta><headline>x</headline>'
NEWS += "</contentMeta></newsItem>"
POSTS: list[dict[str, object]] = [{"id": str(i), "title": "x", "html": "<p>Fog.</p>"} for i in range(3)]
A = table(Article)
MANY = 1_000

REFUSED = (
    b"{ no json",
    b"[1, 2]",
    b"null",
    b'{"id": "nothing in it"}',
    b'{"id": "deep", "title": "Deep", "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    b'{"id": "huge", "title": "Huge", "n": NaN}',
)
ODD = (
    '{"id": "o1", "title": "A date", "date": "Mon, 01 Jan 2025 10:0' + "7" * 60 + '025 at 3pm CET"}',
    '{"id": "o2", "title": "Not a character", "body": "Ya ce gwamnati za ta ci gaba \\uffff da aiki tare da jama"}',
    '{"id": "o3", "title": "Beyond \\ud83f\\udffe", "body": "Ya ce gwamnati \\ufdd0 za ta ci gaba da aiki tare"}',
    '{"id": "o4", "title": "Half \\ud800", "body": "<p>&#xFDD0;&#x1FFFF;&#99999999999;&#xD800;</p>"}',
    '{"id": "o5", "title": "Elements", "body_html": "' + "<div>" * 4_000 + '"}',
    '{"id": "o6", "title": "Number", "n": 123456789012345678901234567890, "m": 1e999}',
    '{"id": "o7", "title": "Nul \\u0000", "slug": "\\u0000", "tags": ["\\u0000", "", null, 5, {"name": "\\uffff"}]}',
    '{"id": {"a": 1}, "title": ["a"], "body": {"html": 5}, "images": [5, {"url": "\\uffff"}], "related": {"a": []}}',
    '{"id": "o8", "title": "Wrong kinds", "date": {}, "status": 5, "regions": {"x": 1}, "authors": 5, "language": []}',
)


@pytest.fixture
async def local(sqlite_settings: Settings) -> Iterator[Served]:  # type: ignore[misc] # as pytest has it
    async with serve(sqlite_settings) as running:
        yield running


@pytest.fixture
def quiet(sqlite_settings: Settings) -> Iterator[Database]:
    database = Database(sqlite_settings, log.append)
    try:
        yield database
    finally:
        database.close_now()


def body() -> tuple[bytes, dict[int, bytes]]:
    """Good lines, and somewhere among them a broken one of each kind; the broken ones by their number."""
    chance = random.Random(5)
    lines = [orjson.dumps({"id": f"g{n}", "title": f"Story {n}", "body": "They met."}) for n in range(MANY)]
    for broken in (*REFUSED, *(one.encode() for one in ODD)):
        lines.insert(chance.randrange(len(lines)), broken)
    bad = {number: line for number, line in enumerate(lines, 1) if b'"id":"g' not in line}
    return b"\n".join(lines) + b"\n", bad


def good(db: Database) -> int:
    with db.snapshot() as snapshot:
        saved = select(func.count()).where(A.c.external_id.like("g%"))
        return int(snapshot.connection.execute(saved).scalar_one())


def import_paths(db: Database, *paths: str, enrich: bool = True) -> ImportReport:
    return pipeline.run_import(
        db, sources.find_sources(paths, io.BytesIO()), ImportOptions(enrich=enrich), lambda: int(time.time())
    )


def test_command_saves_all_but_what_is_broken(quiet: Database, tmp_path: Path) -> None:
    content, bad = body()
    (tmp_path / "all.ndjson").write_bytes(content)
    report = import_paths(quiet, str(tmp_path / "all.ndjson"))
    failed = {int(where.rpartition(":")[2]): reason for where, reason in report.failures}
    assert {number for number, line in bad.items() if line in REFUSED} <= failed.keys() <= bad.keys()
    assert all(failed.values())
    assert (good(quiet), report.done) == (MANY, MANY + len(bad))


async def test_job_saves_all_but_what_is_broken(local: Served) -> None:
    content, bad = body()
    headers = {"Content-Type": "application/x-ndjson", "Prefer": "respond-async"}
    result = await send_job(local.editor, content, headers)
    address = f"/v1/imports/{result['id']}?outcome=failed&limit=100"
    results = (await local.editor.get(address)).json()["results"]
    failed = {int(one["item"].rpartition(":")[2]): one["reason"] for one in results}
    assert {number for number, line in bad.items() if line in REFUSED} <= failed.keys() <= bad.keys()
    assert all(failed.values())
    assert (good(local.db), result["progress"]["read"]) == (MANY, MANY + len(bad))


async def test_stream_saves_all_but_what_is_broken(local: Served) -> None:
    content, bad = body()
    headers = {"Content-Type": "application/x-ndjson"}
    response = await local.editor.post("/v1/imports", content=content, headers=headers)
    assert response.status_code == 200
    *results, last = [orjson.loads(line) for line in response.content.splitlines()]
    failed = {one["line"]: one["reason"] for one in results if one["outcome"] == "failed"}
    assert {number for number, line in bad.items() if line in REFUSED} <= failed.keys() <= bad.keys()
    assert all(failed.values())
    assert (good(local.db), last["summary"]["failed"]) == (MANY, len(failed))


FEED = """<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>T</title><link>https://e.example</link><item><title>A lock jams</title><link>https://e.example/a</link>
<guid>a</guid><pubDate>Wed, 01 Jan 2025 10:00:00 GMT</pubDate><category>x</category>
<content:encoded><![CDATA[<p>Ships wait.</p>]]></content:encoded></item></channel></rss>"""
EXPORT = """<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"
xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>S</title><link>https://s.example</link><wp:wxr_version>1.2</wp:wxr_version><item><title>A dam holds</title>
<link>https://s.example/one</link><content:encoded><![CDATA[<p>The lake rose.</p>]]></content:encoded>
<wp:post_id>1</wp:post_id><wp:post_date_gmt>2025-01-02 10:00:00</wp:post_date_gmt><wp:status>publish</wp:status>
<wp:post_type>post</wp:post_type></item></channel></rss>"""
PAGE = """<!doctype html><html lang="en"><head><title>A ferry stops</title><script type="application/ld+json">
{"@type": "NewsArticle", "headline": "A ferry stops", "datePublished": "2025-01-02T10:00:00Z"}</script></head><body>
<article><h1>A ferry stops</h1><p>The last boat left at noon, and nobody knows when the next one will.</p></article>"""
ITEM = """{"uri": "urn:a", "type": "text", "versioncreated": "2025-01-02T10:00:00Z", "headline": "A tunnel is dug",
"body_html": "<p>Below the river.</p>", "subject": [{"name": "Works"}], "place": [{"name": "Ghent"}]}"""
POST = "---\ntitle: A bridge opens\ndate: 2025-01-02\ntags: [Works]\n---\n\nAcross the river, **at last**.\n"
KINDS = {".rss": FEED, ".xml": EXPORT, ".html": PAGE, ".json": ITEM, ".md": POST, ".txt": "A ferry stops\n\nAt noon."}
PUT_IN = (
    "\x00", "\uffff", "\ufdd0", "\U0001fffe", "&#99999999999;", "&#xD800;", "&#xFFFF;", "<", ">", "&", "<![CDATA[",
    "]]>", 'xmlns:x="', "<x:y>", "{", "}", "[", "]", '"', "\\", "\\ud800", "99999999999999999999", "-0001-11-30",
    "2025-13-45T99:99", "<!ENTITY a 'b'>", "<?", "-->", "<div>" * 300, "\n---\n", "!!python/object:x", " ",
)  # fmt: skip


def break_content(chance: random.Random, content: str) -> bytes:
    """One to four faults: something cut off, left out, put in, moved, or bytes that are no text."""
    data = content.encode()
    for _ in range(chance.randint(1, 4)):
        at, until = sorted(chance.randrange(len(data) + 1) for _ in range(2))
        until = min(until, at + 30)
        match chance.randrange(5):
            case 0:
                data = data[: max(at, 1)]
            case 1:
                data = data[:at] + data[until:]
            case 2:
                data = data[:at] + chance.choice(PUT_IN).encode("utf-8", "surrogatepass") + data[at:]
            case 3:
                data = data[at:until] + data
            case _:
                data = data[:at] + bytes(chance.randrange(256) for _ in range(3)) + data[at:]
    return data


def import_broken_files(db: Database, folder: Path, count: int, seed: int) -> ImportReport:
    chance = random.Random(seed)
    for number in range(count):
        suffix, content = chance.choice(sorted(KINDS.items()))
        (folder / f"{number:04}{suffix}").write_bytes(break_content(chance, content))
    (folder / "good.md").write_text(POST)
    report = import_paths(db, str(folder))
    reported = {where for where, _ in report.failures} | {where for places in report.notes.values() for where in places}
    with db.snapshot() as snapshot:
        saved = int(snapshot.connection.execute(select(func.count()).select_from(A)).scalar_one())
    assert report.created == saved > count / 3
    # What was saved without a word about it has no place in the report, so that they are counted together.
    assert len({where.partition("#")[0].partition(":")[0] for where in reported}) + saved >= count
    assert all(reason for _, reason in report.failures)
    return report


def test_files_of_which_each_is_broken_differently_end_no_import(quiet: Database, tmp_path: Path) -> None:
    report = import_broken_files(quiet, tmp_path, 200, 7)
    assert len(report.failures) > 5


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(5))
def test_thousand_broken_files_end_no_import(quiet: Database, tmp_path: Path, seed: int) -> None:
    import_broken_files(quiet, tmp_path, 1_000, seed)


def test_reader_that_breaks_off_keeps_what_it_gave() -> None:
    def items() -> Iterator[Document]:
        yield Document("f#1", title="One")
        raise KeyError("links")

    first, last = boundary.guard("f", items)
    assert isinstance(first, Document)
    assert last == Failure(
        "f", "could not be read: KeyError: 'links'; what stands before that was read, the last of it f#1"
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_interrupt_is_no_items_failure(error: BaseException) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)):
        boundary.attempt("read", "f", work)


ANYTHING = st.text(st.characters(codec=None) | st.sampled_from("\ufdd0\ufdef\ufffe\uffff\U0001ffff\U0010fffe"))


def is_noncharacter(character: str) -> bool:
    code = ord(character)
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


@given(ANYTHING)
def test_no_noncharacter_is_left_in_any_text(content: str) -> None:
    notes: list[str] = []
    for made in (keys.clean(content), clean.scrub(content, notes.append)):
        assert not any(map(is_noncharacter, made))
    if any(map(is_noncharacter, content)):
        assert clean.NOTE_CONTROLS in notes


@given(ANYTHING.map(lambda odd: f"Ya ce gwamnati za ta ci gaba {odd} da aiki tare da jama'ar kasa baki daya"))
def test_language_of_any_text_is_told_without_an_error(content: str) -> None:
    language.suggest("", content)


@pytest.mark.parametrize(
    ("name", "content", "refused", "kind"),
    [
        ("t.csv", b"title,body\na,Fog.\nb,Fog.\nc,Fog.\n", "t.csv:3", "csv"),
        ("g.json", ghost(*POSTS), "g.json#2", "ghost"),
        ("n.xml", f"<newsMessage>{''.join(map(NEWS.format, 'abc'))}</newsMessage>".encode(), "n.xml#2", "newsml"),
        (
            "m.zip",
            pack_files({f"posts/{i}.html": medium(str(i), "<p>Fog.</p>", f"{i}" * 12) for i in range(3)}),
            "1.html",
            "medium",
        ),
        ("s.zip", pack_files(SUBSTACK), "posts.csv:3", "substack"),
    ],
)
def test_item_of_an_export_fails_alone(name: str, content: bytes, refused: str, kind: str) -> None:
    class Refusing:
        def begin(self, stage: boundary.Stage, where: str) -> str | None:
            return "it ended the process" if where.endswith(refused) else None

    source = sources.SourceInput(name, name, lambda: io.BytesIO(content))
    whole = [one for one in sources.read_items(source, None, ParseContext()) if isinstance(one, Document)]
    token = boundary.observer.set(Refusing())
    try:
        items = list(sources.read_items(source, None, ParseContext()))
    finally:
        boundary.observer.reset(token)
    [failure] = [one for one in items if isinstance(one, Failure)]
    assert (failure.where.endswith(refused), failure.reason) == (True, "it ended the process")
    rest = [one for one in items if isinstance(one, Document)]
    assert rest == [one for one in whole if not one.where.endswith(refused)]
    assert len(rest) >= 2
    assert {one.format for one in rest} == {kind}
