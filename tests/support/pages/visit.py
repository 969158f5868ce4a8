"""The explorer as a visitor has it open, and articles with what the sample articles lack."""

from __future__ import annotations

import re
import time

import httpx
from browsing import ServedArchive
from playwright.sync_api import BrowserContext, Page, Response

from support.pages.browser import PATIENCE

RTL = {
    "title": "كيف يقيس الناس الأمطار", "standfirst": "قصة قصيرة", "language": "ar", "status": "published",
    "body": "<p>المطر يقاس بالمليمترات.</p>", "regions": ["egypt"], "external_id": "rtl",
}  # fmt: skip


def add_samples(site: ServedArchive) -> None:
    """Other directions, corrections, translations, missing posts, long titles."""
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

    def site_total(self) -> str:
        """What `total` is of everything."""
        return f"{httpx.get(f'{self.site.address}/v1/search').json()['page']['total']} articles"
