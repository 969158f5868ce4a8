"""The guard: what may be connected to is judged by the address of each connection, whatever the name says."""

import socket
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import pytest

from app.importers.web.fetch import FetchError, HostThrottle
from app.importers.web.http_fetcher import FetchClock, HttpFetcher
from app.importers.web.ssrf_guard import is_public

PUBLIC = "93.184.216.34"
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

PRIVATE = (
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:0:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "nonsense",
)
OPEN = ("8.8.8.8", PUBLIC, "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")


class Wire(httpcore.NetworkBackend):
    """Notes where connections go, and responds with what was written down for each."""

    def __init__(self, *responses: bytes) -> None:
        self.responses, self.connected = list(responses), list[tuple[str, int]]()
        self.sent: list[bytes] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.connected.append((host, port))
        response = self.responses.pop(0)
        if not response:
            raise httpcore.ConnectError("nobody there")
        return Line(response, self.sent)


class Line(httpcore.MockStream):
    def __init__(self, response: bytes, sent: list[bytes]) -> None:
        super().__init__([response])
        self._sent = sent

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._sent.append(buffer)


def fetcher(wire: Wire, *responses: list[str], allow_private: bool = False) -> HttpFetcher:
    """One whose resolver gives these responses in turn, the last one for ever."""
    value: Iterator[list[str]] = iter([*responses[:-1], *[responses[-1]] * 20])
    clock = FetchClock(sleep=lambda _: None)
    return HttpFetcher(network=wire, resolve=lambda host, port: next(value), clock=clock, allow_private=allow_private)


def redirect(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_at_an_address_that_is_not_public_is_refused_before_any_connection(address: str) -> None:
    wire = Wire(FINE)
    with fetcher(wire, [address]) as fetch, pytest.raises(FetchError, match="not on the public internet"):
        fetch("http://news.example/feed")
    assert wire.connected == []


@pytest.mark.parametrize("address", OPEN)
def test_a_name_at_a_public_address_is_read_from_exactly_there(address: str) -> None:
    wire = Wire(FINE)
    with fetcher(wire, [address]) as fetch:
        assert fetch("http://news.example:8080/feed").body == b"ok"
    assert wire.connected == [(address, 8080)]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "127。0。0。1",
        "localhost",
        "localhost.",
        "a:b@127.0.0.1",
        "news.example@127.0.0.1",
    ],
)
def test_a_number_however_it_is_spelt_is_refused_by_the_machines_own_resolver(host: str) -> None:
    with (
        HttpFetcher(network=Wire()) as fetch,
        pytest.raises(FetchError, match=r"not on the public|is not known|not an address"),
    ):
        fetch(f"http://{host}/")


def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    wire = Wire(FINE)
    with fetcher(wire, [PUBLIC, "10.0.0.5"]) as fetch, pytest.raises(FetchError, match=r"is at 10\.0\.0\.5"):
        fetch("http://news.example/")
    assert wire.connected == []


def test_a_name_that_resolves_privately_the_second_time_is_not_asked_twice() -> None:
    wire = Wire(FINE)
    with fetcher(wire, [PUBLIC], ["127.0.0.1"]) as fetch:
        assert fetch("http://news.example/").status == 200
    assert wire.connected == [(PUBLIC, 80)]


def test_a_name_that_turns_private_between_two_fetches_is_refused_then() -> None:
    wire = Wire(FINE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), FINE)
    with fetcher(wire, [PUBLIC], ["127.0.0.1"]) as fetch:
        fetch("http://news.example/")
        with pytest.raises(FetchError, match="not on the public internet"):
            fetch("http://news.example/")
    assert wire.connected == [(PUBLIC, 80)]


def test_each_redirect_is_guarded_anew() -> None:
    wire = Wire(redirect("http://inside.example/admin"))
    with (
        fetcher(wire, [PUBLIC], ["192.168.0.1"]) as fetch,
        pytest.raises(FetchError, match=r"inside.example is at 192"),
    ):
        fetch("http://news.example/")
    assert wire.connected == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://news.example/", "gopher://127.0.0.1:70/", "//", "http://["]
)
def test_a_redirect_to_what_is_no_web_address_is_refused(target: str) -> None:
    with fetcher(Wire(*[redirect(target)] * 4), [PUBLIC]) as fetch, pytest.raises(FetchError):
        fetch("http://news.example/")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.example/", "news.example", "", "http://", "http:///x", "\0"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with fetcher(Wire(), [PUBLIC]) as fetch, pytest.raises(FetchError, match="not an address"):
        fetch(url)


@pytest.mark.parametrize("port", [22, 25, 53, 445])
def test_ports_of_other_services_are_refused(port: int) -> None:
    wire = Wire(FINE)
    with fetcher(wire, [PUBLIC]) as fetch, pytest.raises(FetchError, match="not one of the web"):
        fetch(f"http://news.example:{port}/")
    assert wire.connected == []


@pytest.mark.parametrize("port", [65_536, 65_536 + 22, 131_072 + 80])
@pytest.mark.parametrize("allow_private", [False, True])
def test_ports_that_there_are_none_of_are_refused(port: int, *, allow_private: bool) -> None:
    wire = Wire(FINE)
    with (
        fetcher(wire, [PUBLIC], allow_private=allow_private) as fetch,
        pytest.raises(FetchError, match=f"there is no port {port}"),
    ):
        fetch(f"http://news.example:{port}/")
    assert wire.connected == []


def test_a_second_address_is_tried_where_nobody_responds_at_the_first() -> None:
    wire = Wire(b"", FINE)
    with fetcher(wire, ["2606:4700::1111", PUBLIC]) as fetch:
        assert fetch("http://news.example/").body == b"ok"
    assert wire.connected == [("2606:4700::1111", 80), (PUBLIC, 80)]


def test_allow_private_reads_from_private_networks() -> None:
    wire = Wire(FINE)
    with fetcher(wire, ["192.168.0.1"], allow_private=True) as fetch:
        assert fetch("http://nas.example/").body == b"ok"
    assert wire.connected == [("192.168.0.1", 80)]


def test_an_unknown_name_is_said_at_once() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with (
        HttpFetcher(network=Wire(), resolve=unknown) as fetch,
        pytest.raises(FetchError, match=r"news\.example is not known"),
    ):
        fetch("http://news.example/")


def test_a_password_goes_to_its_own_host_only_and_is_never_shown() -> None:
    wire = Wire(redirect("http://other.example/"), FINE, FINE)
    with fetcher(wire, [PUBLIC]) as fetch:
        response = fetch("http://ann:secret@news.example/")
        again = fetch("http://news.example/more")
    requests = b"".join(wire.sent).split(b"GET ")[1:]
    assert [b"authorization: basic" in request.lower() for request in requests] == [True, False, True]
    assert (response.url, again.url) == ("http://other.example/", "http://news.example/more")


def test_a_failure_does_not_show_the_password() -> None:
    with fetcher(Wire(), ["10.0.0.1"]) as fetch, pytest.raises(FetchError) as failed:
        fetch("http://ann:secret@news.example/")
    assert "secret" not in f"{failed.value} {failed.value.url}"


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    wire = Wire(FINE)
    with fetcher(wire, [PUBLIC]) as fetch:
        fetch("http://news.example/")
    assert wire.connected == [(PUBLIC, 80)]


def test_what_is_no_address_is_not_public() -> None:
    assert not any(is_public(value) for value in ("", "localhost", "127.1", "1.2.3", "::g"))


def test_two_pages_of_one_public_host_are_asked_for_half_a_second_apart() -> None:
    slept: list[float] = []
    clock = FetchClock(now=lambda: 100.0, sleep=slept.append)
    closing = FINE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with HttpFetcher(
        network=Wire(closing, closing, closing), resolve=lambda host, port: [PUBLIC], clock=clock
    ) as fetch:
        for url in ("http://news.example/1", "http://other.example/", "http://news.example/2"):
            fetch(url)
    assert slept == [0.5]


def test_imports_of_one_host_at_the_same_time_keep_its_pace_together() -> None:
    slept: list[float] = []
    clock, pace = FetchClock(now=lambda: 100.0, sleep=slept.append), HostThrottle()
    for _ in range(3):
        with HttpFetcher(network=Wire(FINE), resolve=lambda host, port: [PUBLIC], clock=clock, pace=pace) as fetch:
            fetch("http://news.example/")
    assert slept == [0.5, 1.0]


def test_a_wait_that_a_host_asks_for_is_not_counted_as_time_that_it_takes() -> None:
    now = [100.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    busy = b"HTTP/1.1 429 Busy\r\nRetry-After: 200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    clock = FetchClock(now=lambda: now[0], sleep=sleep)
    with HttpFetcher(network=Wire(busy, FINE), resolve=lambda host, port: [PUBLIC], clock=clock) as fetch:
        assert fetch("http://news.example/").body == b"ok"
    assert now == [300.0]
