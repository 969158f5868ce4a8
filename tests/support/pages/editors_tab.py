"""The desk as an editor has it open, and articles that others change meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from browsing import ServedArchive
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Locator, Page, Route, expect

BODY = "<p>One stays.</p>\n<p>Two is old.</p>\n<p>Three stays.</p>\n<p>Four is old.</p>"


class EditorsTab:
    """A tab of the desk with a key, and what was said on its console."""

    def __init__(self, context: BrowserContext, site: ServedArchive) -> None:
        self.site, self.page = site, context.new_page()
        self.said: list[str] = []
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("dialog", self._accept)

    def _note(self, message: ConsoleMessage) -> None:
        if not message.text.startswith("Failed to load resource"):  # a response that the page tells of itself
            self.said.append(message.text)

    def _accept(self, dialog: Dialog) -> None:
        self.said.append(f"dialog: {dialog.type}")
        dialog.accept()

    def open(self, query: str = "") -> Page:
        """Signs in where this tab has no key yet."""
        self.page.goto(f"{self.site.address}/desk{query}")
        field = self.page.get_by_label("API key")
        expect(field.or_(self.page.get_by_role("navigation", name="Desk"))).to_be_visible()
        if field.is_visible():
            field.fill(self.site.key)
            field.press("Enter")
        self.page.wait_for_load_state("networkidle")
        return self.page

    def open_article(self, article: dict[str, object], view: str = "") -> Page:
        page = self.open(f"?article={article['id']}{view}")
        expect(page.get_by_role("heading", level=1, name=str(article["title"]))).to_be_visible()
        return page


def make_article(site: ServedArchive, **fields: object) -> dict[str, object]:
    made: dict[str, object] = site.post("/v1/articles", {"title": "A story", "body": BODY, **fields}).json()
    return made


def read_article(site: ServedArchive, article: dict[str, object]) -> dict[str, object]:
    headers = {"Authorization": f"Bearer {site.key}"}
    shown: dict[str, object] = httpx.get(f"{site.address}/v1/articles/{article['id']}", headers=headers).json()
    return shown


def edit(site: ServedArchive, article: dict[str, object], **fields: object) -> dict[str, object]:
    """By somebody else."""
    edited: dict[str, object] = site.post(f"/v1/articles/{article['id']}", fields, "PATCH", **{"If-Match": "*"}).json()
    return edited


def save(page: Page, name: str = "Save") -> Locator:
    page.get_by_role("button", name=name, exact=True).click()
    return find_save_status(page)


def find_save_status(page: Page) -> Locator:
    """What the desk says of the last save: the one place whose "Saved." means that the server has confirmed it."""
    return page.get_by_role("group", name="Saving").get_by_role("status").first


@contextmanager
def hold_requests(page: Page, address: str) -> Iterator[list[Route]]:
    """Requests to addresses of this pattern, which are on their way until the end; all further ones are let through."""
    held: list[Route] = []
    page.route(address, lambda route: held.append(route))  # noqa: PLW0108 - a mark is set on it, which `append` cannot have
    yield held
    for route in held:
        route.continue_()
    page.unroute(address)


def confirm(page: Page, name: str) -> None:
    """The question that a dialog asks."""
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()
