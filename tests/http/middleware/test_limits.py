"""Rate limits as clients meet them, with a clock that tests move, and through the whole application."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

import httpx
import pytest
from conftest import serve
from fastapi import FastAPI
from hypothesis import given, strategies as st
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from app.http import auth
from app.http.middleware.access_log import RequestTally
from app.http.middleware.cors import Cors
from app.http.middleware.errors_and_timing import ErrorsAndTiming
from app.http.middleware.rate_limit import MINUTE, SECOND, RateCounters, RateLimit, TokenBuckets, hash_key
from app.http.server.client_address import ClientAddresses
from app.settings import Settings

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")]
SECRET = "A" * 43


@dataclass
class ManualClock:
    """Nanoseconds that pass only when told to."""

    now: int = 1_000 * MINUTE

    def __call__(self) -> int:
        return self.now


def limit_requests(clock: ManualClock, per_minute: int) -> RateLimit:
    app = FastAPI(openapi_url=None, telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/shared")
    async def get_shared() -> Response:
        return Response(headers={"Cache-Control": "public, max-age=30"})

    @app.get("/{path:path}")
    async def own(request: Request) -> Response:
        return Response(headers={"Cache-Control": "private, no-cache"})

    return RateLimit(app, RateCounters(per_minute, PROXIES, clock=clock))


def get(app: RateLimit, path: str = "/", peer: str = "192.0.2.1", **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(ErrorsAndTiming(app, RequestTally(), Cors(["*"])), client=(peer, 5))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.get(path, headers=named)

    return asyncio.run(send())


def scope(peer: str, *forwarded: str) -> Scope:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"type": "http", "client": (peer, 5), "headers": headers}


def statuses(responses: Sequence[httpx.Response]) -> list[int]:
    return [response.status_code for response in responses]


def test_request_over_the_allowance_is_a_problem_that_says_when_to_come_back() -> None:
    app = limit_requests(ManualClock(), 3)
    assert statuses([get(app) for _ in range(3)]) == [200, 200, 200]
    refused = get(app)
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    assert (refused.json()["code"], refused.json()["request_id"]) == ("rate_limited", refused.headers["x-request-id"])
    assert refused.headers["retry-after"] == "20"
    assert refused.headers["ratelimit"] == '"default";r=0;t=20'
    assert refused.headers["ratelimit-policy"] == '"default";q=3;w=60'
    assert refused.headers["cache-control"] == "no-store"


def test_client_that_waits_as_told_is_served_and_one_that_does_not_is_not() -> None:
    clock = ManualClock()
    app = limit_requests(clock, 3)
    assert statuses([get(app) for _ in range(4)])[-1] == 429
    clock.now += 20 * SECOND - 1
    assert get(app).status_code == 429
    clock.now += 1
    assert statuses([get(app), get(app)]) == [200, 429]


def test_private_responses_say_what_is_left_and_shared_ones_do_not() -> None:
    app = limit_requests(ManualClock(), 5)
    private, get_shared, again = get(app), get(app, "/shared"), get(app)
    assert private.headers["ratelimit"] == '"default";r=4;t=12'
    assert private.headers["ratelimit-policy"] == '"default";q=5;w=60'
    assert not {"ratelimit", "ratelimit-policy"} & set(get_shared.headers)
    assert again.headers["ratelimit"] == '"default";r=2;t=12'


def test_health_and_metrics_are_not_counted_and_their_namesakes_are() -> None:
    app = limit_requests(ManualClock(), 1)
    free = [get(app, path) for path in ("/health", "/health/live", "/metrics", "/health/ready")]
    assert statuses(free) == [200] * 4
    assert not any("ratelimit" in response.headers for response in free)
    assert statuses([get(app, "/healthy"), get(app, "/v1/health/live")]) == [200, 429]


@pytest.mark.parametrize(("peer", "served_count"), [("198.51.100.7", 60), ("10.0.0.7", 1000)])
def test_rotating_forwarded_addresses_are_one_client_unless_a_trusted_proxy_names_them(
    peer: str, served_count: int
) -> None:
    app = limit_requests(ManualClock(), 60)
    transport = httpx.ASGITransport(app, client=(peer, 5))

    async def send() -> list[int]:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            claims = [f"203.0.{number // 250}.{number % 250}" for number in range(1000)]
            sent = [
                await client.get("/", headers={"X-Forwarded-For": one, "Forwarded": f"for={one}"}) for one in claims
            ]
            return statuses(sent)

    responses = asyncio.run(send())
    assert (responses.count(200), responses.count(429)) == (served_count, 1000 - served_count)
    assert get(app, peer="198.51.100.8").status_code == 200


def test_addresses_that_a_trusted_proxy_names_are_clients_of_their_own() -> None:
    app = limit_requests(ManualClock(), 1)
    responses = [get(app, peer="10.0.0.1", x_forwarded_for=f"1.1.1.1, 203.0.113.{last}") for last in (1, 2, 1)]
    assert statuses(responses) == [200, 200, 429]


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9, 10.9.9.9 ,10.1.1.1"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.9", "10.9.9.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.2.2.2, 10.3.3.3"], "10.2.2.2"),
        ("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, 10.3.3.3, "], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, 10.3.3.3, 1.2.3.4" + "4" * 60], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, " + ", ".join(["10.3.3.3"] * 20)], "10.3.3.3"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8:1:2:3::4]:4711"], "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("2001:db8:ffff::1", ["203.0.113.9"], "203.0.113.9"),
        ("2001:db8:1:2::1", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("somewhere", ["203.0.113.9"], "somewhere"),
    ],
)
def test_client_is_the_right_most_address_that_no_trusted_proxy_has(
    peer: str, forwarded: list[str], counted: str
) -> None:
    assert ClientAddresses(PROXIES).find_address(scope(peer, *forwarded)) == counted


def test_request_without_a_peer_address_is_counted_too() -> None:
    assert (
        ClientAddresses(PROXIES).find_address(
            {"type": "http", "client": None, "headers": [(b"x-forwarded-for", b"1.1.1.1")]}
        )
        == ""
    )


@given(st.ip_addresses(), st.lists(st.text(alphabet="0123456789abcdef.:[]%, \xff", max_size=30), max_size=5))
def test_nothing_that_an_untrusted_peer_sends_changes_who_it_is(peer: object, sent: list[str]) -> None:
    plain = ClientAddresses(()).find_address(scope(str(peer)))
    assert ClientAddresses(()).find_address(scope(str(peer), *sent)) == plain
    ClientAddresses([ip_network("0.0.0.0/0"), ip_network("::/0")]).find_address(scope(str(peer), *sent))


@given(st.integers(1, 1_000_000), st.lists(st.integers(0, 2 * MINUTE), max_size=50))
def test_any_pattern_of_requests_gets_its_share_and_what_it_was_told(per_minute: int, pauses: list[int]) -> None:
    clock = ManualClock()
    buckets = TokenBuckets(per_minute, 10, clock)
    start, allowed = clock.now, 0
    for pause in pauses:
        clock.now += pause
        standing = buckets.take("a")
        allowed += standing.allowed
        assert allowed <= per_minute + (clock.now - start) * per_minute / MINUTE + 1
        assert standing.allowed or standing.remaining == 0
        assert 0 <= standing.remaining < per_minute
        assert 1 <= standing.seconds <= 60
        if not standing.allowed:
            clock.now += standing.seconds * SECOND
            assert buckets.take("a").allowed
            allowed += 1


@given(st.integers(1, 200), st.integers(0, MINUTE))
def test_what_is_said_to_remain_is_exactly_what_is_served(per_minute: int, pause: int) -> None:
    clock = ManualClock()
    buckets = TokenBuckets(per_minute, 10, clock)
    for _ in range(per_minute):
        assert buckets.take("a").allowed
    clock.now += pause
    first = buckets.take("a")
    served = sum(buckets.take("a").allowed for _ in range(per_minute + 1))
    assert served == first.remaining


def test_number_of_clients_is_bounded_and_the_longest_silent_goes_first() -> None:
    buckets = TokenBuckets(1, 3, ManualClock())
    for name in ("a", "b", "c", "a", "d"):
        buckets.take(name)
    assert len(buckets) == 3
    assert [name in buckets for name in "abcd"] == [True, False, True, True]


@pytest.mark.parametrize("written", [f"Bearer dl_7_{SECRET}", f"bEARER  dl_7_{SECRET} ", f"Bearer dl_0007_{SECRET}"])
def test_key_has_one_name_in_whatever_way_it_is_written(written: str) -> None:
    name = hash_key(f"Bearer dl_7_{SECRET}".encode())
    assert name
    assert SECRET not in name
    assert hash_key(written.encode()) == name
    assert hash_key(f"Bearer dl_70_{SECRET}".encode()) != name


@pytest.mark.parametrize("written", [None, b"", b"Bearer", b"Bearer dl_7_short", b"Basic dXNlcjpwYXNz", b"\xff \xff"])
def test_what_is_no_key_has_no_name(written: bytes | None) -> None:
    assert hash_key(written) is None


def client(app: FastAPI, peer: str, key: str | None = None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    transport = httpx.ASGITransport(app, client=(peer, 5))
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers)


async def ask(sender: httpx.AsyncClient, times: int, path: str = "/v1/articles") -> list[int]:
    return statuses([await sender.get(path) for _ in range(times)])


@pytest.mark.anyio
async def test_good_keys_at_one_address_have_allowances_of_their_own(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"rate_limit": 4})) as served:
        keys = [(await served.db.write(auth.create_key, name, ("write",))).value for name in ("one", "two")]
        one, two = (client(served.app, "192.0.2.1", key) for key in keys)
        assert await ask(one, 5) == [200, 200, 200, 200, 429]
        assert await ask(two, 5) == [200, 200, 200, 200, 429]
        assert await ask(client(served.app, "192.0.2.1"), 3) == [200, 200, 429]
        assert await ask(client(served.app, "198.51.100.1", keys[0]), 1) == [429]


@pytest.mark.anyio
async def test_made_up_keys_are_at_the_expense_of_their_address(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"rate_limit": 6})) as served:
        guesses = [client(served.app, "192.0.2.1", f"dl_1_{number:043}") for number in range(4)]
        assert [await ask(guess, 1) for guess in guesses] == [[401]] * 4
        # Where no key is looked at, a bad one must not pass for a good one.
        assert await ask(guesses[0], 3, "/problems") == [200, 200, 429]
        assert await ask(client(served.app, "192.0.2.1"), 1) == [429]


@pytest.mark.anyio
async def test_revoked_key_falls_back_to_its_address(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"rate_limit": 4})) as served:
        key = (await served.db.write(auth.create_key, "one", ("write",))).value
        sender, public = client(served.app, "192.0.2.1", key), client(served.app, "192.0.2.1")
        assert await ask(sender, 1) == [200]
        await served.db.write(auth.revoke_key, int(key.split("_")[1]))
        assert await ask(sender, 1) == [401]
        assert await ask(public, 3) == [200, 200, 429]
        assert await ask(sender, 1) == [429]


@pytest.mark.anyio
async def test_refusal_can_be_read_by_browsers_and_preflights_are_free(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"rate_limit": 1})) as served:
        sender = client(served.app, "192.0.2.1")
        requested = {"Origin": "https://news.example", "Access-Control-Request-Method": "GET"}
        assert statuses([await sender.options("/v1/articles", headers=requested) for _ in range(3)]) == [200] * 3
        assert await ask(sender, 1) == [200]
        refused = await sender.head("/v1/articles", headers={"Origin": "https://news.example"})
        assert (refused.status_code, refused.content) == (429, b"")
        assert refused.headers["access-control-allow-origin"] == "*"
        assert "Retry-After" in refused.headers["access-control-expose-headers"]


@pytest.mark.anyio
async def test_without_a_limit_nothing_is_counted_or_said(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as served:
        responses = [await served.editor.get("/v1/articles") for _ in range(30)]
        assert set(statuses(responses)) == {200}
        assert "ratelimit" not in responses[-1].headers


def test_networks_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1,2001:db8::/32")
    read = Settings().trusted_proxies
    assert [str(network) for network in read] == ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]


@pytest.mark.parametrize("wrong", ["10.0.0.1/8", "nginx", "10.0.0.0/8;192.0.2.1", "*"])
def test_what_is_no_network_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATELINE_TRUSTED_PROXIES", wrong)
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings()
