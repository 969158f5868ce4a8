"""The explorer in a real browser, over a server with the sample articles: what its visitors do, and what must never
happen on their screen."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browsing import Site
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect
from support.hostile import HOSTILE_TEXT, make_hostile_articles

pytestmark = [pytest.mark.slow, pytest.mark.browser]

AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
RTL = {
    "title": "كيف يقيس الناس الأمطار", "standfirst": "قصة قصيرة", "language": "ar", "status": "published",
    "body": "<p>المطر يقاس بالمليمترات.</p>", "regions": ["egypt"], "external_id": "rtl",
}  # fmt: skip


@pytest.fixture(scope="module")
def stocked(site: Site) -> Site:
    """With what the sample articles lack: other directions, corrections, translations, missing posts, long titles."""
    site.post("/v1/articles", RTL)
    first = site.post(
        "/v1/articles",
        {
            "title": "Harbour cranes " + "and more cranes " * 30, "status": "published", "external_id": "long",
            "body": "<h2>One</h2><img src='http://192.0.2.1/x.png' alt='A crane'><p>Cranes" + "x" * 3_000 + "</p>",
            "related": [{"title": "Not here yet", "url": "https://news.example/later"}],
        },
    )  # fmt: skip
    id, etag = first.json()["id"], first.headers["etag"]
    site.post(f"/v1/articles/{id}", {"correction": "There are four."}, "PATCH", **{"If-Match": etag})
    last = site.post(
        "/v1/articles",
        {"title": "Hafenkräne", "language": "de", "translation_of": id, "status": "published", "body": "<p>Kräne.</p>"},
    )
    site.wait_for(last)
    return site


class Visit:
    """A page with what it asked for, said on its console, and ran."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.site, self.page = site, context.new_page()
        self.responses: list[Response] = []
        self.said: list[str] = []
        self.page.on("response", lambda response: self.responses.append(response))
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def open(self, path: str = "/") -> Page:
        self.page.goto(f"{self.site.address}{path}")
        self.settle()
        return self.page

    def settle(self) -> None:
        self.page.wait_for_load_state("networkidle")

    def titles(self) -> list[str]:
        return self.page.locator("a.result").all_inner_texts()


@pytest.fixture
def visit(browser: Browser, stocked: Site) -> Iterator[Visit]:
    """At the end nothing was refused by the policy, and nothing failed, that the test has not looked at."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB", timezone_id="Europe/Paris")
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=stocked.address)
    page = Visit(context, stocked)
    yield page
    context.close()
    assert page.said == []


def test_story_is_found_from_a_typo_as_it_is_typed(visit: Visit) -> None:
    page = visit.open()
    page.keyboard.press("/")
    page.keyboard.type("monetry polcy", delay=15)
    expect(page.get_by_text("it is read as “monetary”")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_be_visible()
    assert "q=monetry+polcy" in page.url
    assert "prefix" not in page.url
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
    page.get_by_role("checkbox", name="Economy").check()
    expect(page.locator(".total")).to_have_text("10 articles")
    page.get_by_role("checkbox", name="Climate 3").check()
    expect(page.locator(".total")).to_have_text("13 articles")
    page.get_by_role("checkbox", name="French").check()
    visit.settle()
    asked = httpx.get(f"{visit.site.address}/v1/search?section=economy,climate&language=fr&fields=title").json()
    assert visit.titles() == [hit["article"]["title"] for hit in asked["data"]]
    shared = page.url
    page.go_back()
    expect(page.locator(".total")).to_have_text("13 articles")
    again = visit.open(shared.removeprefix(visit.site.address))
    expect(again.get_by_role("checkbox", name="French")).to_be_checked()
    again.get_by_role("link", name="Remove all").click()
    expect(again.locator(".total")).to_have_text(f"{40 + 3} articles")


def test_period_is_picked_by_drawing_across_the_timeline(visit: Visit) -> None:
    page = visit.open("/?language=en,fr,es")
    chart = page.locator(".u-over")
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 30, steps=4)
    page.mouse.up()
    page.wait_for_url("**published_to=**")
    visit.settle()
    chip = page.get_by_role("link", name="Remove Published")
    expect(chip).to_be_visible()
    total = httpx.get(f"{visit.site.address}/v1/search{page.evaluate('location.search')}").json()["page"]["total"]
    assert 0 < total < 40
    expect(page.locator(".total")).to_have_text(f"{total} articles")
    chip.click()
    expect(page.locator(".total")).to_have_text("41 articles")
    page.get_by_label("From").fill("2025-03-01")
    page.get_by_label("to", exact=True).fill("2025-03-31")
    expect(page.get_by_role("link", name="Remove Published: 2025-03-01 to 2025-03-31")).to_be_visible()


def test_country_is_picked_on_the_map(visit: Visit) -> None:
    page = visit.open()
    page.locator("path.country", has=page.locator("title", has_text="Belgium")).click()
    page.wait_for_url("**region=belgium**")
    visit.settle()
    total = httpx.get(f"{visit.site.address}/v1/search?region=belgium").json()["page"]["total"]
    expect(page.locator(".total")).to_have_text(f"{total} articles")
    expect(page.get_by_role("checkbox", name="Belgium")).to_be_checked()
    assert page.locator("path.picked").count() == 1


def test_copied_requests_return_what_the_page_shows(visit: Visit) -> None:
    page = visit.open("/?q=trade+%22world%22&section=economy&sort=published_at")
    titles = visit.titles()
    assert titles
    page.get_by_text("The request behind this list").click()
    found = page.locator(".found")
    for form in ("URL", "curl", "fetch"):
        found.get_by_role("button", name=form).click()
        found.get_by_role("button", name="Copy").click()
        expect(found.get_by_text("Copied")).to_be_visible()
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
    page.wait_for_url("**cursor=**")
    visit.settle()
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


def test_what_is_not_there_says_what_may_help(visit: Visit) -> None:
    page = visit.open("/?q=%22zzgrblx+trade%22&section=economy")
    expect(page.get_by_text("No article matches")).to_be_visible()
    page.get_by_role("link", name="Search without the quotation marks").click()
    expect(page.get_by_text("No article matches")).to_be_visible()
    page.get_by_role("link", name="Search for any of the words").click()
    expect(page.locator("a.result").first).to_be_visible()
    page = visit.open("/?tga=nato")
    expect(page.get_by_role("alert").first).to_contain_text("There is no parameter 'tga' here. Did you mean “tag”?")
    page.get_by_role("link", name="Remove tga").click()
    expect(page.locator(".total")).to_contain_text("articles")
    page = visit.open("/?article=nothing-of-this-name")
    expect(page.get_by_role("alert")).to_contain_text("nothing at this address")
    visit.said.clear()  # browsers tell of failures on their console


@pytest.mark.parametrize(
    "path", ["/", "/?q=naot+trade&section=economy&published_from=2025", "/?article=32", "/?q=zzgrblx"]
)
@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (360, "dark")])
def test_no_view_has_a_fault_of_accessibility(visit: Visit, axe: str, path: str, width: int, scheme: str) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type] # one of two
    page = visit.open(path)
    for summary in page.locator("summary").all():
        if not summary.evaluate("element => element.parentElement.open"):
            summary.click()
    visit.settle()
    page.evaluate(axe)
    faults = page.evaluate("options => axe.run(document, options)", AXE)["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in faults] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the screen"


def test_first_visit_is_small_and_the_second_fetches_no_code(visit: Visit) -> None:
    def measure() -> tuple[int, int, int]:
        sizes = "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))"
        entries = visit.page.evaluate(f"{sizes}.map(one => [one.name, one.transferSize])")
        code = sum(size for name, size in entries if "/assets/" in name)
        return sum(size for _, size in entries), code, len(entries)

    visit.open()
    size, _, requests = measure()
    assert size <= 250_000
    assert requests <= 12
    visit.open("/?q=trade")
    assert measure()[1] == 0


def test_hostile_text_in_every_field_runs_nothing(browser: Browser, stocked: Site) -> None:
    last = [stocked.post("/v1/articles", article) for article in make_hostile_articles()][-1]
    stocked.wait_for(last)
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.add_init_script("window.ran = 0; window.alert = () => { window.ran += 1; };")
    visit = Visit(context, stocked)
    page = visit.open("/?q=zzcanary")
    seen = 0
    while True:
        for slug in page.locator("a.result").evaluate_all("links => links.map(link => link.dataset.slug)"):
            article = context.new_page()
            article.on("console", lambda message: visit.said.append(message.text))
            article.goto(f"{stocked.address}/?article={slug}")
            article.locator("article.story").wait_for()
            article.locator(".body a, .body summary, .body p").evaluate_all(
                "all => all.forEach(one => { one.dispatchEvent(new MouseEvent('mouseover', {bubbles: true})); })"
            )
            assert article.evaluate("window.ran") == 0
            assert article.locator("h1", has_text=HOSTILE_TEXT).count() == 1
            article.close()
            seen += 1
        assert page.evaluate("window.ran") == 0
        if (
            page.get_by_role("button", name="Next").count() == 0
            or page.get_by_role("button", name="Next").is_disabled()
        ):
            break
        page.get_by_role("button", name="Next").click()
        visit.settle()
    assert seen == len(make_hostile_articles())
    refused = [line for line in visit.said if "Content Security Policy" in line or "Content-Security-Policy" in line]
    assert refused == []
    context.close()


def test_slow_gone_and_busy_servers_are_told_in_sentences(visit: Visit) -> None:
    page = visit.open("/?q=trade")
    begin = time.monotonic()
    page.route("**/v1/search*", lambda route: (time.sleep(0.6), route.continue_()))
    page.get_by_role("checkbox", name="Economy").check()
    expect(page.get_by_text("Searching …")).to_be_visible()
    assert page.locator("a.result").count() > 0, "what was shown is gone before there is anything newer"
    expect(page.get_by_text("Searching …")).to_be_hidden()
    assert time.monotonic() - begin >= 0.6
    page.unroute("**/v1/search*")
    page.context.set_offline(True)
    page.get_by_role("checkbox", name="Economy").uncheck()
    expect(page.get_by_role("alert").first).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").first.click()
    expect(page.locator("a.result").first).to_be_visible()
    problem = {"code": "rate_limited", "status": 429, "title": "x", "detail": "x", "request_id": "abc123"}
    page.route(
        "**/v1/search*",
        lambda route: route.fulfill(
            status=429, json=problem, headers={"Retry-After": "60"}, content_type="application/problem+json"
        ),
    )
    page.get_by_role("checkbox", name="Climate 3").check()
    alert = page.get_by_role("alert").first
    expect(alert).to_contain_text("Too many requests for the moment. Try again in 60 seconds.")
    expect(alert).to_contain_text("abc123")
    expect(page.get_by_role("button", name="Try again in").first).to_be_disabled()
    visit.said.clear()


def test_no_request_leaves_the_server(visit: Visit) -> None:
    for path in ("/", "/?q=trade", "/?article=32"):
        visit.open(path)
    assert {response.url.split("/")[2] for response in visit.responses} == {visit.site.address.removeprefix("http://")}


def test_key_is_asked_for_where_reading_needs_one(browser: Browser, tmp_path: Path) -> None:
    from browsing import serve_archive

    with serve_archive(tmp_path, DATELINE_PUBLIC_READS="false", DATELINE_ROOT_PATH="/news") as site:
        context = browser.new_context()
        visit = Visit(context, site)
        page = visit.open("/news/?q=trade")
        field = page.get_by_label("API key").first
        field.fill("dl_wrong")
        field.press("Enter")
        expect(page.get_by_role("alert").first).to_contain_text("A key that is valid is needed")
        page.get_by_label("API key").first.fill(site.key)
        page.get_by_role("button", name="Use this key").first.click()
        expect(page.locator("a.result").first).to_be_visible()
        visit.settle()
        page.get_by_text("The request behind this list").click()
        assert site.key not in page.content()
        assert site.key not in page.url
        expect(page.locator(".found pre")).to_contain_text("/news/v1/search")
        page.reload()
        expect(page.locator("a.result").first).to_be_visible()
        assert context.new_page().goto(f"{site.address}/news") is not None
        other = context.pages[-1]
        expect(other.get_by_label("API key").first).to_be_visible()
        page.get_by_role("button", name="Forget the key").click()
        expect(page.get_by_label("API key").first).to_be_visible()
        context.close()
