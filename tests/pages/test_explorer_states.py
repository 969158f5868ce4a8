"""The explorer in a real browser: what it costs, and what must never happen on its visitors' screen, whatever articles
and servers do."""

import re
import time
from pathlib import Path

import pytest
from browsing import ServedArchive, serve_archive
from playwright.sync_api import Browser, Route, expect
from support.pages.hostile import HOSTILE_TEXT, make_hostile_articles
from support.pages.visit import Visit

pytestmark = [pytest.mark.slow, pytest.mark.browser]


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
