"""What pages of other origins may send, as a browser asks for it before it sends anything."""

import httpx
import pytest
from conftest import Served, serve
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from app.http.middleware.cors import Cors
from app.settings import Settings

PAGE = "https://news.example"
TRACING = "traceparent, baggage, sentry-trace, prefer, x-requested-with, range"
TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789!#$%&'*+.^_`|~-", min_size=1, max_size=40)


async def ask(api: Served, origin: str, method: str, headers: str) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return await api.public.options("/v1/articles", headers=asked)


def read_preflight(origins: tuple[str, ...], names: list[str]) -> tuple[int, str | None]:
    asked = {
        "origin": PAGE,
        "access-control-request-method": "PATCH",
        "access-control-request-headers": ",".join(names),
    }
    headers = [(name.encode(), value.encode()) for name, value in asked.items()]
    scope: Scope = {"type": "http", "method": "OPTIONS", "path": "/v1/articles", "headers": headers, "state": {}}
    response = Cors(origins).render_preflight(scope)
    assert response is not None
    return response.status_code, response.headers.get("access-control-allow-headers")


@given(st.lists(TOKENS, min_size=1, max_size=10), st.sampled_from([("*",), (PAGE,)]))
def test_every_header_may_be_sent(names: list[str], origins: tuple[str, ...]) -> None:
    assert read_preflight(origins, names) == (200, ",".join(names))


@pytest.mark.anyio
async def test_preflight_is_kept_and_what_is_refused_is_a_problem(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings) as api:
        allowed = await ask(api, PAGE, "PATCH", TRACING)
        assert (allowed.status_code, allowed.headers["access-control-allow-headers"]) == (200, TRACING)
        assert allowed.headers["access-control-allow-origin"] == "*"
        assert allowed.headers["access-control-max-age"] == "86400"
        sheet = await api.public.get("/v1/tags?format=csv", headers={"Origin": PAGE})
        assert "Content-Disposition" in sheet.headers["access-control-expose-headers"]
        refused = await ask(api, PAGE, "TRACE", TRACING)
        assert (refused.status_code, refused.json()["code"]) == (400, "preflight_refused")
        assert refused.headers["content-type"] == "application/problem+json"
        assert "method" in refused.json()["detail"]


@pytest.mark.anyio
async def test_page_of_an_origin_that_is_not_named_may_send_nothing(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"cors_origins": (PAGE,)})) as api:
        assert (await ask(api, PAGE, "GET", TRACING)).headers["access-control-allow-origin"] == PAGE
        refused = await ask(api, "https://other.example", "GET", "accept")
        assert (refused.status_code, refused.json()["code"]) == (400, "preflight_refused")
        assert "access-control-allow-origin" not in refused.headers
