"""One request to an endpoint that does what it should not: bounded in time and bytes, never redirected, never to where
nobody may send."""

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpcore
import pytest
from support.webhooks.receivers import Receiver, close_after_status, find_closed_port, respond_with, run_receiver

from app.sync.webhooks.http_client import HttpClient
from app.sync.webhooks.messages import DeliveryResult, Message, NotSent

MESSAGE = Message({"webhook-id": "msg_1"}, b'{"type":"x"}')


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with run_receiver() as running:
        yield running


def post(url: str, **options: Any) -> DeliveryResult:
    client = HttpClient(**{"allow_private": True, "whole_seconds": 1.0, **options})
    try:
        return client.post(url, lambda: MESSAGE)
    finally:
        client.close()


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_success_is_one(receiver: Receiver, status: int) -> None:
    receiver.respond = respond_with(status)
    outcome = post(receiver.url)
    assert (outcome.status, outcome.error) == (status, None)
    headers = receiver.received[-1].headers
    assert (headers["content-type"], headers["webhook-id"]) == ("application/json", "msg_1")
    assert receiver.received[-1].body == MESSAGE.body


def test_response_that_breaks_off_behind_its_status_counts_as_that(receiver: Receiver) -> None:
    receiver.respond = close_after_status
    assert post(receiver.url).error is None


def test_large_response_is_not_read(receiver: Receiver) -> None:
    receiver.respond = respond_with(200, b"x" * 10_000_000)
    outcome = post(receiver.url)
    assert (outcome.status, outcome.error) == (200, None)


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "http://169.254.169.254/latest/", "/elsewhere"])
def test_redirect_is_a_failure_and_not_followed(receiver: Receiver, target: str) -> None:
    receiver.respond = respond_with(307, Location=target)
    before = len(receiver.received)
    outcome = post(receiver.url)
    assert (outcome.status, outcome.error) == (307, "the receiver redirects (307), which is not followed")
    assert len(receiver.received) == before + 1


def test_slow_response_ends_in_time(receiver: Receiver) -> None:
    def wait(handler: BaseHTTPRequestHandler, received: object) -> None:
        time.sleep(2)

    receiver.respond = wait
    began = time.monotonic()
    assert post(receiver.url).error == "no response within 1 seconds"
    assert time.monotonic() - began < 1.5


def test_response_in_drops_ends_in_time(receiver: Receiver) -> None:
    def drip(handler: BaseHTTPRequestHandler, received: object) -> None:
        for sign in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100:
            handler.wfile.write(bytes([sign]))
            handler.wfile.flush()
            time.sleep(0.05)

    receiver.respond = drip
    began = time.monotonic()
    assert post(receiver.url).error == "no response within 1 seconds"
    assert time.monotonic() - began < 1.6


@pytest.mark.parametrize(("retry_after", "seconds"), [("17", 17.0), ("soon", None), ("99999999999", None)])
def test_retry_after_is_read(receiver: Receiver, retry_after: str, seconds: float | None) -> None:
    receiver.respond = respond_with(429, Retry_After=retry_after)
    outcome = post(receiver.url)
    assert (outcome.status, outcome.retry_after) == (429, seconds)


def test_nobody_listens() -> None:
    outcome = post(f"http://127.0.0.1:{find_closed_port()}/")
    assert outcome.status is None
    assert "Connection refused" in (outcome.error or "")


def test_what_is_no_http_is_a_failure(receiver: Receiver) -> None:
    def talk(handler: BaseHTTPRequestHandler, received: object) -> None:
        handler.wfile.write(b"220 mail.example ESMTP\r\n")
        handler.close_connection = True

    receiver.respond = talk
    assert post(receiver.url).error == "the connection ended without an HTTP response"


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "http://inside.example:{port}/", "http://[::1]:{port}/"])
def test_private_address_is_refused_by_where_it_leads(receiver: Receiver, url: str) -> None:
    before = len(receiver.received)
    resolve = lambda host, port: [{"inside.example": "127.0.0.1"}.get(host, host)]  # noqa: E731 -- it is that short
    outcome = post(url.format(port=receiver.server.server_port), allow_private=False, resolve=resolve)
    assert "public internet" in (outcome.error or "")
    assert len(receiver.received) == before


@pytest.mark.parametrize("url", ["http://256.256.256.256/", "http://[v1.x]/", "http://a.example:80:80/"])
def test_address_that_nobody_can_read_is_a_failure(url: str) -> None:
    assert (post(url).error or "").startswith("not an address: ")


class SlowNetwork(httpcore.SyncBackend):
    """Takes its time to connect; `steps` says what happened when."""

    def __init__(self, steps: list[str]) -> None:
        super().__init__()
        self._steps = steps

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        stream = super().connect_tcp(*args, **kwargs)
        time.sleep(0.2)
        self._steps.append("connected")
        return stream


def test_message_is_made_when_the_connection_stands(receiver: Receiver) -> None:
    receiver.respond = respond_with(204)
    steps: list[str] = []
    client = HttpClient(allow_private=True, network=SlowNetwork(steps))

    def make() -> Message:
        steps.append("made")
        return MESSAGE

    assert client.post(receiver.url, make).error is None
    assert client.post(receiver.url, make).error is None
    client.close()
    assert steps == ["connected", "made", "made"], "the connection is kept, the message is not"


def test_what_is_not_to_be_sent_any_more_is_not_sent(receiver: Receiver) -> None:
    before = len(receiver.received)
    client = HttpClient(allow_private=True)

    def make() -> Message:
        raise NotSent

    with pytest.raises(NotSent):
        client.post(receiver.url, make)
    receiver.respond = respond_with(204)
    assert client.post(receiver.url, lambda: MESSAGE).error is None
    client.close()
    assert len(receiver.received) == before + 1


def test_endpoint_that_resets_the_connection_is_a_failure() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        client = HttpClient(allow_private=True, whole_seconds=1)
        outcome = client.post(f"http://127.0.0.1:{listening.getsockname()[1]}/", lambda: MESSAGE)
        client.close()
    assert (outcome.status, outcome.error) == (None, "no response within 1 seconds")
