"""The same article in several formats of one source: one article, and a note where it comes again."""

import io

import orjson
import pytest
from conftest import ENGINES
from sqlalchemy import select

from app.articles.reimport.three_way_merge import SAME_PAGE
from app.db.database import Database
from app.importers import pipeline
from app.importers.pipeline import ImportOptions, ImportReport
from app.importers.sources import SourceInput
from app.models import Article, table

ON = ENGINES
A = table(Article)
NOW = 1_800_000_000
SITE = "https://harbour.example"
PAGE = f"{SITE}/two-ways/"
ITEM = f"<guid isPermaLink='false'>{SITE}/?p=501</guid><link>{PAGE}?utm_source=rss</link><title>Two ways</title>"
RSS = (
    f"<rss version='2.0'><channel><title>H</title><item>{ITEM}<description>Short.</description></item></channel></rss>"
)
WORDS = "The ferry was late again on Monday, and nobody on the quay knew why it had been so. " * 9
HTML = (
    f"<!doctype html><html><head><title>Two ways</title><link rel='canonical' href='{PAGE}'></head>"
    f"<body><article><h1>Two ways</h1><p>{WORDS}</p></article></body></html>"
)
WXR = f"""<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>H</title><link>{SITE}</link>
<wp:base_site_url>{SITE}</wp:base_site_url><wp:base_blog_url>{SITE}</wp:base_blog_url>
<item><title>Two ways</title><link>{PAGE}</link><guid isPermaLink="false">{SITE}/?p=501</guid>
<content:encoded><![CDATA[<p>The whole text.</p>]]></content:encoded><wp:post_id>501</wp:post_id>
<wp:post_date_gmt>2025-05-01 10:00:00</wp:post_date_gmt><wp:post_name>two-ways</wp:post_name>
<wp:status>publish</wp:status><wp:post_type>post</wp:post_type></item></channel></rss>"""
FILES = {"feed.xml": RSS, "page.html": HTML, "site.xml": WXR}


def run(db: Database, *names: str, overwrite: bool = False) -> ImportReport:
    sources = [SourceInput(name, name, lambda name=name: io.BytesIO(FILES[name].encode())) for name in names]  # type: ignore[misc] # a default
    report = pipeline.run_import(db, sources, ImportOptions(enrich=False, overwrite=overwrite), lambda: NOW)
    assert report.failures == []
    return report


def count_outcomes(report: ImportReport) -> tuple[int, int, int, list[str]]:
    return report.created, report.updated, report.unchanged, report.notes.get(SAME_PAGE, [])


def rows(db: Database) -> list[tuple[str, str]]:
    with db.snapshot() as snapshot:
        identities = snapshot.connection.execute(select(A.c.identity, A.c.body).order_by(A.c.id))
        return [(row.identity, row.body) for row in identities]


def test_feed_and_page_of_an_exported_post_are_left_alone(db: Database) -> None:
    assert count_outcomes(run(db, "site.xml")) == (1, 0, 0, [])
    for _ in range(2):
        assert count_outcomes(run(db, "feed.xml")) == (0, 0, 1, ["feed.xml#1"])
        assert count_outcomes(run(db, "page.html", overwrite=True)) == (0, 0, 1, ["page.html"])
        assert count_outcomes(run(db, "site.xml")) == (0, 0, 1, [])
    assert rows(db) == [("id:501", "<p>The whole text.</p>")]


def test_export_takes_over_what_came_by_the_feed(db: Database) -> None:
    assert count_outcomes(run(db, "feed.xml")) == (1, 0, 0, [])
    assert count_outcomes(run(db, "site.xml")) == (0, 1, 0, [])
    assert rows(db) == [("id:501", "<p>The whole text.</p>")]
    assert count_outcomes(run(db, "feed.xml")) == (0, 0, 1, ["feed.xml#1"])
    assert count_outcomes(run(db, "site.xml")) == (0, 0, 1, [])


def test_all_in_one_import_are_one_article(db: Database) -> None:
    report = run(db, "site.xml", "feed.xml", "page.html")
    assert count_outcomes(report) == (1, 0, 2, ["feed.xml#1", "page.html"])
    assert len(rows(db)) == 1


def test_page_of_an_entry_is_left_alone_until_it_overwrites(db: Database) -> None:
    run(db, "feed.xml")
    assert count_outcomes(run(db, "page.html")) == (0, 0, 1, ["page.html"])
    assert count_outcomes(run(db, "page.html", overwrite=True))[:3] == (0, 1, 0)
    [(identity, body)] = rows(db)
    assert (identity, "The ferry was late" in body) == (f"id:{SITE}/?p=501", True)


@pytest.mark.parametrize("format", ["ndjson", "csv"])
def test_items_of_one_format_and_one_address_stay_apart(db: Database, format: str) -> None:
    lines = [{"id": f"live-{n}", "url": PAGE, "title": f"Entry {n}", "body": f"Text {n}."} for n in (1, 2, 3)]
    for line in lines:
        row = ",".join(line) + "\n" + ",".join(line.values())
        FILES["lines"] = orjson.dumps(line).decode() if format == "ndjson" else row
        source = SourceInput("lines", "lines", lambda: io.BytesIO(FILES["lines"].encode()))
        pipeline.run_import(db, [source], ImportOptions(format=format, enrich=False), lambda: NOW)
    assert len(rows(db)) == 3
