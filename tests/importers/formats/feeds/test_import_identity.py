"""What entries of feeds are known by: ids and links that several entries share name none of them, and an entry that
comes under another id at its own address is the article that stands there."""

import io
from collections.abc import Sequence
from dataclasses import replace

import orjson
import pytest
from conftest import ENGINES, Served
from sqlalchemy import select
from test_import_jobs import wait_for_end

from app.articles.reimport import three_way_merge
from app.db.database import Database
from app.importers import batches, pipeline
from app.importers.document import Document, Identity, ParseContext
from app.importers.formats.feeds import feed
from app.importers.pipeline import ImportOptions, ImportReport
from app.importers.prepare import PreparedItem
from app.importers.sources import SourceInput
from app.models import Article, table

ON = ENGINES
A = table(Article)
NOW = 1_800_000_000
Entry = tuple[str | None, str | None, str]
"""Its id, its link and its title."""


def element(name: str, value: str | None) -> str:
    return f"<{name} isPermaLink='false'>{value}</{name}>" if value else ""


def rss(entries: Sequence[Entry], home: str = "https://harbour.example/") -> bytes:
    items = "".join(
        f"<item><title>{title}</title>{element('link', link)}{element('guid', guid)}"
        f"<description>About {title}.</description></item>"
        for guid, link, title in entries
    )
    return f'<rss version="2.0"><channel><title>Wire</title><link>{home}</link>{items}</channel></rss>'.encode()


def atom(entries: Sequence[Entry]) -> bytes:
    items = "".join(
        f"<entry><id>{guid}</id><link href='{link}'/><title>{title}</title><content>About {title}.</content></entry>"
        for guid, link, title in entries
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Wire</title>{items}</feed>'.encode()


def json_feed(entries: Sequence[Entry]) -> bytes:
    names = ("id", "url", "title")
    items = [dict(zip(names, entry, strict=True)) | {"content_text": f"About {entry[2]}."} for entry in entries]
    return orjson.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Wire", "items": items})


def at(name: str) -> str:
    return f"https://harbour.example/{name}"


def known_by(data: bytes, expected: Identity | None = None) -> list[Identity | None]:
    items = list(feed.parse(io.BytesIO(data), "f", ParseContext(identity=expected)))
    assert all(isinstance(one, Document) for one in items)
    return [one.identity for one in items if isinstance(one, Document)]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([("1", at("a"), "A"), ("2", at("b"), "B")], ["guid", "guid"]),
        ([("same", at("a"), "A"), ("same", at("b"), "B"), ("3", at("c"), "C")], ["link", "link", "guid"]),
        ([("1", at("x"), "A"), ("2", at("x"), "B")], ["guid", "guid"]),
        ([("same", at("x"), "A"), ("same", at("x"), "B")], ["content", "content"]),
        ([("same", None, "A"), ("same", None, "B")], ["content", "content"]),
        ([(None, at("a"), "A"), (None, at("b"), "B"), (None, None, "C")], ["link", "link", "content"]),
        ([(None, at("x"), "A"), (None, at("x"), "B")], ["content", "content"]),
        ([(None, at(""), "The feed's own address"), ("2", at(""), "B")], ["content", "guid"]),
        ([("1", at("a"), "A"), ("1", at("a"), "A")], ["guid", "guid"]),
    ],
    ids=repr,
)
def test_what_is_shared_names_no_entry(entries: Sequence[Entry], expected: list[Identity]) -> None:
    assert known_by(rss(entries)) == expected


def test_entries_of_one_id_are_versions_in_atom_and_json_feeds_are_as_rss() -> None:
    assert known_by(atom([("1", at("a"), "A"), ("1", at("a"), "A, corrected")])) == ["guid", "guid"]
    assert known_by(atom([("1", at("a"), "A"), ("1", at("b"), "B")])) == ["link", "link"]
    assert known_by(json_feed([("s", at("a"), "A"), ("s", at("b"), "B")])) == ["link", "link"]


def test_identity_can_be_asked_for() -> None:
    entries: list[Entry] = [("1", at("a"), "A"), ("2", None, "B"), (None, at("c"), "C")]
    entries += [("s", at("d"), "D"), ("s", at("e"), "E")]
    assert known_by(rss(entries), "guid") == ["guid", "guid", "link", "link", "link"]
    assert known_by(rss(entries), "link") == ["link", "content", "link", "link", "link"]
    assert known_by(rss(entries), "content") == ["content"] * 5


def run(db: Database, data: bytes, identity: Identity | None = None) -> ImportReport:
    source = SourceInput("feed.xml", "feed.xml", lambda: io.BytesIO(data))
    report = pipeline.run_import(
        db, [source], ImportOptions(format="feed", enrich=False, identity=identity), lambda: NOW
    )
    assert report.failures == []
    return report


def count_outcomes(report: ImportReport) -> tuple[int, int, int]:
    return report.created, report.updated, report.unchanged


def titles(db: Database) -> list[str]:
    with db.snapshot() as snapshot:
        return list(snapshot.connection.execute(select(A.c.title).order_by(A.c.id)).scalars())


def test_guids_that_change_on_every_fetch_make_no_second_articles(db: Database) -> None:
    for fetch in range(3):
        report = run(db, rss([(f"{fetch}-{name}", at(name), f"Story {name}") for name in "abc"]))
        assert count_outcomes(report) == ((3, 0, 0) if fetch == 0 else (0, 0, 3))
    report = run(db, rss([("new", at("a"), "Story a, corrected"), ("4", at("d"), "Story d")]))
    assert count_outcomes(report) == (1, 1, 0)
    assert titles(db) == ["Story a, corrected", "Story b", "Story c", "Story d"]
    with db.snapshot() as snapshot:
        ids = snapshot.connection.execute(select(A.c.external_id).order_by(A.c.id)).scalars().all()
    assert ids == ["new", "0-b", "0-c", "4"]


def test_items_that_share_one_link_stay_apart_and_known(db: Database) -> None:
    entries: list[Entry] = [(str(number), at("today"), f"Item {number}") for number in range(4)]
    for expected in ((4, 0, 0), (0, 0, 4)):
        assert count_outcomes(run(db, rss(entries))) == expected
    # None of the articles that stand there is this one.
    assert count_outcomes(run(db, rss([("9", at("today"), "Item 9"), *entries[2:]]))) == (1, 0, 2)
    assert count_outcomes(run(db, rss([("10", at("today"), "Item 10")]))) == (1, 0, 0)
    assert len(titles(db)) == 6


def test_one_guid_for_all_and_ids_that_come_later(db: Database) -> None:
    shared: list[Entry] = [("same", at(name), f"Story {name}") for name in "abc"]
    assert count_outcomes(run(db, rss(shared))) == (3, 0, 0)
    assert count_outcomes(run(db, rss(shared))) == (0, 0, 3)
    mended: list[Entry] = [(f"id-{name}", at(name), f"Story {name}") for name in "abc"]
    assert count_outcomes(run(db, rss(mended))) == (0, 3, 0)  # its shared id was kept beside it
    assert count_outcomes(run(db, rss(mended))) == (0, 0, 3)
    assert len(titles(db)) == 3


def test_known_entry_that_moved_is_not_taken_for_the_one_at_its_old_address(db: Database) -> None:
    run(db, rss([("1", at("a"), "First")]))
    assert count_outcomes(run(db, rss([("1", at("b"), "First"), ("2", at("a"), "Second")]))) == (1, 1, 0)
    assert titles(db) == ["First", "Second"]


def test_feed_changes_no_article_of_an_archive_that_counts_its_items(db: Database) -> None:
    item = {"id": 17, "url": at("a"), "title": "Whole", "body": "All of the text.", "origin": "harbour.example"}
    whole = orjson.dumps(item)
    source = SourceInput("posts.ndjson", "posts.ndjson", lambda: io.BytesIO(whole))
    pipeline.run_import(db, [source], ImportOptions(enrich=False), lambda: NOW)
    report = run(db, rss([("https://harbour.example/?p=17", at("a"), "Whole")]))
    assert (count_outcomes(report), list(report.notes)) == ((0, 0, 1), [three_way_merge.SAME_PAGE])
    assert titles(db) == ["Whole"]


def test_content_is_an_identity_that_an_edit_changes(db: Database) -> None:
    entries: list[Entry] = [("1", at("today"), "A"), ("2", at("today"), "B")]
    assert count_outcomes(run(db, rss(entries), "content")) == (2, 0, 0)
    again: list[Entry] = [(f"new-{guid}", link, title) for guid, link, title in entries]
    assert count_outcomes(run(db, rss(again), "content")) == (0, 0, 2)
    assert count_outcomes(run(db, rss([("1", at("today"), "A, edited")]), "content")) == (1, 0, 0)


def test_earlier_imports_are_recognised(db: Database) -> None:
    """Articles that were kept under the hash of their whole document are not new versions."""
    data = rss([("1", at("a"), "A")])
    [document] = feed.parse(io.BytesIO(data), "feed.xml#1", ParseContext())
    assert isinstance(document, Document)
    before = replace(document, identity=None)
    [prepared] = pipeline.prepare_all(db, [("feed.xml", before)], None, enrich=False)
    assert isinstance(prepared, PreparedItem)
    db.write_now(batches.save_batch, [prepared], site_url="")
    assert count_outcomes(run(db, data)) == (0, 0, 1)


@pytest.mark.anyio
async def test_identity_is_a_parameter_for_feeds_alone(api: Served) -> None:
    data = rss([("1", at("a"), "A"), ("2", at("b"), "B")])
    kinds = {"Content-Type": "application/rss+xml"}
    for query, status in (("identity=link", 202), ("identity=other", 422)):
        sent = await api.editor.post(f"/v1/imports?{query}", content=data, headers=kinds)
        assert sent.status_code == status, sent.text
        if status == 202:
            await wait_for_end(api.editor, sent.headers["location"])
    with api.db.snapshot() as snapshot:
        known = snapshot.connection.execute(select(A.c.identity).order_by(A.c.id)).scalars().all()
    assert known == ["url:harbour.example/a", "url:harbour.example/b"]
    lines = {"Content-Type": "application/x-ndjson"}
    for more in ({}, {"Prefer": "respond-async"}):
        refused = await api.editor.post("/v1/imports?identity=link", content=b"{}", headers=lines | more)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_range")
        assert refused.json()["errors"][0]["parameter"] == "identity"
