"""The desk in a real browser, over a server with the sample articles: what editors do on it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from support.pages.editors_tab import BODY, EditorsTab, confirm, edit, hold_requests, make_article, read_article, save
from support.websites import make_handler, run_website

pytestmark = [pytest.mark.slow, pytest.mark.browser]

HOSTILE = "<p>Kept.</p><script>alert(1)</script><img src=x onerror=alert(2)><a href='javascript:alert(3)'>link</a>"
ZONE = timezone(timedelta(hours=5, minutes=30))  # Asia/Kolkata, which has no summer time


def test_draft_is_written_scheduled_and_published(tab: EditorsTab) -> None:
    page = tab.open("?article=new")
    page.get_by_label("Title").fill("How a bridge is tested")
    page.get_by_label("Text", exact=True).fill("It is **loaded**.\n\n<script>alert(1)</script>")
    expect(page.locator(".body-preview strong")).to_have_text("loaded")
    expect(page.get_by_text("Removed because it is not safe")).to_be_visible()
    page.get_by_role("combobox", name="Tags").fill("bridges")
    expect(page.get_by_role("option", name="bridges new tag")).to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Regions").fill("belg")
    expect(page.get_by_role("option", name="Belgium")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_label("As printed").fill("Brussels, May 2025.")
    page.get_by_label("Date, as exact").fill("2025-05")
    expect(page.get_by_text("Precision: month")).to_be_visible()
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved as version 1")).to_be_visible()
    at = (datetime.now(ZONE) + timedelta(days=2)).replace(hour=9, minute=30, second=0, microsecond=0)
    page.get_by_role("button", name="Schedule…").click()
    page.get_by_label("Goes out at").fill(f"{at:%Y-%m-%dT%H:%M}")
    confirm(page, "Schedule")
    expect(page.locator(".head-line .state")).to_have_text("scheduled")
    id = page.url.rpartition("article=")[2]
    shown = read_article(tab.site, {"id": id})
    assert shown["published_at"] == f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    assert shown["body"] == "<p>It is <strong>loaded</strong>.</p>"
    assert [tag["slug"] for tag in shown["tags"]] == ["bridges"]  # type: ignore[attr-defined]  # JSON
    page.get_by_role("button", name="Publish now…").click()
    assert read_article(tab.site, {"id": id})["status"] == "scheduled", "nothing is published before it is confirmed"
    confirm(page, "Publish now")
    expect(page.locator(".head-line .state")).to_have_text("published")
    assert httpx.get(f"{tab.site.address}/v1/articles/{id}").json()["title"] == "How a bridge is tested"


def test_published_story_is_corrected_and_withdrawn(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="Ten are in", status="published")
    page = tab.open_article(article)
    page.get_by_label("Title").fill("Eleven are in")
    page.get_by_label("Correction for readers").fill("It said ten.")
    page.get_by_role("button", name="Save and correct").click()
    expect(page.get_by_role("region", name="Corrections")).to_contain_text("It said ten.")
    address = f"{tab.site.address}/v1/articles/{article['id']}"
    assert httpx.get(address).json()["corrections"][0]["text"] == "It said ten."
    page.get_by_role("button", name="Withdraw…").click()
    page.get_by_label("Reason").fill("It was not so.")
    confirm(page, "Withdraw")
    expect(page.locator(".head-line .state")).to_have_text("withdrawn")
    assert (httpx.get(address).status_code, httpx.get(address).json()["reason"]) == (410, "It was not so.")


def test_revision_is_compared_and_restored(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="First title")
    edit(tab.site, article, title="Second title", body=BODY.replace("Two is old", "Two is new"))
    page = tab.open_article({**article, "title": "Second title"}, "&view=revisions")
    page.get_by_role("button", name="What it changed").first.click()
    expect(page.locator("del.paragraph")).to_contain_text("Two is old.")
    expect(page.locator("ins.paragraph")).to_contain_text("Two is new.")
    page.get_by_role("button", name="Go back to version 1").click()
    expect(page.get_by_role("heading", level=1, name="First title")).to_be_visible()
    assert read_article(tab.site, article)["version"] == 3
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("row")).to_have_count(4)


def test_suggested_region_is_accepted_and_another_refused(tab: EditorsTab) -> None:
    article = make_article(
        tab.site, title="Finland builds a harbour", body="<p>Helsinki and Finland, Sweden, Finland.</p>"
    )
    page = tab.open_article(article)
    page.get_by_label("Standfirst").fill("Not saved yet.")
    page.get_by_role("button", name="Accept Finland").click()
    expect(page.get_by_role("list", name="Regions")).to_contain_text("Finland")
    page.get_by_role("button", name="Refuse Sweden").click()
    expect(page.get_by_role("button", name="Refuse Sweden")).to_have_count(0)
    expect(page.get_by_label("Standfirst")).to_have_value("Not saved yet.")
    expect(save(page)).to_have_text("Saved.")
    shown = read_article(tab.site, article)
    assert ([region["slug"] for region in shown["regions"]], shown["standfirst"]) == (["finland"], "Not saved yet.")  # type: ignore[attr-defined]  # JSON


def test_import_is_followed_and_undone(tab: EditorsTab, tmp_path: Path) -> None:
    lines = "\n".join(f'{{"id": "d{i}", "title": "Imported {i}", "body": "Words {i}."}}' for i in range(3))
    (tmp_path / "wire.ndjson").write_text(lines)
    page = tab.open("?view=imports")
    page.get_by_label("or a file").set_input_files(tmp_path / "wire.ndjson")
    page.get_by_role("button", name="Import", exact=True).click()
    record = page.get_by_role("region", name="Record")
    expect(record).to_contain_text("Done")
    expect(record).to_contain_text("3 created")
    page.get_by_role("button", name="Undo all of it").click()
    confirm(page, "Undo it")
    expect(record).to_contain_text("3 withdrawn")


def test_feed_is_imported_by_its_address(tab: EditorsTab) -> None:
    item = "<item><title>From a wire</title><guid>1</guid><description>Words.</description></item>"
    wire = f"<rss version='2.0'><channel><title>The wire</title>{item}</channel></rss>"
    with run_website() as website:
        website.pages["/feed.xml"] = make_handler(body=wire.encode(), content_type="application/rss+xml")
        page = tab.open("?view=imports")
        page.get_by_label("Address of a feed, a sitemap or a site").fill(website.url("/feed.xml"))
        page.get_by_label("Try it only").check()
        page.get_by_role("button", name="Try the import").click()
        record = page.get_by_role("region", name="Record")
        expect(record).to_contain_text("a trial: nothing was changed")
        expect(record).to_contain_text("1 created")
        page.get_by_role("link", name="← Imports").click()
        page.get_by_label("Address of a feed, a sitemap or a site").fill(website.url("/feed.xml"))
        page.get_by_role("button", name="Import", exact=True).click()
        expect(record).to_contain_text("Done · 1 read, 1 created")
        page.get_by_role("link", name="from-a-wire").click()
        expect(page.get_by_role("heading", level=1, name="From a wire")).to_be_visible()


def test_selection_is_edited_in_one_step(tab: EditorsTab) -> None:
    for number in (1, 2):
        make_article(tab.site, title=f"Zeppelin draft {number}")
    page = tab.open("?list=drafts")
    page.get_by_label("Search in this list").fill("zeppelin")
    expect(page.get_by_text("2 articles", exact=True)).to_be_visible()
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Edit 2 articles").click()
    page.get_by_role("combobox", name="Add tags").fill("airships")
    expect(page.get_by_role("option", name="airships new tag")).to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Change 2 articles").click()
    expect(page.get_by_role("dialog")).to_contain_text("2 updated")


def test_list_that_changes_takes_nothing_from_an_open_dialog_and_no_selection_with_it(tab: EditorsTab) -> None:
    places = ("Lakehurst", "Friedrichshafen")
    kept, other = (make_article(tab.site, title=f"Dirigible over {place}") for place in places)
    page = tab.open("?list=drafts")
    with hold_requests(page, "**/v1/articles?*") as held:
        page.get_by_label("Search in this list").fill("lakehurst")
        expect(page.get_by_text("Looking…")).to_be_visible()
        page.get_by_label("Select “Dirigible over Friedrichshafen”").check()
        page.get_by_role("button", name="Edit 1 article", exact=True).click()
        page.get_by_role("combobox", name="Add tags").fill("rigid")
    assert len(held) == 1
    expect(page.get_by_text("1 article", exact=True)).to_be_visible()
    expect(page.get_by_role("dialog")).to_contain_text("Edit 1 article")
    page.get_by_role("combobox", name="Add tags").press("Enter")
    page.get_by_role("button", name="Change 1 article", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("1 updated")
    page.get_by_role("button", name="Close").click()
    tags = [read_article(tab.site, one)["tags"] for one in (kept, other)]
    assert [[tag["name"] for tag in some] for some in tags] == [[], ["rigid"]]  # type: ignore[attr-defined]  # JSON
    expect(page.get_by_label("Select “Dirigible over Lakehurst”")).not_to_be_checked()
    expect(page.get_by_role("button", name="Edit the selection")).to_be_disabled()


def test_hostile_text_runs_nothing(tab: EditorsTab) -> None:
    title = "<img src=x onerror=alert(4)> & <b>bold</b>"
    article = make_article(tab.site, title=title, body=HOSTILE, standfirst=title, tags=[title])
    page = tab.open_article(article)
    page.get_by_label("Text", exact=True).fill(HOSTILE)
    page.get_by_role("button", name="HTML", exact=True).click()
    page.get_by_label("Text", exact=True).fill(f"{HOSTILE}<p>More.</p>")
    expect(page.locator(".body-preview .prose")).to_contain_text("More.")
    edit(
        tab.site,
        article,
        title=f"{title} again",
        standfirst=None,
        tags=[f"{title} too"],
        body=f"{HOSTILE}<p>Theirs.</p>",
    )
    page.get_by_label("Title").fill(f"{title} and mine")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Somebody has saved this article meanwhile")).to_be_visible()
    page.get_by_role("button", name="Put mine away").click()
    confirm(page, "Put mine away for good")
    expect(page.get_by_label("Title")).to_have_value(f"{title} again")
    for query in (f"?article={article['id']}&view=revisions", f"?article={article['id']}&view=audit", "?list=drafts"):
        tab.open(query)
        for button in page.get_by_role("button", name="What it changed").all():
            button.click()
            expect(page.locator(".difference dt").first).to_be_visible()
        assert page.evaluate("document.querySelectorAll('main script, main [onerror]').length") == 0, query


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), pytest.param(390, "dark", marks=pytest.mark.torture)])
def test_no_view_has_a_fault_of_accessibility(
    tab: EditorsTab, find_faults: Callable[[Page], list[object]], width: int, scheme: str
) -> None:
    rows = [{"title": "Not here yet"}]
    article = make_article(
        tab.site, title="كيف يقيس الناس الأمطار", language="ar", body="<p>المطر في بلجيكا.</p>", related=rows,
        regions=["egypt"], images=[{"url": "https://192.0.2.1/x.png"}], tags=["rain"],
    )  # fmt: skip
    edit(tab.site, article, standfirst="Two")
    page = tab.page
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
    for query in (
        "",
        f"?article={article['id']}",
        f"?article={article['id']}&view=revisions",
        f"?article={article['id']}&view=audit",
        "?view=imports",
    ):
        tab.open(query)
        assert find_faults(page) == [], query
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), query
    tab.said = [one for one in tab.said if "192.0.2.1" not in one]
