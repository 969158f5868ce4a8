"""The fast path of reads: only what declares it is on it, and nothing that FastAPI would do is left out unseen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from app.context import load_context, load_view
from app.errors import MissingScope, NotFound
from app.http import fast_path, problems
from app.http.api_route import ApiRoute
from app.http.fast_path import FastPath, FastPathError, build_table
from app.http.params.typed import Params
from app.main import FEATURES, create_app
from app.settings import Settings


def deny() -> None:
    """A guard."""
    raise MissingScope("admin")


class OtherRoute(APIRoute):
    """A route that would do something else."""


def application(*routers: APIRouter, **named: Any) -> FastAPI:
    app = FastAPI(openapi_url=None, telemetry={"tracing": False, "metrics": False, "logs": False}, **named)
    app.router.route_class = ApiRoute
    problems.install(app)
    for router in routers:
        app.include_router(router)
    return app


def list_responses(app: FastAPI, *paths: str) -> list[tuple[int, str]]:
    """Status and body of a GET each, with the fast path around the routes; the body says whether that was taken."""

    async def send() -> list[tuple[int, str]]:
        transport = httpx.ASGITransport(FastPath(app, app.routes, begin, BEGUN))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            matches = [await client.get(path) for path in paths]
            return [(one.status_code, one.text if one.is_success else one.json()["code"]) for one in matches]

    return asyncio.run(send())


async def load_nothing() -> None:
    """Stands for the dependencies of the archive."""


Nothing = Annotated[None, Depends(load_nothing)]
BEGUN = [load_nothing]


async def begin(request: Request) -> tuple[None, None]:
    return None, None


async def _tell(request: Request) -> Response:
    # FastAPI notes which of its routes was selected; the fast path has no need to.
    way = "slow" if "fastapi" in request.scope or "fastapi_astack" in request.scope else "fast"
    return Response(f"{way} {request.path_params.get('ref', '')}".strip())


def make_endpoint() -> Callable[..., Any]:
    """A new function each time, since a declaration belongs to the function."""

    async def tell(request: Request, context: Nothing, view: Nothing, params: Params) -> Response:
        return await _tell(request)

    return tell


def test_guarded_route_is_guarded_and_a_declared_one_is_not_kept_waiting() -> None:
    router = APIRouter(route_class=ApiRoute)
    router.get("/guarded", dependencies=[Depends(deny)])(make_endpoint())
    router.get("/guarded/{ref}", dependencies=[Depends(deny)])(make_endpoint())
    router.get("/plain")(make_endpoint())
    router.get("/fast")(fast_path.declare(make_endpoint()))
    router.get("/fast/{ref}")(fast_path.declare(make_endpoint()))
    app = application(router)
    assert list_responses(app, "/guarded", "/guarded/a", "/plain", "/fast", "/fast/a%20b", "/nothing") == [
        (403, "missing_scope"), (403, "missing_scope"), (200, "slow"), (200, "fast"), (200, "fast a b"),
        (404, "not_found"),
    ]  # fmt: skip


def test_guarded_route_in_the_archive_is_guarded(settings: Settings) -> None:
    app = create_app(settings)
    app.get("/v1/guarded", dependencies=[Depends(deny)])(make_endpoint())
    guarded = APIRouter(prefix="/v1/guarded", dependencies=[Depends(deny)])
    guarded.get("/{ref}")(make_endpoint())
    app.include_router(guarded)

    async def send() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            matches = [await client.get(path) for path in ("/v1/guarded", "/v1/guarded/a")]
        await app.state.archive.db.close()
        return [one.status_code for one in matches]

    assert asyncio.run(send()) == [403, 403]


def make_guarded_app(place: str) -> Callable[[], Any]:
    """An application with a declared route that has a dependency of some kind."""

    def build() -> object:
        guard = [Depends(deny)]
        router = APIRouter(route_class=ApiRoute, dependencies=guard if place == "router" else None)
        router.get("/a", dependencies=guard if place == "route" else None)(fast_path.declare(make_endpoint()))
        app = application(dependencies=guard if place == "app" else None)
        if place == "nested":
            outer = APIRouter(route_class=ApiRoute)
            outer.include_router(router, dependencies=guard)
            app.include_router(outer)
        elif place == "app itself":
            app.get("/b", dependencies=guard)(fast_path.declare(make_endpoint()))
        else:
            app.include_router(router, dependencies=guard if place == "include" else None)
        return FastPath(app, app.routes, begin, BEGUN)

    return build


@pytest.mark.parametrize("place", ["route", "router", "include", "nested", "app", "app itself"])
def test_declared_route_with_dependencies_ends_the_building(place: str) -> None:
    with pytest.raises(FastPathError, match="has dependencies: deny"):
        make_guarded_app(place)()


def test_declared_route_with_dependencies_ends_the_building_of_the_archive(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Feature:
        router = APIRouter(prefix="/v1", route_class=ApiRoute)

    Feature.router.get("/planted", dependencies=[Depends(deny)])(fast_path.declare(make_endpoint()))
    monkeypatch.setattr("app.main.FEATURES", (*FEATURES, Feature))
    with pytest.raises(FastPathError, match="/v1/planted is declared for the fast path, but has dependencies: deny"):
        create_app(settings)


def test_declared_route_that_asks_for_other_arguments_ends_the_building() -> None:
    async def take_more(request: Request, context: Nothing, view: Nothing, params: Params, ref: str) -> Response:
        return Response(ref)

    async def needs(
        request: Request, context: Nothing, view: Annotated[None, Depends(deny)], params: Params
    ) -> Response:
        return Response()

    async def take_less(request: Request) -> Response:
        return Response()

    def block(request: Request, context: Nothing, view: Nothing, params: Params) -> Response:
        return Response()

    wrong: list[tuple[Any, dict[str, Any]]] = [
        (take_more, {}), (needs, {}), (take_less, {}), (block, {}), (make_endpoint(), {"methods": ["GET", "POST"]}),
        (make_endpoint(), {"methods": ["PUT"]}),
    ]  # fmt: skip
    for endpoint, named in wrong:
        router = APIRouter(route_class=ApiRoute)
        router.add_api_route("/{ref}", fast_path.declare(endpoint), **{"methods": ["GET"], **named})
        with pytest.raises(FastPathError):
            build_table(application(router).routes, BEGUN)
    router = APIRouter(route_class=OtherRoute)
    router.get("/a")(fast_path.declare(make_endpoint()))
    with pytest.raises(FastPathError):
        build_table(application(router).routes, BEGUN)
    with pytest.raises(FastPathError):
        build_table([Route("/a", fast_path.declare(make_endpoint()))], BEGUN)


def test_route_that_comes_first_is_served_first() -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        raise NotFound()

    router = APIRouter(route_class=ApiRoute)
    router.get("/a/own", dependencies=[Depends(deny)])(make_endpoint())
    router.get("/a/{ref}/b", dependencies=[Depends(deny)])(make_endpoint())
    router.get("/a/{ref}")(fast_path.declare(make_endpoint()))
    router.get("/a/late", dependencies=[Depends(deny)])(make_endpoint())
    router.get("/{ref}/c", dependencies=[Depends(deny)])(make_endpoint())
    router.get("/d/{ref}")(fast_path.declare(make_endpoint()))
    router.get("/{ref:path}", dependencies=[Depends(deny)])(make_endpoint())
    router.get("/e")(fast_path.declare(make_endpoint()))
    router.get("/e/{ref}")(fast_path.declare(make_endpoint()))
    app = application(router)
    app.router.routes.append(Mount("/f", refuse))
    denied = (403, "missing_scope")
    assert list_responses(app, "/a/own", "/a/x/b", "/a/late", "/d/c", "/d/x", "/e", "/e/x", "/f/x", "/x") == [
        denied, denied, (200, "fast late"), denied, (200, "fast x"), denied, denied, denied, denied,
    ]  # fmt: skip


def test_function_in_a_guard_of_its_own_runs_with_it() -> None:
    def add_guard(endpoint: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(endpoint)
        async def check(*args: Any, **named: Any) -> Response:
            raise MissingScope("admin")

        return check

    router = APIRouter(route_class=ApiRoute)
    router.get("/a")(add_guard(fast_path.declare(make_endpoint())))
    assert list_responses(application(router), "/a") == [(403, "missing_scope")]


def test_hot_reads_are_on_the_fast_path_and_the_rest_is_not(settings: Settings) -> None:
    app = create_app(settings)
    table = build_table(app.routes, (load_context, load_view))
    declared = [path for path, target in table.paths.items() if target.endpoint is not None]
    declared += [getattr(target.route, "path", "") for _, target in table.patterns if target.endpoint is not None]
    assert sorted(declared) == sorted(
        [
            "/v1/articles", "/v1/articles/{ref}", "/v1/articles/{ref}/related", "/v1/articles/{ref}/neighbours",
            "/v1/articles/{ref}/translations", "/v1/changes", "/v1/regions", "/v1/regions/tree", "/v1/regions/{ref}",
            "/v1/resolve", "/v1/search", "/v1/suggest", "/v1/tags", "/v1/tags/{ref}", "/v1/timeline", "/v1/trending",
            "/feeds/articles.{format}", "/feeds/searches/{slug}.{format}", "/feeds/{kind}/{slug}.{format}",
        ]
    )  # fmt: skip
    assert len(table.patterns) == 9, "every pattern more is tried for each request behind it"
    asyncio.run(app.state.archive.db.close())
