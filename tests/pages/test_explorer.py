"""The explorer in a real browser, over a server with the sample articles: what its visitors do, and what must never
happen on their screen."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from browsing import ServedArchive, serve_archive
from playwright.sync_api import Browser, BrowserContext, Page, Response, Route, expect
from support.pages.hostile import HOSTILE_TEXT, make_hostile_articles

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PATIENCE = 20_000
"""Milliseconds for anything to appear, on machines that are busy with other things."""
expect.set_options(timeout=PATIENCE)
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
RTL = {
    "title": "كيف يقيس الناس الأمطار", "standfirst": "قصة قصيرة", "language": "ar", "status": "published",
    "body": "<p>المطر يقاس بالمليمترات.</p>", "regions": ["egypt"], "external_id": "rtl",
}  # fmt: skip


@pytest.fixture(scope="module")
def rich_site(site: ServedArchive) -> ServedArchive:
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
    """A page with what it asked for, what it said on its console, and what it ran."""

    def __init__(self, context: BrowserContext, site: ServedArchive) -> None:
        context.set_default_timeout(PATIENCE)
        self.site, self.page = site, context.new_page()
        self.responses: list[Response] = []
        self.said: list[str] = []
        self._pending = 0
        self.page.on("response", self._keep)
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self._count(1))
        self.page.on("requestfinished", lambda request: self._count(-1))
        self.page.on("requestfailed", lambda request: self._count(-1))

    def _keep(self, response: Response) -> None:
        self.responses.append(response)

    def _count(self, change: int) -> None:
        self._pending += change

    def open(self, path: str = "/") -> Page:
        self.page.goto(f"{self.site.address}{path}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Until nothing has been asked for a while: longer than a visitor's keys are waited for."""
        quiet, until = 0, time.monotonic() + PATIENCE / 1000
        while quiet < 3:
            assert time.monotonic() < until, "requests do not end"
            self.page.wait_for_timeout(40)
            quiet = 0 if self._pending else quiet + 1

    def check(self, name: str) -> None:
        """Picks a value of a filter."""
        self.page.get_by_role("checkbox", name=re.compile(rf"^{name} *[0-9]*$")).check()
        self.settle()

    def titles(self) -> list[str]:
        return self.page.locator("a.result").all_inner_texts()

    def total(self) -> str:
        return self.page.locator(".total").inner_text()


@pytest.fixture
def visit(browser: Browser, rich_site: ServedArchive) -> Iterator[Visit]:
    """At the end nothing was refused by the policy, and nothing failed, that the test has not looked at."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB", timezone_id="Europe/Paris")
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=rich_site.address)
    page = Visit(context, rich_site)
    yield page
    context.close()
    assert page.said == []


def test_story_is_found_from_a_typo_as_it_is_typed(visit: Visit) -> None:
    page = visit.open()
    page.keyboard.press("/")
    page.keyboard.type("naot treaty", delay=15)
    expect(page.locator(".note", has_text="No article has naot; it is read as not or nato.")).to_be_visible()
    assert "prefix=true" in page.url
    page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_be_visible()
    assert "q=naot+treaty" in page.url
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
    page = visit.open("/?q=nato+article&section=world,explainers")  # of which few articles have both words
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


@pytest.mark.parametrize(
    "path", ["/", "/?q=naot+trade&section=economy&published_from=2025", "/?article=32", "/?q=zzgrblx"]
)
@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (360, "dark")])
def test_no_view_has_a_fault_of_accessibility(visit: Visit, axe: str, path: str, width: int, scheme: str) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type] # one of two
    page = visit.open(path)
    page.locator("summary").evaluate_all("all => all.forEach(one => { one.parentElement.open = true; })")
    visit.settle()
    page.evaluate(axe)
    faults = page.evaluate("options => axe.run(document, options)", AXE)["violations"]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in faults] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the screen"


SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => list.getEntries().forEach((one) => { window.shifted += one.value; }))
  .observe({ type: 'layout-shift', buffered: true });"""


def test_first_visit_is_small_and_the_second_fetches_no_code(visit: Visit) -> None:
    def measure() -> tuple[int, int, int]:
        sizes = "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))"
        entries = visit.page.evaluate(f"{sizes}.map(one => [one.name, one.transferSize])")
        code = sum(size for name, size in entries if "/assets/" in name)
        return sum(size for _, size in entries), code, len(entries)

    visit.page.add_init_script(SHIFTS)
    page = visit.open()
    assert page.evaluate("window.shifted") < 0.1, "what is read moves while the rest comes"
    size, _, requests = measure()
    assert size <= 250_000
    assert requests <= 12
    visit.open("/?q=trade")
    assert measure()[1] == 0


def test_hostile_text_in_every_field_runs_nothing(browser: Browser, rich_site: ServedArchive) -> None:
    articles = [rich_site.post("/v1/articles", article) for article in make_hostile_articles()]
    rich_site.wait_for(articles[-1])
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.add_init_script("window.ran = 0; window.alert = () => { window.ran += 1; };")
    visit = Visit(context, rich_site)
    # Pictures of these articles lie on hosts that there are not.
    context.route(re.compile("^https://"), lambda route: route.fulfill(status=200, content_type="image/png", body=b""))
    page = visit.open("/?q=zzcanary")
    assert page.locator("a.result", has_text=HOSTILE_TEXT).count() == 20
    for created in articles:
        page.evaluate(SHOW, created.json()["slug"])
        expect(page.locator("article.story h1")).to_have_text(created.json()["title"])
        assert page.evaluate(f"({TOUCH})()") > 3
    visit.open(f"/?article={articles[-1].json()['slug']}")
    assert page.evaluate("window.ran") == 0
    assert visit.said == []
    context.close()


SHOW = "slug => { history.pushState(null, '', `?article=${slug}`); dispatchEvent(new Event('dateline-address')); }"
TOUCH = """() => {
  const all = [...document.querySelectorAll('article.story *')];
  const types = ['mouseover', 'focus', 'toggle', 'load', 'error'];
  for (const one of all) for (const type of types) one.dispatchEvent(new Event(type));
  const isActive = (one) => /^\\s*\\w*script:|^data:text/i.test(one.href ?? one.src ?? '');
  window.ran += all.filter(isActive).length;
  return all.length;
}"""
"""Does what a visitor may do to everything in an article, and counts addresses that would run something."""


def continue_late(route: Route) -> None:
    time.sleep(0.6)
    route.continue_()


def test_slow_gone_and_busy_servers_are_told_in_sentences(visit: Visit) -> None:
    page = visit.open("/?q=trade")
    begin = time.monotonic()
    page.route("**/v1/search*", continue_late)
    page.get_by_role("checkbox", name=re.compile("^Economy [0-9]")).check()
    expect(page.get_by_text("Searching …")).to_be_visible()
    assert page.locator("a.result").count() > 0, "what was shown is gone before there is anything newer"
    expect(page.get_by_text("Searching …")).to_be_hidden()
    assert time.monotonic() - begin >= 0.6
    page.unroute("**/v1/search*")
    page.context.set_offline(True)
    page.get_by_role("checkbox", name=re.compile("^World [0-9]")).check()
    expect(page.get_by_role("alert").first).to_contain_text("cannot be reached")
    page.get_by_role("button", name="Try again").first.click()
    expect(page.get_by_role("alert").first).to_contain_text("cannot be reached")
    page.context.set_offline(False)  # which it notices by itself
    expect(page.locator("a.result").first).to_be_visible()
    problem = {"code": "rate_limited", "status": 429, "title": "x", "detail": "x", "request_id": "abc123"}
    page.route(
        "**/v1/search*",
        lambda route: route.fulfill(
            status=429, json=problem, headers={"Retry-After": "60"}, content_type="application/problem+json"
        ),
    )
    page.get_by_role("checkbox", name=re.compile("^Climate [0-9]")).check()
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
    with serve_archive(tmp_path, DATELINE_PUBLIC_READS="false", DATELINE_ROOT_PATH="/news") as site:
        context = browser.new_context()
        visit = Visit(context, site)
        page = visit.open("/news/?q=trade")
        field = page.get_by_label("API key")
        field.fill("dl_wrong")
        field.press("Enter")
        expect(page.get_by_role("alert").first).to_contain_text("A key that is valid is needed")
        field.fill(site.key)
        page.get_by_role("button", name="Use this key").click()
        expect(page.locator("a.result").first).to_be_visible()
        visit.settle()
        page.get_by_text("The request behind this list").click()
        assert site.key not in page.content()
        assert site.key not in page.url
        kept = page.evaluate("[document.cookie, JSON.stringify(localStorage), JSON.stringify(history.state)]")
        assert site.key not in "".join(kept)
        expect(page.locator(".found pre")).to_contain_text("/news/v1/search")
        page.reload()
        expect(page.locator("a.result").first).to_be_visible()
        assert context.new_page().goto(f"{site.address}/news") is not None
        other = context.pages[-1]
        expect(other.get_by_label("API key").first).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("API key").first).to_be_visible()
        context.close()
