"""The desk in a real browser: nothing that an editor typed is ever lost, nothing of anybody else is overwritten, and
nothing becomes public that was not asked for."""

import re

import httpx
import pytest
from playwright.sync_api import Route, expect
from support.pages.editors_tab import (
    BODY,
    EditorsTab,
    confirm,
    edit,
    find_save_status,
    hold_requests,
    make_article,
    read_article,
    save,
)

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_conflict_is_merged_paragraph_by_paragraph(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="A conflict", tags=["old"], status="published")
    page = tab.open_article(article)
    mine = (
        page.get_by_label("Text", exact=True)
        .input_value()
        .replace("Two is old", "Two is mine")
        .replace("Four is old", "Four is mine")
    )
    page.get_by_label("Text", exact=True).fill(mine)
    page.get_by_role("button", name="Remove old").click()
    theirs = BODY.replace("One stays.</p>", "One stays.</p>\n<p>One more is theirs.</p>").replace(
        "Four is old", "Four is theirs"
    )
    edit(tab.site, article, body=theirs, tags=["old", "theirs"], standfirst="Theirs.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Somebody has saved this article meanwhile")).to_be_visible()
    expect(page.get_by_role("button", name="Merge and save")).to_be_disabled()
    open_choice = page.get_by_role("group", name="Changed by both")
    expect(open_choice).to_contain_text("Four is theirs.")
    open_choice.get_by_label("Mine").check()
    page.get_by_role("button", name="Merge and save").click()
    expect(find_save_status(page)).to_have_text("Saved.")
    expect(page.get_by_role("button", name="Markdown")).to_have_attribute("aria-pressed", "true")
    merged = read_article(tab.site, article)
    assert merged["version"] == 3
    assert merged["standfirst"] == "Theirs."
    assert [tag["slug"] for tag in merged["tags"]] == ["theirs"]  # type: ignore[attr-defined]  # JSON
    words = ["One stays.", "One more is theirs.", "Two is mine.", "Three stays.", "Four is mine."]
    assert merged["body"] == "\n".join(f"<p>{one}</p>" for one in words)


def test_unsaved_text_outlives_a_reload_another_view_and_a_revoked_key(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="Overnight")
    page = tab.open_article(article)
    page.get_by_label("Standfirst").fill("Typed in the evening.")
    page.wait_for_timeout(400)
    page.reload()
    assert tab.said == ["dialog: beforeunload"]
    tab.said.clear()
    expect(page.get_by_text("which was not saved, is back")).to_be_visible()
    expect(page.get_by_label("Standfirst")).to_have_value("Typed in the evening.")
    page.get_by_role("link", name="← Articles").click()
    page.get_by_role("complementary", name="Not saved").get_by_role("link", name="Overnight").click()
    expect(page.get_by_label("Standfirst")).to_have_value("Typed in the evening.")
    page.evaluate("sessionStorage.setItem('dateline-key', 'dl_revoked')")
    page.get_by_role("button", name="Save", exact=True).click()
    asked = page.locator(".bottom")
    expect(asked).to_contain_text("A key that is valid is needed")
    expect(page.get_by_label("Standfirst")).to_have_value("Typed in the evening.")
    asked.get_by_label("API key").fill(tab.site.key)
    asked.get_by_role("button", name="Use this key").click()
    expect(save(page)).to_have_text("Saved.")
    assert read_article(tab.site, article)["standfirst"] == "Typed in the evening."


def test_text_kept_upon_an_old_version_is_merged_with_the_new_one(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="In the tab")
    page = tab.open_article(article)
    page.get_by_label("Standfirst").fill("Mine.")
    page.wait_for_timeout(400)
    page.get_by_role("link", name="← Articles").click()
    edit(tab.site, article, title="Theirs")
    page.get_by_role("complementary", name="Not saved").get_by_role("link", name="In the tab").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Merge and save").click()
    expect(find_save_status(page)).to_have_text("Saved.")
    expect(page.get_by_role("heading", level=1, name="Theirs")).to_be_visible()
    shown = read_article(tab.site, article)
    assert (shown["title"], shown["standfirst"]) == ("Theirs", "Mine.")


def test_server_that_is_away_takes_nothing_and_the_save_is_repeated(tab: EditorsTab) -> None:
    page = tab.open("?article=new")
    page.get_by_label("Title").fill("Sent while the server was away")
    away = {"/v1/articles": 2, "/v1/preview": 1}

    def fail(route: Route) -> None:
        path = route.request.url.removeprefix(tab.site.address)
        if route.request.method == "POST" and away.get(path):
            away[path] -= 1
            route.abort()
        else:
            route.continue_()

    page.route("**/v1/**", fail)
    page.get_by_label("Text", exact=True).fill("Words.")
    page.get_by_role("button", name="Publish now…").click()
    confirm(page, "Publish now")
    problem = page.locator(".bottom")
    expect(problem).to_contain_text("The server cannot be reached.")
    problem.get_by_role("button", name="Try again").click()
    problem.get_by_role("button", name="Try again").click()
    expect(page.locator(".head-line .state")).to_have_text("published")
    drafts = httpx.get(f"{tab.site.address}/v1/articles", params={"sort": "-created_at", "limit": 2}).json()["data"]
    assert [one["title"] for one in drafts].count("Sent while the server was away") == 1


def test_what_is_typed_while_a_new_article_is_on_its_way_is_kept(tab: EditorsTab) -> None:
    page = tab.open("?article=new")
    sent: list[Route] = []
    page.route(
        "**/v1/articles", lambda route: sent.append(route) if route.request.method == "POST" else route.continue_()
    )
    page.get_by_label("Title").fill("On its way")
    page.get_by_label("Text", exact=True).fill("First words.")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saving …")).to_be_visible()
    page.keyboard.press("Control+s")  # of what is typed until its turn comes
    page.get_by_label("Text", exact=True).fill("First words, and more.")
    [route] = sent
    route.continue_()
    page.unroute("**/v1/articles")
    expect(find_save_status(page)).to_have_text("Saved.")
    expect(page.get_by_label("Text", exact=True)).to_have_value("First words, and more.")
    expect(page.get_by_label("Text", exact=True)).to_be_focused()
    shown = read_article(tab.site, {"id": page.url.rpartition("article=")[2]})
    assert (shown["version"], shown["body"]) == (2, "<p>First words, and more.</p>")
    page.get_by_role("link", name="← Articles").click()
    expect(page.get_by_role("link", name="On its way")).to_have_count(1)
    expect(page.get_by_role("complementary", name="Not saved")).to_have_count(0)


def test_correction_is_sent_by_the_key_and_outlives_a_conflict(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="Ten came", status="published")
    page = tab.open_article(article)
    page.get_by_label("Title").fill("Eleven came")
    page.get_by_label("Correction for readers").fill("It said ten.")
    edit(tab.site, article, standfirst="Theirs.")
    page.keyboard.press("Control+s")
    expect(page.get_by_role("heading", name="Somebody has saved this article meanwhile")).to_be_focused()
    expect(page.get_by_text("Kept of yours: Title, Correction.")).to_be_visible()
    page.get_by_role("button", name="Merge and save").click()
    expect(page.get_by_role("region", name="Corrections")).to_contain_text("It said ten.")
    shown = read_article(tab.site, article)
    assert (shown["title"], shown["standfirst"]) == ("Eleven came", "Theirs.")
    assert [one["text"] for one in shown["corrections"]] == ["It said ten."]  # type: ignore[attr-defined]  # JSON


def test_save_whose_response_was_lost_is_no_conflict(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="Lost once", status="published")
    page = tab.open_article(article)
    lost: list[str] = []

    def lose(route: Route) -> None:
        if route.request.method == "PATCH" and not lost:
            lost.append(route.fetch().text())
            route.abort()
        else:
            route.continue_()

    page.route(f"**/v1/articles/{article['id']}*", lose)
    page.get_by_label("Text", exact=True).fill("* Words\n* more")
    page.get_by_role("combobox", name="Tags").fill("lostandfound")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Tags")).to_contain_text("lostandfound")
    page.get_by_label("Correction for readers").fill("Words were missing.")
    page.get_by_role("button", name="Save and correct").click()
    page.locator(".bottom").get_by_role("button", name="Try again").click()
    expect(find_save_status(page)).to_have_text("Saved.")
    shown = read_article(tab.site, article)
    assert (shown["version"], len(shown["corrections"])) == (2, 1)  # type: ignore[arg-type]  # JSON


def test_nothing_is_published_upon_a_version_that_was_not_seen(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="Not seen")
    page = tab.open_article(article)
    edit(tab.site, article, title="By somebody else")
    page.get_by_role("button", name="Publish now…").click()
    confirm(page, "Publish now")
    expect(page.get_by_text("What you asked for was not done.")).to_be_visible()
    expect(page.get_by_role("heading", level=1, name="By somebody else")).to_be_visible()
    expect(page.locator(".head-line .state")).to_have_text("draft")
    assert read_article(tab.site, article)["status"] == "draft"


def test_suggestions_that_are_decided_at_once_follow_one_another(tab: EditorsTab) -> None:
    article = make_article(
        tab.site, title="Ships", body="<p>Finland, Helsinki, Sweden, Stockholm, Finland, Sweden.</p>"
    )
    page = tab.open_article(article)
    expect(page.get_by_role("button", name="Accept Sweden")).to_be_visible()
    page.evaluate("document.querySelectorAll('[aria-label^=Accept]').forEach((one) => one.click())")
    regions = page.get_by_role("list", name="Regions")
    expect(regions).to_contain_text("Finland")
    expect(regions).to_contain_text("Sweden")
    expect(page.get_by_role("heading", level=1, name="Ships")).to_be_visible()


def test_name_that_no_region_has_stays_in_its_field(tab: EditorsTab) -> None:
    page = tab.open("?article=new")
    field = page.get_by_role("combobox", name="Regions")
    field.fill("Zzgrblxland")
    field.press("Enter")
    expect(page.get_by_text("Nothing here is called “Zzgrblxland”.")).to_be_visible()
    expect(field).to_have_value("Zzgrblxland")
    field.fill("Guinea-Bissau")
    field.press("Enter")
    expect(page.get_by_role("list", name="Regions").get_by_role("listitem")).to_have_text(re.compile("^Guinea-Bissau"))
    expect(field).to_have_value("")
    field.fill("guine")
    field.press("Enter")
    expect(page.get_by_text("Choose one: the arrow keys lead to them.")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Regions").get_by_role("listitem")).to_have_count(2)
    page.get_by_label("Title").fill("")


def test_question_that_is_left_open_changes_nothing_and_gives_the_focus_back(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="Asked", status="published")
    page = tab.open_article(article)
    back = page.get_by_role("button", name="Back to draft…")
    for leave in ("Escape", "Close"):
        back.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_contain_text("Readers do not find it any more.")
        page.keyboard.press("Enter")  # as when the key is held
        if leave == "Escape":
            page.keyboard.press("Escape")
        else:
            page.get_by_role("button", name="Close").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(back).to_be_focused()
    assert read_article(tab.site, article)["status"] == "published"


def test_what_is_typed_while_a_text_is_turned_into_the_other_notation_is_kept(tab: EditorsTab) -> None:
    page = tab.open("?article=new")
    text = page.get_by_label("Text", exact=True)
    text.fill("First words.")
    expect(page.locator(".body-preview .prose")).to_contain_text("First words.")
    with hold_requests(page, "**/v1/preview?*") as held:
        page.get_by_role("button", name="HTML", exact=True).click()
        text.press_sequentially(" And more.")
    assert len(held) == 1
    expect(page.get_by_role("button", name="HTML", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(text).to_have_value("<p>First words. And more.</p>")
    page.get_by_label("Text", exact=True).fill("")


def test_article_that_is_left_while_it_is_created_takes_no_other_ones_place(tab: EditorsTab) -> None:
    other = make_article(tab.site, title="Opened meanwhile")
    page = tab.open("?article=new")
    page.get_by_label("Title").fill("Left behind")
    with hold_requests(page, "**/v1/articles") as held:
        page.keyboard.press("Control+s")
        expect(page.get_by_text("Saving …")).to_be_visible()
        page.get_by_role("link", name="← Articles").click()
        page.get_by_role("link", name="Opened meanwhile").click()
        page.get_by_label("Standfirst").fill("Of the other one.")
    assert len(held) == 1
    expect(save(page)).to_have_text("Saved.")
    assert page.url.endswith(f"article={other['id']}")
    assert read_article(tab.site, other)["standfirst"] == "Of the other one."
    page.get_by_role("link", name="← Articles").click()
    expect(page.get_by_role("link", name="Left behind")).to_have_count(1)
    expect(page.get_by_role("complementary", name="Not saved")).to_have_count(0)


def test_import_that_begins_late_takes_nobody_away_from_what_is_open(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="Typed in meanwhile")
    page = tab.open("?view=imports")
    line = b'{"id": "late", "title": "Imported late", "body": "Words."}'
    page.get_by_label("or a file").set_input_files({"name": "late.ndjson", "mimeType": "", "buffer": line})
    with hold_requests(page, "**/v1/imports") as held:
        page.get_by_role("button", name="Import", exact=True).click()
        page.get_by_role("link", name="Articles", exact=True).click()
        page.get_by_role("link", name="Typed in meanwhile").click()
        page.get_by_label("Standfirst").fill("Typed.")
    assert len(held) == 1
    page.wait_for_load_state("networkidle")
    assert page.url.endswith(f"article={article['id']}")
    expect(save(page)).to_have_text("Saved.")


def test_search_field_of_a_list_says_what_the_list_is_searched_for(tab: EditorsTab) -> None:
    page = tab.open("?list=drafts")
    field = page.get_by_label("Search in this list")
    field.fill("nothing has these words")
    expect(page.get_by_text("Nothing here has the words")).to_be_visible()
    page.get_by_role("link", name="Articles", exact=True).click()
    expect(page.get_by_text("Nothing here has the words")).to_have_count(0)
    expect(field).to_have_value("")
    page.go_back()
    expect(field).to_have_value("nothing has these words")


def test_dialog_that_is_done_late_closes_no_other(tab: EditorsTab) -> None:
    article = make_article(tab.site, title="Asked twice", status="scheduled", published_at="2099-01-01T09:00:00Z")
    page = tab.open_article(article)
    with hold_requests(page, f"**/v1/articles/{article['id']}") as held:
        page.get_by_role("button", name="Publish now…").click()
        confirm(page, "Publish now")
        expect(page.get_by_text("Saving …")).to_be_attached()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Back to draft…").click()
        expect(page.get_by_role("dialog")).to_contain_text("It is not published then.")
    assert len(held) == 1
    expect(page.locator(".head-line .state")).to_have_text("published")
    expect(page.get_by_role("dialog")).to_contain_text("Readers do not find it any more.")
