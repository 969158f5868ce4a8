"""Fixtures of tests in a real browser: the browser and the server that they share, one of each for a module."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # in every run of the tests these would take a fifth of a second
    from browsing import ServedArchive
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium; skips where there is none."""
    from browsing import find_chromium, open_browser

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


@pytest.fixture(scope="session")
def axe() -> str:
    """The checks of axe-core, a script that is run within a page. Only this file of its package is used."""
    spec = find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8")
