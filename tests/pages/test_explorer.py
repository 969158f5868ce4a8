"""The explorer in a real browser, over a server with the sample articles: what its visitors do."""

import json
import re
import subprocess
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect
from support.pages.visit import Visit

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_story_is_found_from_a_typo_as_it_is_typed(visit: Visit) -> None:
    page = visit.open()
    page.keyboard.press("/")
    page.keyboard.type("naot treaty", delay=15)
    expect(page.locator(".note", has_text="No article has naot; it is read as nato.")).to_be_visible()
    assert "prefix=true" in page.url
    page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_be_visible()
    assert "q=naot+treaty" in page.url
    assert "prefix" not in page.url
    visit.settle()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = page.evaluate("document.activeElement.textContent")
    assert second == visit.titles()[1]
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=second, level=1)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name=second)).to_be_focused()
    page.go_back()
    expect(page.get_by_role("heading", name=second, level=1)).to_be_visible()


def test_filters_of_one_kind_are_alternatives_and_of_two_narrow(visit: Visit) -> None:
    page = visit.open()
    visit.check("Economy")
    assert visit.total() == "10 articles"
    visit.check("Climate")
    assert visit.total() == "13 articles"
    visit.check("French")
    asked = httpx.get(f"{visit.site.address}/v1/search?section=economy,climate&language=fr&fields=title").json()
    assert visit.titles() == [hit["article"]["title"] for hit in asked["data"]]
    feed = page.locator("link[rel=alternate]").first.get_attribute("href") or ""
    assert feed.endswith("/feeds/articles.atom?section=economy&section=climate&language=fr")
    assert httpx.get(feed).text.count("</entry>") == len(asked["data"])
    shared = page.url
    page.go_back()
    visit.settle()
    assert visit.total() == "13 articles"
    visit.open(shared.removeprefix(visit.site.address))
    expect(page.get_by_role("checkbox", name="French")).to_be_checked()
    page.get_by_role("link", name="Remove all").click()
    visit.settle()
    assert visit.total() == "43 articles"


def test_period_is_picked_by_drawing_across_the_timeline(visit: Visit) -> None:
    page = visit.open("/?language=en,fr,es")
    before = visit.total()
    chart = page.locator(".u-over")
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 30, steps=4)
    page.mouse.up()
    visit.settle()
    assert "published_to=" in page.url
    chip = page.get_by_role("link", name="Remove Published")
    expect(chip).to_be_visible()
    total = httpx.get(f"{visit.site.address}/v1/search{page.evaluate('location.search')}").json()["page"]["total"]
    assert 0 < total < 40
    assert visit.total() == f"{total} articles"
    chip.click()
    visit.settle()
    assert visit.total() == before
    page.get_by_role("textbox", name="From").fill("2025-03-01")
    page.get_by_role("textbox", name="to").fill("2025-03-31")
    expect(page.get_by_role("link", name="Remove Published: 2025-03-01 to 2025-03-31")).to_be_visible()


def test_timeline_and_map_count_what_the_list_shows(visit: Visit) -> None:
    page = visit.page
    with page.expect_response(re.compile("/v1/timeline")):  # it follows the list
        visit.open("/?q=nato+article&section=world,explainers")  # of which few articles have both words
    visit.settle()
    expect(page.get_by_text("those with some of them follow")).to_be_visible()
    queries = [urlsplit(response.url) for response in visit.responses if "/v1/timeline" in response.url]
    assert [parse_qs(query.query)["match"] for query in queries] == [["any"]]
    counted = httpx.get(f"{visit.site.address}/v1/timeline?{queries[0].query}").json()
    told = sum(bucket["count"] for bucket in counted["buckets"]) + counted["too_coarse"] + counted["undated"]
    assert visit.total() == f"{told} articles"


def test_country_is_picked_on_the_map(visit: Visit) -> None:
    page = visit.open()
    page.locator("path.country", has=page.locator("title", has_text="Belgium")).click()
    visit.settle()
    assert "region=belgium" in page.url
    total = httpx.get(f"{visit.site.address}/v1/search?region=belgium").json()["page"]["total"]
    assert visit.total() == f"{total} articles"
    expect(page.get_by_role("checkbox", name="Belgium")).to_be_checked()
    assert page.locator("path.picked").count() == 1


def test_copied_requests_return_what_the_page_shows(visit: Visit) -> None:
    page = visit.open("/?q=trade+%22world%22&section=economy&sort=published_at")
    titles = visit.titles()
    assert titles
    page.get_by_text("The request behind this list").click()
    results = page.locator(".found")
    for form in ("URL", "curl", "fetch"):
        results.get_by_role("button", name=form, exact=True).click()
        results.get_by_role("button", name="Copy").click()
        expect(results.get_by_text("Copied")).to_be_visible()
        text = page.evaluate("navigator.clipboard.readText()")
        if form == "URL":
            body = httpx.get(text).text
        elif form == "curl":
            body = subprocess.run(["sh", "-c", f"{text} --silent"], capture_output=True, text=True, check=True).stdout
        else:
            body = page.evaluate(f"(async () => {{ {text}; return JSON.stringify(data); }})()")
        assert [hit["article"]["title"] for hit in json.loads(body)["data"]] == titles
    assert page.get_by_text("The request behind").count() == 3


def test_pages_go_on_and_back(visit: Visit) -> None:
    page = visit.open("/?sort=published_at")
    first = visit.titles()
    page.get_by_role("button", name="Next").click()
    visit.settle()
    assert "cursor=" in page.url
    assert set(visit.titles()).isdisjoint(first)
    page.get_by_role("button", name="Previous").click()
    visit.settle()
    assert visit.titles() == first


def test_article_has_its_corrections_translations_and_missing_posts(visit: Visit) -> None:
    page = visit.open("/?q=harbour+cranes")
    page.locator("a.result").first.click()
    expect(page.get_by_text("There are four.")).to_be_visible()
    expect(page.get_by_role("link", name="A crane")).to_have_attribute("href", "http://192.0.2.1/x.png")
    expect(page.get_by_role("link", name="Not here yet")).to_be_visible()
    page.get_by_role("link", name="Hafenkräne").click()
    expect(page.get_by_role("heading", name="Hafenkräne", level=1)).to_be_visible()
    visit.settle()
    arabic = visit.open("/?q=الأمطار")
    arabic.locator("a.result").first.click()
    body = arabic.locator(".body p").first
    assert body.evaluate("element => [getComputedStyle(element).direction, element.closest('[lang]').lang]") == [
        "rtl",
        "ar",
    ]
    assert arabic.evaluate("document.documentElement.scrollWidth <= innerWidth")
    arabic.emulate_media(media="print")
    expect(arabic.get_by_role("heading", level=1)).to_be_visible()
    expect(arabic.locator(".page-header")).to_be_hidden()
    expect(arabic.locator(".request").last).to_be_hidden()


def test_what_is_not_there_says_what_may_help(visit: Visit) -> None:
    page = visit.open("/?q=%22zzgrblx+trade%22&section=economy")
    expect(page.get_by_text("No article matches")).to_be_visible()
    page.get_by_role("link", name="Search without the quotation marks").click()
    expect(page.locator("a.result").first).to_be_visible()
    page = visit.open("/?q=zzgrblx+trade&sort=published_at")
    page.get_by_role("link", name="Search for any of the words").click()
    expect(page.locator("a.result").first).to_be_visible()
    page = visit.open("/?tga=nato")
    expect(page.get_by_role("alert").first).to_contain_text("There is no parameter 'tga' here. Did you mean “tag”?")
    page.get_by_role("link", name="Remove tga").click()
    expect(page.locator(".total")).to_contain_text("articles")
    page = visit.open("/?article=nothing-of-this-name")
    expect(page.get_by_role("alert")).to_contain_text("nothing at this address")
    visit.said.clear()  # browsers tell of failures on their console


def test_address_that_shapes_responses_shows_the_page_all_the_same(visit: Visit) -> None:
    page = visit.open("/?format=csv&fields=id&explain=true&facets=tag&page=2&sort=published_at")
    assert len(visit.titles()) == 20
    assert visit.total() == visit.site_total()
    page.get_by_role("button", name="Next").click()
    visit.settle()
    assert visit.titles()
    assert "page=" not in page.url


def test_article_that_is_opened_by_its_address_asks_for_no_list(visit: Visit) -> None:
    page = visit.open("/?article=32")
    assert [response.url for response in visit.responses if "/v1/search" in response.url] == []
    page.keyboard.press("Escape")
    expect(page.locator("a.result").first).to_be_visible()


def test_article_that_readers_do_not_see_says_so(visit: Visit) -> None:
    draft = visit.site.post("/v1/articles", {"title": "Nobody reads this yet"}).json()
    page = visit.open(f"/?article={draft['id']}")
    expect(page.get_by_role("alert")).to_contain_text("nothing at this address, or nothing that you may see")
    visit.said.clear()
    page.evaluate("key => sessionStorage.setItem('dateline-key', key)", visit.site.key)
    page.reload()
    expect(page.get_by_role("heading", level=1, name="Nobody reads this yet")).to_be_visible()
    expect(page.get_by_text("State: draft. Readers do not see this")).to_be_visible()


@pytest.mark.parametrize(
    "path", ["/", "/?q=naot+trade&section=economy&published_from=2025", "/?article=32", "/?q=zzgrblx"]
)
@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (360, "dark")])
def test_no_view_has_a_fault_of_accessibility(
    visit: Visit, find_faults: Callable[[Page], list[object]], path: str, width: int, scheme: str
) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type] # one of two
    page = visit.open(path)
    page.locator("summary").evaluate_all("all => all.forEach(one => { one.parentElement.open = true; })")
    visit.settle()
    assert find_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the screen"
