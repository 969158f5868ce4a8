"""What stands in for the date of an item that has none that can be read: in which order, how exact, with which note."""

from datetime import UTC
from typing import Any

import pytest

from app.importers import dates
from app.importers.document import Document, DocumentBody, SourceDate, SourceDateline
from app.importers.prepare import prepare
from app.importers.records import fallback_dates
from app.regions.atlas import Atlas

DATELINE = SourceDateline("Ostend, May 2025.", "Ostend", "2025-05", "month")
UPDATED = SourceDate(1751796000, "instant")
FEEDS = SourceDate(1751760000, "day")
EVERYTHING: dict[str, Any] = {
    "dateline": DATELINE,
    "url": "https://harbour.example/2014/04/05/fog",
    "updated": UPDATED,
    "source_date": FEEDS,
}


def find_fallback(path: str | None = None, **value: Any) -> tuple[str, str] | None:
    """What stands in, and where from."""
    date = fallback_dates.find_date(Document("f", title="Fog", **value), path)
    return (f"{date.date.precision} {date.date.instant}", date.note.partition(": ")[2]) if date else None


def day(text: str) -> str:
    date = dates.read_date(text, UTC)
    return f"{date.precision} {date.instant}"


def test_what_stands_in_goes_by_its_order() -> None:
    path = "2013-02-03-fog.md"
    left = dict(EVERYTHING)
    for name, expected in (
        ("dateline", (day("2025-05"), "the dateline's is taken")),
        ("url", (day("2014-04-05"), "the one in the address is taken")),
        ("", (day("2013-02-03"), "the one in the name of the file is taken")),
        ("updated", (day("2025-07-06T10:00:00Z"), "that of its last change is taken")),
        ("source_date", (day("2025-07-06"), "that of its feed or file is taken, as asked for")),
    ):
        assert find_fallback(path, **left) == expected
        left.pop(name, None)
        path = path if name in ("dateline", "url") else ""
    assert find_fallback(None, **left) is None


def test_a_draft_has_no_date_from_its_last_change() -> None:
    assert find_fallback(None, status="draft", updated=UPDATED, source_date=FEEDS) is None


def test_year_of_a_dateline_that_runs_into_the_text_dates_no_article() -> None:
    stated = SourceDateline("Wellington, 2024.", "Wellington", "2024", "year")
    assert find_fallback(None, dateline=stated) is not None
    told = SourceDateline("Berlin, 1989 —", "Berlin", "1989", "year")
    assert find_fallback(None, dateline=told) is None
    assert find_fallback(None, dateline=told, updated=UPDATED) == (
        day("2025-07-06T10:00:00Z"),
        "that of its last change is taken",
    )


def test_what_is_scheduled_waits_for_a_date_of_its_source_alone() -> None:
    assert find_fallback("2013-02-03-fog.md", status="scheduled", **EVERYTHING) is None
    document = Document("f", title="Fog", status="scheduled", updated=UPDATED, body=DocumentBody("text", "Words."))
    item = prepare(document, "f", None, Atlas([], [], [], 0))
    assert item.manuscript.published_at is None
    assert item.notes == ("scheduled at its source, for no time that it says: kept as a draft",)


@pytest.mark.parametrize(
    ("path", "date"),
    [
        ("2014-04-05-title.md", "2014-04-05"),
        ("posts/2014_04_05_title.md", "2014-04-05"),
        ("2014/04/05/title.md", "2014-04-05"),
        ("2014/04/title.md", "2014-04"),
        ("https://harbour.example/2014/4/5/fog", "2014-04-05"),
        ("https://harbour.example/20140405/fog", "2014-04-05"),
        ("https://harbour.example/news/2014-04-05/fog", "2014-04-05"),
        ("https://harbour.example/2014/04/fog/", "2014-04"),
        ("https://harbour.example/2014/fog", None),
        ("https://harbour.example/news-20140405123", None),
        ("https://harbour.example/2014/02/31/fog", "2014-02"),
        ("https://harbour.example/2014/04/05/from/2013/02/03/fog", None),
        ("https://harbour.example/fog?date=/2014/04/05/", None),
        ("https://archive.example/web/https://harbour.example/2014/04/05/fog", "2014-04-05"),
        ("_posts/2014-4-5-title.md", "2014-04-05"),
        ("2014-4-5.md", None),
        ("2014-4-5-6.md", None),
        ("2014-13-05-title.md", None),
        ("title-2014.md", None),
    ],
)
def test_a_path_tells_a_day_or_a_month_and_nothing_else(path: str, date: str | None) -> None:
    expected = dates.read_date(date, UTC) if date else None
    assert fallback_dates.find_in_path(path) == expected


@pytest.mark.parametrize(
    ("where", "path", "date"),
    [
        ("/in/2014-04-05-fog.md", "2014-04-05-fog.md", "2014-04-05"),
        ("/in/2014-04-05-all.ndjson:3", "2014-04-05-all.ndjson", None),
        ("https://harbour.example/fog", "https://harbour.example/2014/04/sitemap.xml", None),
    ],
)
def test_a_files_name_dates_only_what_it_holds_alone(where: str, path: str, date: str | None) -> None:
    expected = dates.read_date(date, UTC).instant if date else None
    manuscript = prepare(Document(where, title="Fog"), path, None, Atlas((), (), (), 0)).manuscript
    assert manuscript.published_at == expected


def test_what_the_source_knows_to_be_undated_stays_so() -> None:
    document = Document("f", title="Fog", is_undated=True, **EVERYTHING)
    assert prepare(document, "f", None, Atlas((), (), (), 0)).manuscript.published_at is None
