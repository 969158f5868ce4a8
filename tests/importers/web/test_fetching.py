"""Fetching from a server on this machine that behaves in every bad way: redirects, bombs, trickles, lies, refusals."""

import gzip
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from support.websites import Handler, Site, make_handler, run_website

from app.importers.web.fetch import FetchError
from app.importers.web.http_fetcher import FetchClock, HttpFetcher


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    with run_website() as site:
        yield site


@pytest.fixture
def site(server: Site) -> Site:
    server.pages.clear()
    server.asked.clear()
    return server


class Watch:
    """A clock that sleeps in no time and remembers for how long it did."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.clock = FetchClock(
            now=self._read_clock, sleep=self._sleep, today=lambda: datetime(2025, 12, 3, 12, tzinfo=UTC)
        )

    def _read_clock(self) -> float:
        return time.monotonic() + sum(self.slept)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def fetch(watch: Watch) -> Iterator[HttpFetcher]:
    with HttpFetcher(allow_private=True, clock=watch.clock, max_bytes=100_000) as fetch:
        yield fetch


def in_turn(*responses: Callable[[Handler], None]) -> Callable[[Handler], None]:
    left = list(responses)

    def send(to: Handler) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(to)

    return send


def endlessly(piece: bytes, pause: float = 0.0) -> Callable[[Handler], None]:
    def send(to: Handler) -> None:
        to.send_response(200)
        to.end_headers()
        try:
            while True:
                to.wfile.write(piece)
                time.sleep(pause)
        except OSError:
            return

    return send


def test_a_response_comes_with_its_headers_and_who_asked_is_said(site: Site, fetch: HttpFetcher) -> None:
    site.pages["/"] = make_handler(body=gzip.compress(b"text"), content_encoding="gzip", ETag='"a"')
    result = fetch(site.url("/"), accept="application/json")
    assert (result.status, result.body, result.headers["etag"], result.url) == (200, b"text", '"a"', site.url("/"))
    requested = site.asked[0][1]
    assert requested["user-agent"].startswith("Dateline/")
    assert (requested["accept"], requested["accept-encoding"]) == ("application/json", "gzip")


def test_what_is_known_is_asked_for_conditionally(site: Site, fetch: HttpFetcher) -> None:
    site.pages["/"] = make_handler(304, b"")
    result = fetch(site.url("/"), known={"etag": 'W/"a"', "last-modified": "Wed, 03 Dec 2025 10:00:00 GMT", "x": "y"})
    assert (result.status, result.body) == (304, b"")
    requested = site.asked[0][1]
    assert (requested["if-none-match"], requested["if-modified-since"]) == ('W/"a"', "Wed, 03 Dec 2025 10:00:00 GMT")


def test_unchanged_is_no_response_to_who_has_nothing(site: Site, fetch: HttpFetcher) -> None:
    site.pages["/"] = make_handler(304, b"")
    with pytest.raises(FetchError, match="304"):
        fetch(site.url("/"))


def test_three_redirects_are_followed_and_four_are_not(site: Site, fetch: HttpFetcher) -> None:
    for number in range(4):
        site.pages[f"/{number}"] = make_handler(302, location=f"/{number + 1}")
    site.pages["/4"] = make_handler()
    assert fetch(site.url("/1")).url == site.url("/4")
    with pytest.raises(FetchError, match="redirects more than 3 times"):
        fetch(site.url("/0"))


def test_a_circle_of_redirects_ends(site: Site, fetch: HttpFetcher) -> None:
    site.pages["/"] = make_handler(301, location="/")
    with pytest.raises(FetchError, match="redirects"):
        fetch(site.url("/"))
    assert len(site.asked) == 4


@pytest.mark.parametrize("status", [204, 206, 300, 401, 403, 404, 410, 418])
def test_a_refusal_is_said_at_once_with_its_status(site: Site, fetch: HttpFetcher, status: int) -> None:
    site.pages["/"] = make_handler(status, b"")
    with pytest.raises(FetchError, match=f"answers {status}") as failed:
        fetch(site.url("/"))
    assert (failed.value.status, len(site.asked)) == (status, 1)


def test_a_busy_server_is_asked_again_when_it_wants(site: Site, fetch: HttpFetcher, watch: Watch) -> None:
    at = "Wed, 03 Dec 2025 12:00:30 GMT"
    site.pages["/"] = in_turn(
        make_handler(429, retry_after="7"), make_handler(503, retry_after=at), make_handler(500), make_handler()
    )
    assert fetch(site.url("/")).body == b"ok"
    assert [round(slept) for slept in watch.slept] == [7, 30, 4]


def test_a_server_that_stays_busy_is_given_up(site: Site, fetch: HttpFetcher, watch: Watch) -> None:
    site.pages["/"] = make_handler(503)
    with pytest.raises(FetchError, match="answers 503") as failed:
        fetch(site.url("/"))
    assert (failed.value.status, len(site.asked), [round(slept) for slept in watch.slept]) == (503, 4, [1, 2, 4])


def test_who_asks_for_an_hour_is_not_waited_for(site: Site, fetch: HttpFetcher, watch: Watch) -> None:
    site.pages["/"] = make_handler(429, retry_after="3600")
    with pytest.raises(FetchError, match="asks to wait 3600 seconds"):
        fetch(site.url("/"))
    assert (len(site.asked), watch.slept) == (1, [])


def test_an_endless_response_is_left_at_the_limit(site: Site, fetch: HttpFetcher) -> None:
    site.pages["/"] = endlessly(b"x" * 10_000)
    with pytest.raises(FetchError, match="larger than"):
        fetch(site.url("/"))


def test_a_length_beyond_the_limit_is_not_read_at_all(site: Site, fetch: HttpFetcher) -> None:
    site.pages["/"] = make_handler(body=b"x", content_length="100001")
    with pytest.raises(FetchError, match="larger than"):
        fetch(site.url("/"))


@pytest.mark.parametrize("levels", [1, 2])
def test_a_bomb_is_defused(site: Site, fetch: HttpFetcher, levels: int) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    site.pages["/"] = make_handler(body=bomb if levels == 1 else gzip.compress(bomb) * 500, content_encoding="gzip")
    with pytest.raises(FetchError, match="larger than"):
        fetch(site.url("/"))


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "gzip, gzip", "compress"])
def test_a_packing_that_was_not_asked_for_is_refused(site: Site, fetch: HttpFetcher, coding: str) -> None:
    site.pages["/"] = make_handler(content_encoding=coding)
    with pytest.raises(FetchError, match="packed as"):
        fetch(site.url("/"))


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"plain", "is not"), (gzip.compress(b"text" * 1000)[:-20], "ends in the middle")],
    ids=["not packed", "cut off"],
)
def test_broken_packing_is_said(site: Site, fetch: HttpFetcher, body: bytes, reason: str) -> None:
    site.pages["/"] = make_handler(body=body, content_encoding="gzip")
    with pytest.raises(FetchError, match=reason):
        fetch(site.url("/"))


def test_packing_in_several_members_is_read_whole(site: Site, fetch: HttpFetcher) -> None:
    packed = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0"
    site.pages["/"] = make_handler(body=packed, content_encoding="x-gzip")
    assert fetch(site.url("/")).body == b"one two"


def test_a_body_shorter_than_its_length_is_asked_for_again(site: Site, fetch: HttpFetcher) -> None:
    site.pages["/"] = in_turn(make_handler(body=b"half", content_length="8"), make_handler(body=b"whole"))
    assert fetch(site.url("/")).body == b"whole"


def test_a_body_longer_than_its_length_is_cut_there(site: Site, fetch: HttpFetcher) -> None:
    site.pages["/"] = make_handler(body=b"whole and more", content_length="5")
    assert fetch(site.url("/")).body == b"whole"


def test_what_is_no_http_is_a_failure(site: Site, fetch: HttpFetcher) -> None:
    def send(to: Handler) -> None:
        to.wfile.write(b"SSH-2.0-dropbear\r\n")

    site.pages["/"] = send
    with pytest.raises(FetchError, match="the connection failed"):
        fetch(site.url("/"))


def test_bytes_that_trickle_end_at_the_whole_bound(site: Site) -> None:
    site.pages["/body"] = endlessly(b"x", pause=0.02)

    def headers(to: Handler) -> None:
        try:
            to.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            for _ in range(100):
                to.wfile.write(b"x")
                time.sleep(0.02)
        except OSError:
            return

    site.pages["/headers"] = headers
    with HttpFetcher(allow_private=True, whole_seconds=0.2) as fetch:
        for path in ("/body", "/headers"):
            began = time.monotonic()
            with pytest.raises(FetchError, match="takes longer"):
                fetch(site.url(path))
            assert time.monotonic() - began < 1


def test_nobody_listening_is_a_failure_after_some_attempts(fetch: HttpFetcher, watch: Watch) -> None:
    with pytest.raises(FetchError, match="refused"):
        fetch("http://127.0.0.1:9/")
    assert len(watch.slept) == 3


def test_progress_is_told(site: Site, watch: Watch) -> None:
    reported: list[tuple[str, int]] = []
    site.pages["/"] = make_handler(body=b"x" * 90_000)
    with HttpFetcher(allow_private=True, clock=watch.clock, progress=lambda *now: reported.append(now)) as fetch:
        fetch(site.url("/"))
    assert reported[-1] == (site.url("/"), 90_000)
