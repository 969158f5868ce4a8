"""Fixtures of tests in a real browser: the browser and the server that they share, one of each for a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # in every run of the tests these would take a fifth of a second
    from browsing import ServedArchive
    from playwright.sync_api import Browser, Page

    from support.pages.editors_tab import EditorsTab
    from support.pages.visit import Visit

PATIENCE = 20_000
"""Milliseconds for anything to appear, on machines that are busy with other things."""
CHECKED = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium; skips where there is none."""
    from browsing import find_chromium, open_browser
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE)
    if find_chromium() is None:
        pytest.skip("Chromium is not installed")
    # For a module, not for longer: while it is open, no other test of this process can start an event loop.
    with open_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedArchive]:
    """A server with the sample articles, which imports from this machine, too; not started where there is no browser to
    look at it."""
    from browsing import serve_archive

    with serve_archive(tmp_path_factory.mktemp("site"), DATELINE_IMPORT_PRIVATE_ADDRESSES="true") as running:
        yield running


@pytest.fixture(scope="module")
def rich_site(site: ServedArchive) -> ServedArchive:
    """With what the sample articles lack."""
    from support.pages.visit import add_samples

    add_samples(site)
    return site


@pytest.fixture
def visit(browser: Browser, rich_site: ServedArchive) -> Iterator[Visit]:
    """A visitor of the explorer. At the end nothing was refused by the policy, and nothing failed, that the test has
    not looked at."""
    from support.pages.visit import Visit

    context = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB", timezone_id="Europe/Paris")
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=rich_site.address)
    page = Visit(context, rich_site)
    yield page
    context.close()
    assert page.said == []


@pytest.fixture
def tab(browser: Browser, site: ServedArchive) -> Iterator[EditorsTab]:
    """A tab of the desk. At the end nothing was refused by the policy, and nothing failed, that the test has not looked
    at."""
    from support.pages.editors_tab import EditorsTab

    context = browser.new_context(viewport={"width": 1400, "height": 1000}, locale="en-GB", timezone_id="Asia/Kolkata")
    context.set_default_timeout(PATIENCE)
    opened = EditorsTab(context, site)
    yield opened
    context.close()
    assert opened.said == []


@pytest.fixture(scope="session")
def find_faults() -> Callable[[Page], list[tuple[str, list[str]]]]:
    """Faults of accessibility in a page as it is: the rules that are broken, each with the first elements. By axe-core,
    a script that is run within the page; only this file of its package is used."""
    spec = find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    script = Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8")

    def find(page: Page) -> list[tuple[str, list[str]]]:
        page.evaluate(script)
        faults = page.evaluate("options => axe.run(document, options)", CHECKED)["violations"]
        return [(one["id"], [node["html"][:200] for node in one["nodes"]][:3]) for one in faults]

    return find
