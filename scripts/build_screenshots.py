"""Takes the pictures of the pages in `docs/screenshots/`: each view light and dark, on a desk's screen and on a phone.

    PYTHONPATH=. .venv/bin/python scripts/build_screenshots.py [NAME ...]

Needs Chromium. The pictures are of the sample articles, so that nothing but a change of the pages changes them.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from browsing import ROOT, ServedArchive, open_browser, serve_archive
from playwright.sync_api import Browser, Page

FOLDER = ROOT / "docs" / "screenshots"
SCREENS = {"desktop": (1360, 850), "phone": (390, 780)}
SCHEMES = ("light", "dark")
QUALITY = 35
"""Of WebP, where letters stay sharp; a picture takes 10 to 60 kB."""


@dataclass(frozen=True, slots=True)
class PictureView:
    """`opens`: the summaries that are opened on a small screen, by their text. `has_key`: with one in its tab."""

    path: str
    opens: tuple[str, ...] = ()
    has_key: bool = False


VIEWS = {
    "explorer": PictureView("/"),
    "search": PictureView("/?q=nato+article&section=world&section=explainers"),
    "charts": PictureView(
        "/?region=france,germany&published_from=2024-10&published_to=2025-06", ("Over time", "By country")
    ),
    "article": PictureView("/?q=nato&article=how-natos-article-5-actually-works"),
    "request": PictureView("/?q=canal", ("The request behind this list",)),
    "nothing": PictureView("/?q=%22canal+treaty+weather%22&section=economy"),
    "desk": PictureView("/desk?list=published", has_key=True),
    "editor": PictureView("/desk?article=how-natos-article-5-actually-works", has_key=True),
    "revisions": PictureView("/desk?article=how-natos-article-5-actually-works&view=revisions", has_key=True),
}


def main() -> None:
    names = sys.argv[1:] or list(VIEWS)
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_archive(Path(folder) / "data") as site,
        open_browser() as browser,
    ):
        for name in names:
            for screen, scheme in _list_variants():
                path = FOLDER / f"{name}_{screen}_{scheme}.webp"
                path.write_bytes(_take(browser, site, VIEWS[name], screen, scheme))
                print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes")


def _list_variants() -> Iterator[tuple[str, str]]:
    return ((screen, scheme) for screen in SCREENS for scheme in SCHEMES)


def _take(browser: Browser, site: ServedArchive, view: PictureView, screen: str, scheme: str) -> bytes:
    width, height = SCREENS[screen]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
        is_mobile=screen == "phone",
        has_touch=screen == "phone",
    )
    if view.has_key:
        context.add_init_script(f"sessionStorage.setItem('dateline-key', '{site.key}')")
    page = context.new_page()
    page.goto(f"{site.address}{view.path}", wait_until="networkidle")
    for text in view.opens:
        summary = page.locator("summary", has_text=text).first
        if not summary.evaluate("element => element.parentElement.open"):
            summary.click()
            summary.evaluate("element => element.scrollIntoView({block: 'start'})")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    picture = _capture(page)
    context.close()
    return picture


def _capture(page: Page) -> bytes:
    """As WebP, which Playwright itself does not write."""
    import base64

    session = page.context.new_cdp_session(page)
    return base64.b64decode(session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})["data"])


if __name__ == "__main__":
    main()
