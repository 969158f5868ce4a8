"""Reading addresses on the web: what importers may ask for, and what they get. Nothing private is ever read."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A response with status 200, or 304 with an empty body where `known` says that the caller has it.

    `url` is the address after redirects; header names are in lower case; the body is decompressed, and whole.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class FetchError(Exception):
    """An address that could not be read, with a reason for people. `status` is the last response's, 0 where none
    came."""

    def __init__(self, url: str, reason: str, status: int = 0) -> None:
        self.url, self.reason, self.status = url, reason, status
        super().__init__(f"{url}: {reason}")


class HostThrottle:
    """When each host may be asked next, for all that read addresses at the same time, in whatever threads. Moments are
    those of one clock."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def reserve(self, host: str, now: float) -> float:
        """The seconds to wait; whoever asks after this waits for PAUSE_SECONDS more."""
        with self._lock:
            moment = max(now, self._next.get(host, now))
            self._next[host] = moment + PAUSE_SECONDS
        return moment - now

    def postpone(self, host: str, moment: float) -> None:
        """As the host wants it, or as it needs it."""
        with self._lock:
            self._next[host] = moment


class Fetch(Protocol):
    """Reads one address, politely: at the host's pace, again after 429 and 5xx as long as that is reasonable, within
    bounds of time and size, and never from a private network unless that is allowed. FetchError otherwise."""

    def __call__(self, url: str, *, accept: str = "*/*", known: Mapping[str, str] | None = None) -> FetchedPage: ...


def read_charset(content_type: str) -> str | None:
    """The encoding that the header Content-Type names; None where it names none."""
    for part in content_type.split(";")[1:]:
        name, _, value = part.partition("=")
        # RFC 9110, section 8.3.1: the name in whatever case, the value with quotes or without. Cut: jobs store it.
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")[:40] or None
    return None
