"""What is not public changes nothing that others can see: two archives, one of them with hidden articles, through every
door. Equal is equal to the byte, headers too; what may differ is named."""

import asyncio
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
import pytest
from conftest import ENGINES, Served, _administer, serve
from sqlmodel import Session
from starlette.types import ASGIApp
from support import search_archive
from support.leaks import doors
from support.leaks.doors import ask
from support.leaks.leak_archive import (
    HIDDEN_REGION,
    ONCE_PUBLIC,
    REASON,
    SITE,
    Hidden,
    never_public,
    once_public,
    point_to,
    public,
    purge,
)
from support.processes import serve_by_workers

from app.articles import service
from app.articles.filters import ArticleFilter
from app.changes import log
from app.db.database import Database
from app.http import auth
from app.regions import service as regions
from app.settings import Settings

pytestmark = pytest.mark.anyio

Json = dict[str, object] | list[object]
Hide = Callable[[Session, int], list[Hidden]]
Serve = Callable[[Settings], AbstractAsyncContextManager[Served]]


@dataclass(frozen=True)
class Pair:
    """An archive, and the same one with hidden articles; keys are good for both. `since` is before all articles."""

    without: Served
    with_: Served
    ids: Sequence[int]
    hidden: Sequence[Hidden]
    keys: dict[str, dict[str, str]]
    since: str

    def __repr__(self) -> str:
        return f"Pair({[one.state for one in self.hidden]})"


@dataclass(frozen=True)
class Places:
    """Where the two archives are; `copy` makes the second from the first, which nobody has open."""

    first: Settings
    second: Settings
    copy: Callable[[], object]


def _settings(folder: Path, url: str = "") -> Settings:
    return Settings(data_dir=folder, database_url=url, site_url=SITE, index_interval=0.02, index_heap_mb=15)


def _files(template: Path, folder: Path) -> Places:
    first, second = folder / "without", folder / "with"
    first.mkdir()
    shutil.copy(template, first / "dateline.db")
    return Places(_settings(first), _settings(second), lambda: shutil.copytree(first, second))


@contextmanager
def _databases(server: str, template: str, folder: Path) -> Iterator[Places]:
    first, second = (f"dateline_{uuid4().hex[:12]}" for _ in range(2))
    _administer(server, f"CREATE DATABASE {first} TEMPLATE {template}")
    try:
        yield Places(
            _settings(folder / "without", server.format(first)),
            _settings(folder / "with", server.format(second)),
            lambda: _administer(server, f"CREATE DATABASE {second} TEMPLATE {first}"),
        )
    finally:
        for name in (first, second):
            _administer(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _pair(stack: AsyncExitStack, places: Places, hide: Hide, serve: Serve = serve) -> Pair:
    now = int(time.time())
    db = Database(places.first, log.append)
    with db.snapshot() as snapshot:
        since = log.head(snapshot).position.token
    ids = db.write_now(public, now).value
    scopes = {"write": ("write",), "read_drafts": ("read_drafts",), "all_but_drafts": ("write", "publish", "admin")}
    keys = {name: db.write_now(auth.create_key, name, value).value for name, value in scopes.items()}
    with db.snapshot() as snapshot:
        place = regions.atlas(snapshot.connection).by_slug[HIDDEN_REGION].id
    await search_archive.save_searches(
        db,
        places.first,
        ("zorbing-news", "zorbing", ArticleFilter(), True),
        ("hidden-place", "", ArticleFilter(regions=(place,), roles=7), True),
        ("private-news", "zorbing council", ArticleFilter(), False),
    )
    await db.reader.close()
    db.close_now()
    places.copy()
    db = Database(places.second, log.append)
    hidden = db.write_now(hide, now).value
    if hide is never_public:
        db.write_now(point_to, hidden, ids)
    else:
        db.write_now(purge, hidden, now)
    db.close_now()
    without, with_ = [await stack.enter_async_context(serve(one)) for one in (places.first, places.second)]
    bearers = {name: {"Authorization": f"Bearer {key}"} for name, key in keys.items()}
    for api in (without, with_):
        await _wait_for_index(api)
        await _wait_for_searches(api)
        await _wait_for_drafts(api, bearers["read_drafts"])
    return Pair(without, with_, ids, hidden, bearers, since)


async def _wait_for_index(api: Served) -> None:
    while b'"index_lag":0' not in (await ask(api.app, "/health/ready")).body:  # noqa: ASYNC110 -- as a client would
        await asyncio.sleep(0.01)


async def _wait_for_searches(api: Served) -> None:
    """Until all that is public is matched with saved searches."""
    while True:
        [head, matched] = [
            (await ask(api.app, address)).header("x-seq") or ""
            for address in ("/v1/tags", "/v1/changes?search=hidden-place")
        ]
        if matched.partition(".")[0] == head:
            return
        await asyncio.sleep(0.01)


async def _wait_for_drafts(api: Served, key: dict[str, str]) -> None:
    """Until their index has every row, too."""
    seq = (await ask(api.app, "/v1/articles?status=draft", key)).header("x-seq")
    for _ in range(30):
        if (await ask(api.app, f"/v1/articles?status=draft&q=grain&min_seq={seq}", key)).status == 200:
            return
    pytest.fail("the index of drafts is not there")


@pytest.fixture(scope="module")
async def secret(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """The hidden ones were never public."""
    async with AsyncExitStack() as stack:
        yield await _pair(stack, _files(sqlite_template, tmp_path_factory.mktemp("secret")), never_public)


@pytest.fixture(scope="module")
async def public_once(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """The hidden ones were public once."""
    async with AsyncExitStack() as stack:
        yield await _pair(stack, _files(sqlite_template, tmp_path_factory.mktemp("seen")), once_public)


async def find_difference(pair: Pair, addresses: Iterable[str], headers: dict[str, str], *but: str) -> str:
    """The addresses at which the two archives can be told apart, with both responses; the public asks twice, the second
    time of what is in memory. What moves with the clock gets another try."""
    result, times = [], 1 if headers else 2
    for address in addresses:
        for _ in range(3):
            responses = [
                [(await ask(one.app, address, headers)).without_time().without_names(*but) for _ in range(times)]
                for one in (pair.without, pair.with_)
            ]
            if responses[0] == responses[1]:
                break
        else:
            result.append(f"{address}\n    {responses[0]}\n    {responses[1]}")
    return "\n".join(result)


async def send(
    app: ASGIApp, method: str, address: str, headers: dict[str, str], body: object
) -> doors.ComparedResponse:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        named = {**headers, "X-Request-Id": "same"}
        got = await client.request(method, address, headers=named, content=orjson.dumps(body) if body else None)
    shown = sorted((name, value) for name, value in got.headers.items() if name not in ("server-timing", "x-seq"))
    return doors.ComparedResponse(got.status_code, tuple(shown), got.content)


def naming_nothing(pair: Pair) -> list[str]:
    return [*doors.PLAIN, *doors.of_public(pair.ids)]


def list_addresses(pair: Pair, *hidden: Hidden) -> list[str]:
    return [a for one in hidden for a in (*doors.attempts(one), *doors.attempts_to_follow(one, pair.since))]


@pytest.mark.slow
async def test_public_cannot_tell_that_there_are_hidden_articles(secret: Pair) -> None:
    draft, scheduled, shelved, deleted, binned = secret.hidden
    addresses = [*naming_nothing(secret), *doors.FOLLOWING, *list_addresses(secret, draft, deleted, binned)]
    addresses += [a for one in (scheduled, shelved) for a in (*doors.items(one), *doors.lists(one))]
    result = await find_difference(secret, addresses, {})
    assert not result, result


async def test_key_without_the_scope_learns_no_more_than_the_public(secret: Pair) -> None:
    addresses = [
        *naming_nothing(secret),
        *doors.FOLLOWING,
        *list_addresses(secret, secret.hidden[0], secret.hidden[-1]),
    ]
    result = await find_difference(secret, addresses, secret.keys["write"])
    assert not result, result


async def test_caches_stay_good_while_only_drafts_are_written(secret: Pair) -> None:
    addresses = [*naming_nothing(secret), *doors.items(secret.hidden[0])]
    # A trend's window moves with the clock, and the cursor of a search holds it.
    lasting = [address for address in addresses if not re.search("/trending|/search.*limit=[23]", address)]
    known = {address: (await ask(secret.with_.app, address)).header("etag") for address in lasting}
    edited = secret.hidden[0].manuscript(1, "draft", at=None, edition="at work")
    await secret.with_.db.write(service.upsert, [edited], now=int(time.time()), site_url=SITE)
    await _wait_for_index(secret.with_)
    await _wait_for_drafts(secret.with_, secret.keys["read_drafts"])
    for address, etag in known.items():
        for method in ("GET", "HEAD") if etag else ():
            again = await ask(secret.with_.app, address, {"If-None-Match": str(etag)}, method=method)
            assert (again.status, again.body) == (304, b""), address


async def test_key_with_the_scope_sees_what_is_hidden(secret: Pair) -> None:
    app, key = secret.with_.app, secret.keys["read_drafts"]
    states = "status=draft,scheduled,withdrawn,trashed"
    draft, scheduled, shelved, _, binned = secret.hidden
    listed = orjson.loads((await ask(app, f"/v1/articles?{states}&sort=created_at", key)).body)
    assert [row["id"] for row in listed["data"]] == [draft.id, scheduled.id, shelved.id, binned.id]
    for one in (draft, scheduled, shelved, binned):
        shown = await ask(app, f"/v1/articles/{one.slug}", key)
        assert shown.status == 200
        assert all(one.word(field).encode() in shown.body for field in ("title", "standfirst", "body", "tag", "source"))
        assert (await ask(app, f"/v1/tags/{one.word('tag')}", key)).status == 200
        assert (await ask(app, f"/v1/articles/{one.old_slug}", key)).status == 308
    exported = await ask(app, f"/v1/export?{states}", key)
    assert exported.body.count(b"\n") == 5
    payload = orjson.loads((await ask(app, f"/v1/changes?{states}&since={secret.since}", key)).body)
    assert {row["article"]["id"] for row in payload["data"]} >= {draft.id, scheduled.id, shelved.id}
    related = await ask(app, f"/v1/articles/{secret.ids[0]}", key)
    assert (orjson.loads(related.body)["translation_of"], draft.word("pointer").encode() in related.body) == (
        draft.id, True,
    )  # fmt: skip
    # By its words only in the list, which asks another index; and no response with a key may be shared.
    for one in (draft, scheduled, shelved, binned):
        for field in ("title", "standfirst", "body"):
            body = orjson.loads((await ask(app, f"/v1/articles?{states}&q={one.word(field)}", key)).body)
            assert [row["id"] for row in body["data"]] == [one.id], (one.state, field)
            body = orjson.loads((await ask(app, f"/v1/articles?q={one.word(field)}", key)).body)
            assert body["data"] == []
    assert draft.word("title").encode() not in (await ask(app, "/v1/search?q=grain+zorbings", key)).body
    assert "private" in str(shown.header("cache-control"))


def words_in(body: bytes) -> set[str]:
    """Those that only hidden articles have."""
    return {item[0] for item in re.finditer(rf"xq[a-z]+?({'|'.join(ONCE_PUBLIC)})[a-z]*", body.decode())}


@pytest.mark.slow
async def test_what_was_public_once_shows_only_that_it_has_gone(public_once: Pair) -> None:
    """Its place in the log is public; a withdrawn one says so itself, a draft says nothing."""
    # The cursors of searches hold a place in the log.
    addresses = [a for a in naming_nothing(public_once) if not re.search("/search.*limit=[23]", a)]
    result = await find_difference(public_once, addresses, {}, "x-seq")
    assert not result, result
    app = public_once.with_.app
    for one in public_once.hidden:
        gone = one.state in ("withdrawn", "reworked", "purged", "vanished", "dumped")
        for address in doors.items(one):
            response = await ask(app, address)
            if any(below in address for below in ("/revisions", "/suggestions", "/audit")):
                assert response.status == 401, address
            elif gone and not (one.state == "purged" and "/resolve" in address):
                problem = orjson.loads(response.body)
                reason = REASON if one.state != "purged" else None  # of what was purged nothing is told
                assert (response.status, problem["code"], problem.get("reason")) == (410, "gone", reason), address
            else:
                assert response.status == 404, address
            assert words_in(response.body) == set(), address
        tried = [a for a in doors.attempts(one) if a not in doors.items(one)] if gone else doors.lists(one)
        result = await find_difference(public_once, tried, {}, "x-seq")
        assert not result, result


WRITES: tuple[tuple[str, str, str, Json | None], ...] = (
    ("PATCH", "", "", {"title": "x"}), ("PUT", "", "", {"title": "x"}), ("DELETE", "", "", None),
    ("DELETE", "", "?purge=true", None), ("POST", "/restore", "", None), ("POST", "/revisions/1/restore", "", None),
    ("PUT", "/related", "", ["x"]),
)  # fmt: skip
"""Every way to change one article: method, what stands behind it, query and body."""


async def test_writes_tell_of_nothing_that_the_key_may_not_see(secret: Pair) -> None:
    """Also as what shall replace a public article, which a refusal leaves alone."""
    key = {**secret.keys["all_but_drafts"], "If-Match": "*", "Content-Type": "application/json"}
    results = []
    for one in secret.hidden:
        for ref in (str(one.id), one.slug, one.old_slug):
            tries = [(method, f"/v1/articles/{ref}{below}{query}", body) for method, below, query, body in WRITES]
            tries += [("DELETE", f"/v1/articles/{secret.ids[0]}?replaced_by={ref}", None)]
            tries += [("PATCH", f"/v1/articles/{secret.ids[0]}", {"status": "withdrawn", "replaced_by": ref})]
            for method, address, body in tries:
                responses = [
                    await send(side.app, method, address, key, body) for side in (secret.without, secret.with_)
                ]
                if responses[0] != responses[1] or responses[1].status not in (404, 403, 422):
                    results.append((one.state, method, address, responses))
    assert not results, results


async def test_changes_tell_of_what_was_public_once_its_addresses_and_nothing_else(public_once: Pair) -> None:
    for address in (
        f"/v1/changes?since={public_once.since}&include=article,body",
        "/v1/changes/stream?since=0&include=body",
    ):
        response = await ask(public_once.with_.app, address)
        names = {Hidden(state).slug for state in ONCE_PUBLIC if state != "purged"}
        assert words_in(response.body) == names, address
    for address in ("/v1/export", "/v1/changes?since=now", "/v1/changes/stream"):
        assert words_in((await ask(public_once.with_.app, address)).body) == set(), address


_MOVES: tuple[tuple[str, str, Json | None], ...] = (
    ("POST", "/v1/regions", {"level": "grouping", "name": "Guianas", "members": ["guyana"]}),
    ("PATCH", "/v1/regions/guianas", {"members": ["guyana", HIDDEN_REGION]}),
    ("PATCH", "/v1/regions/guianas", {"members": ["kenya", HIDDEN_REGION]}),
    ("PATCH", "/v1/regions/guianas", {"members": ["kenya", "guyana"]}),
    ("PATCH", "/v1/tags/nato", {"name": "The Alliance"}),
)
"""Hidden articles alone come to the grouping, then public ones do, then the hidden ones leave it; a tag of both is
renamed."""


def _record_located(session: Session) -> None:
    region = regions.atlas(session.connection()).by_slug[HIDDEN_REGION].id
    log.record(session, log.LogEntry("region", region, log.REGIONS_LOCATED, public=True))


@pytest.mark.slow
async def test_regions_that_move_tell_of_no_hidden_article(sqlite_template: Path, tmp_path: Path) -> None:
    """The rows of the log that name articles without a new version of them, and what comes behind them."""
    async with AsyncExitStack() as stack:
        pair = await _pair(stack, _files(sqlite_template, tmp_path), never_public)
        for side in (pair.without, pair.with_):
            for method, address, body in _MOVES:
                done = await side.editor.request(method, address, json=body)
                assert done.status_code in (200, 201), done.text
            await side.db.write(_record_located)
            await _wait_for_index(side)
        everything = await ask(pair.with_.app, f"/v1/changes?status={doors.STATES}", pair.keys["read_drafts"])
        assert all(f'"id":{one.id},'.encode() in everything.body for one in pair.hidden if one.state != "deleted")
        states = ("", "?compact=true", "?region=guianas&include=article", "?tag=nato", "?region_not=guianas&limit=2")
        addresses = [f"/v1/changes{query}" for query in states] + ["/v1/changes/stream?since=0"]
        for key in ({}, pair.keys["write"], pair.keys["all_but_drafts"]):
            for address in addresses:
                told = [
                    _without_places((await ask(side.app, address, key)).body) for side in (pair.without, pair.with_)
                ]
                assert told[0] == told[1], address
        addresses = [a for a in naming_nothing(pair) if not re.search("/search.*limit=[23]", a)]
        addresses += [f"/v1/{a}" for a in ("regions/guianas?include=counts", "articles?region=guianas")]
        result = await find_difference(pair, addresses, {}, "x-seq")
        assert not result, result


def _without_places(body: bytes) -> bytes:
    """Numbers of the log are others, and when: beside them all is compared."""
    return re.sub(rb'("(?:seq|next|at)":|\nid: )"?[-\w:=]+"?', rb"\1", body)


async def test_every_address_that_reads_is_among_the_doors(secret: Pair) -> None:
    described = orjson.loads((await ask(secret.with_.app, "/openapi.json")).body)["paths"]
    tried = [a.partition("?")[0] for a in (*naming_nothing(secret), *doors.FOLLOWING, *doors.items(secret.hidden[0]))]
    reads = [path for path, operations in described.items() if "get" in operations]
    patterns = {path: re.sub(r"\{\w+\}", "[^/]+", path) for path in reads}
    missing = [path for path, pattern in patterns.items() if not any(re.fullmatch(pattern, one) for one in tried)]
    assert missing == []
    assert len(reads) > 15


@pytest.mark.slow
async def test_postgresql_keeps_the_same_secrets(postgres_server: str, postgres_template: str, tmp_path: Path) -> None:
    with _databases(postgres_server, postgres_template, tmp_path) as places:
        async with AsyncExitStack() as stack:
            pair = await _pair(stack, places, never_public)
            one = pair.hidden[0]
            addresses = [*doors.lists(one), *doors.items(one), *doors.FOLLOWING[:6], *doors.of_public(pair.ids[:1])]
            addresses += [f"/v1/tags/{tag}" for tag in (one.word("tag"), *range(1, 31))]
            result = await find_difference(pair, addresses, {})
            assert not result, result


OF_ONE_PROCESS = ("/metrics", "/health/ready", "/v1/key")
"""What tells of the server itself, in milliseconds and counts."""


@pytest.mark.torture
@pytest.mark.parametrize("engine", ENGINES)
async def test_several_workers_keep_the_same_secrets(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with ExitStack() as databases:
        if engine == "sqlite":
            places = _files(request.getfixturevalue("sqlite_template"), tmp_path)
        else:
            server, template = (request.getfixturevalue(f"postgres_{name}") for name in ("server", "template"))
            places = databases.enter_context(_databases(server, template, tmp_path))
        async with AsyncExitStack() as stack:
            pair = await _pair(stack, places, never_public, serve_by_workers)
            addresses = [a for a in naming_nothing(pair) if not a.startswith(OF_ONE_PROCESS)]
            addresses += [*doors.FOLLOWING, *list_addresses(pair, pair.hidden[0])]
            for headers in ({}, pair.keys["write"]):
                result = await find_difference(pair, addresses, headers)
                assert not result, result
