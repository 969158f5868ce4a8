"""A real browser and an archive to look at, for tests of the pages and for their pictures.

The browser is the Chromium of the machine (Debian's package, or `CHROMIUM` names one); nothing is downloaded.
Playwright speaks to it directly, where Selenium would need the driver of the same version beside it, and knows what
these tests need: dark and light, small screens, cut networks, every request.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class ServedArchive:
    """A running server: its address, and a key with every scope."""

    address: str
    key: str

    def post(self, path: str, payload: object, method: str = "POST", **headers: str) -> httpx.Response:
        """A write that must succeed."""
        sent = {"Authorization": f"Bearer {self.key}"} | headers
        response = httpx.request(method, f"{self.address}{path}", json=payload, headers=sent, timeout=30)
        response.raise_for_status()
        return response

    def wait_for(self, response: httpx.Response) -> None:
        """Until the search index has what a write did."""
        seq = response.headers["x-seq"]
        httpx.get(f"{self.address}/v1/search", params={"limit": 1, "min_seq": seq}, timeout=30).raise_for_status()


def find_chromium() -> str | None:
    """Where the machine's Chromium is; None where it has none."""
    named = os.environ.get("CHROMIUM")
    return named or next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """The browser without a window. RuntimeError where there is none."""
    path = find_chromium()
    if path is None:
        raise RuntimeError("Chromium is not installed; on Debian and Ubuntu: apt install chromium")
    with sync_playwright() as playwright:
        # Its sandbox needs a user of its own, which containers and build machines have not. It is shown this server
        # only.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serve_archive(folder: Path, **settings: str) -> Iterator[ServedArchive]:
    """A server with the sample articles, in a new folder; ready when it is returned. `settings`: further ones."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0", "--seed", str(ROOT / "seed_data")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATELINE_")}
    environment |= {"DATELINE_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)} | settings
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        site = _read_site(process)
        _wait_until_ready(site)
        yield site
    finally:
        process.terminate()
        process.communicate()


def _read_site(process: subprocess.Popen[str]) -> ServedArchive:
    assert process.stdout is not None
    output = ""
    while True:
        line = process.stdout.readline()
        output += line
        address = re.search(r"http://127\.0\.0\.1:\d+", output)
        key = re.search(r"Admin key, shown this once: (\S+)", output)
        if address and key:
            return ServedArchive(address[0], key[1])
        if not line:
            raise RuntimeError(f"the server did not start: {output}")


def _wait_until_ready(site: ServedArchive) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if httpx.get(f"{site.address}/health/ready", timeout=5).status_code == 200:
            return
        time.sleep(0.1)
    raise RuntimeError("the server is not ready")
