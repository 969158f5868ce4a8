"""Whatever editors do, in whatever order: index, SQL, the log replayed, the public's view and clients' copies agree.

STATE_EXAMPLES and STATE_STEPS make it longer, STATE_LONG_EXAMPLES the long run.
"""

import asyncio
import importlib.util
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import httpx
import orjson
import pytest
from conftest import ENGINES, Served, new_archive, serve
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule, run_state_machine_as_test
from sqlalchemy import select, update
from sqlmodel import Session

from app.articles import service
from app.changes import log
from app.changes.follower import catch_up
from app.commands import check
from app.db.database import Database
from app.http import auth
from app.models import Article, Change, table
from app.search.indexing.indexer import Indexer
from app.settings import Settings

T = TypeVar("T")
EXAMPLES, STEPS = int(os.environ.get("STATE_EXAMPLES", "3")), int(os.environ.get("STATE_STEPS", "14"))
LONG_EXAMPLES, LONG_STEPS = int(os.environ.get("STATE_LONG_EXAMPLES", "40")), 40
"""A minute and a half on one engine; 150 examples took more than ten."""
A, CHANGE = table(Article), table(Change)
CLIENT = Path(__file__).parent.parent.parent / "docs" / "examples" / "follow.py"
FAR = "2190-01-01T00:00:00Z"
FILTERS: tuple[list[list[str]], ...] = ([], [["tag", "a"]], [["tag", "b"], ["tag_not", "c"]])
MAY_BECOME = {
    "draft": {"draft", "scheduled", "published"},
    "scheduled": {"draft", "scheduled", "published"},
    "published": {"published", "withdrawn", "draft"},
    "withdrawn": {"withdrawn", "published", "draft"},
    "trashed": set(),
}
"""By PATCH. What is public once may always be withdrawn."""
SCOPES = ("read_drafts", "write", "publish", "admin")
KEYS = [some for count in range(5) for some in combinations(SCOPES, count)]
tags = st.lists(st.sampled_from("abcd"), unique=True, max_size=3)
statuses = st.sampled_from(["draft", "scheduled", "published"])


def example_client() -> ModuleType:
    """The client that the documentation shows, as a module."""
    spec = importlib.util.spec_from_file_location("follow_example", CLIENT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class KnownArticle:
    """What the model knows of an article."""

    id: int
    title: str
    status: str
    tags: list[str]
    version: int = 1
    public_once: bool = False
    gone: bool = False
    replaced_by: int | None = None

    def becomes(self, status: str) -> None:
        """What follows from a new state."""
        self.status, self.version = status, self.version + 1
        self.public_once |= status == "published"
        self.gone = status != "published" and (self.gone or (status == "withdrawn" and self.public_once))
        if not self.gone:
            self.replaced_by = None


@dataclass
class Bridge(httpx.BaseTransport):
    """Lets a client that knows no asyncio speak to the application in a loop."""

    loop: asyncio.AbstractEventLoop
    inner: httpx.ASGITransport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> tuple[httpx.Response, bytes]:
            response = await self.inner.handle_async_request(request)
            return response, b"".join([piece async for piece in response.aiter_raw()])

        response, sent = self.loop.run_until_complete(ask())
        return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(sent))


@dataclass
class Open:
    """One archive with its server, which can be stopped and started again."""

    loop: asyncio.AbstractEventLoop
    settings: Settings
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    served: Served | None = None

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(what)

    def start(self) -> Served:
        self.stack = AsyncExitStack()
        self.served = self.run(self.stack.enter_async_context(serve(self.settings)))
        return self.served

    def stop(self) -> None:
        self.run(self.stack.aclose())


class Editors(RuleBasedStateMachine):
    """Each rule is one thing that editors, the clock or an operator may do."""

    opened: Callable[[Path], AbstractContextManager[str]]
    articles: Bundle[KnownArticle] = Bundle("articles")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="dateline-states-"))
        self.database = type(self).opened(self.folder)
        chosen = Settings(
            data_dir=self.folder, database_url=self.database.__enter__(), index_interval=0.02, index_heap_mb=15
        )
        self.archive = Open(asyncio.new_event_loop(), chosen)
        self.served = self.archive.start()
        self.known: dict[int, KnownArticle] = {}
        self.gone: dict[int, bool] = {}
        self.merged: dict[str, str] = {}
        self.made, self.client = 0, example_client()
        self.keys: dict[str, dict[str, str]] = {}
        self.copies: dict[int, Any] = {}

    # --- what happens

    @initialize()
    def tags_exist(self) -> None:
        for name in "abcd":
            assert self._send("POST", "/v1/tags", {"name": name, "kind": "topic"}).status_code == 201

    @rule(target=articles, status=statuses, tags=tags)
    def create(self, status: str, tags: list[str]) -> KnownArticle:
        self.made += 1
        body: dict[str, object] = {"title": f"Story {self.made}", "status": status, "tags": tags}
        if status == "scheduled":
            body["published_at"] = FAR
        response = self._send("POST", "/v1/articles", body)
        assert response.status_code == 201, response.text
        one = KnownArticle(response.json()["id"], f"Story {self.made}", status, self._resolve(tags))
        one.public_once = status == "published"
        self.known[one.id] = one
        return one

    @rule(one=articles, tags=tags)
    def edit(self, one: KnownArticle, tags: list[str]) -> None:
        self.made += 1
        title = f"Edited {self.made}"
        response = self._change(one, {"title": title, "tags": tags})
        if response is None or self._is_refused(one, response, one.status != "trashed"):
            return
        assert response.status_code == 200, response.text
        one.title, one.tags, one.version = title, self._resolve(tags), one.version + 1
        assert response.json()["version"] == one.version

    @rule(one=articles, status=st.sampled_from(["draft", "scheduled", "published", "withdrawn"]))
    def move(self, one: KnownArticle, status: str) -> None:
        if status == one.status:
            return
        body: dict[str, object] = {"status": status}
        if status in ("scheduled", "published") and one.status in ("draft", "scheduled"):
            body["published_at"] = FAR if status == "scheduled" else "2025-03-04T05:06:07Z"
        response = self._change(one, body)
        if response is None:
            return
        may = status in MAY_BECOME[one.status] or (
            status == "withdrawn" and one.public_once and one.status != "trashed"
        )
        if self._is_refused(one, response, may):
            return
        assert response.status_code == 200, response.text
        one.becomes(status)

    @rule(one=articles)
    def edit_what_has_changed(self, one: KnownArticle) -> None:
        response = self._send("PATCH", f"/v1/articles/{one.id}", {"title": "Too late"}, {"If-Match": '"999"'})
        assert response.status_code == (412 if one.id in self.known else self._absent(one.id)), response.text

    @rule(one=articles)
    def delete(self, one: KnownArticle) -> None:
        if one.id not in self.known:
            return
        response = self._send("DELETE", f"/v1/articles/{one.id}", None, {"If-Match": f'"{one.version}"'})
        if self._is_refused(one, response, one.status not in ("withdrawn", "trashed")):
            return
        assert response.status_code == 200, response.text
        one.becomes("withdrawn" if one.status == "published" else "trashed")

    @rule(one=articles)
    def restore(self, one: KnownArticle) -> None:
        response = self._send("POST", f"/v1/articles/{one.id}/restore", None, {"If-Match": f'"{one.version}"'})
        if one.id not in self.known:
            assert response.status_code == self._absent(one.id), response.text
        elif not self._is_refused(one, response, one.status == "trashed"):
            assert response.status_code == 200, response.text
            one.becomes("draft")

    @rule(one=articles, gone=st.booleans())
    def respond_otherwise(self, one: KnownArticle, gone: bool) -> None:
        """What readers get instead of a draft that they have seen: 404, or 410."""
        if one.id not in self.known or one.status not in ("draft", "scheduled"):
            return
        response = self._change(one, {"gone": gone})
        assert response is not None
        if gone and not one.public_once:
            assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/gone"), response.text
            return
        assert response.status_code == 200, response.text
        one.version += gone != one.gone
        one.gone, one.replaced_by = gone, one.replaced_by if gone else None

    @rule(one=articles, other=articles, some=st.booleans())
    def replace(self, one: KnownArticle, other: KnownArticle, some: bool) -> None:
        if one.id not in self.known:
            return
        response = self._change(one, {"replaced_by": other.id if some else None})
        assert response is not None
        new = other.id if some else None
        if one.status == "trashed":
            assert response.status_code == 409, response.text
        elif new != one.replaced_by and new is not None and not self._may_replace(one, other):
            assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/replaced_by"), (
                response.text
            )
        else:
            assert response.status_code == 200, response.text
            one.version += new != one.replaced_by
            one.replaced_by = new

    @rule(one=articles, scopes=st.sampled_from(KEYS), what=st.sampled_from(["edit", "publish", "draft", "delete",
        "restore", "purge"]))  # fmt: skip
    def try_with(self, one: KnownArticle, scopes: tuple[str, ...], what: str) -> None:
        """Only those who may change an article change it, and nobody is told of one that they may not see."""
        if one.id not in self.known:
            return
        response = self._try(one, scopes, what)
        hidden = one.status != "published" and "read_drafts" not in scopes
        needed = {"purge": {"admin"}}.get(what, {"write"})
        is_public = one.status in ("scheduled", "published", "withdrawn") or what == "publish"
        if not needed <= set(scopes):
            assert response.status_code == 403, (one, scopes, what)
        elif hidden:
            assert response.status_code == (410 if one.gone else 404), (one, scopes, what)
        elif what != "purge" and is_public and "publish" not in scopes:
            assert response.status_code == 403, (one, scopes, what)
        else:
            assert response.status_code == 412, (one, scopes, what)  # they may: it is the version that is another

    @rule(one=consumes(articles))
    def purge(self, one: KnownArticle) -> None:
        if one.id not in self.known:
            return
        path, headers = f"/v1/articles/{one.id}?purge=true", {"If-Match": f'"{one.version}"'}
        assert self._send("DELETE", path, None, headers).status_code in (200, 204)
        self._forget(one)

    @rule()
    def time_passes(self) -> None:
        """Everything that is scheduled comes due."""

        def come_due(session: Session) -> None:
            due = update(A).where(A.c.status == "scheduled").values(published_at=int(time.time()) - 1)
            session.connection().execute(due)
            service.go_live(session, now=int(time.time()))

        self.archive.run(self.served.db.write(come_due))
        for one in self.known.values():
            if one.status == "scheduled":
                one.becomes("published")

    @rule(source=st.sampled_from("abcd"), into=st.sampled_from("abcd"))
    def merge(self, source: str, into: str) -> None:
        source, into = self._tag(source), self._tag(into)
        response = self._send("POST", f"/v1/tags/{source}/merge", {"into": into})
        if source == into:
            assert response.status_code == 422, response.text
            return
        assert response.status_code == 200, response.text
        self.merged[source] = into
        for one in self.known.values():
            one.tags = self._resolve(one.tags)

    @rule()
    def restart(self) -> None:
        self.archive.stop()
        self.served = self.archive.start()

    @rule()
    def reindex(self) -> None:
        """As `dateline reindex` does, beside the old index."""
        self.archive.stop()
        db, indexer = Database(self.archive.settings, log.append), Indexer(self.archive.settings.index_path, 15)
        deadline = time.monotonic() + 20
        while not indexer.acquire():  # a process that was at work on the index ends a moment later
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with db.snapshot() as snapshot:
            indexer.rebuild(snapshot, log.head(snapshot).position)
        catch_up(db, indexer)
        indexer.close()
        db.close_now()
        self.served = self.archive.start()

    @rule(which=st.integers(0, len(FILTERS) - 1))
    def poll(self, which: int) -> None:
        with self._open_follower() as client:
            copy = self.copies.get(which) or self.client.start(FILTERS[which])
            self.copies[which], _ = self.client.follow(client, copy, FILTERS[which], 0)

    # --- what must be true

    @rule()
    def look(self) -> None:
        self._await_index()
        public = {one.id for one in self.known.values() if one.status == "published"}
        assert {row["id"] for row in self._load_export()} == public
        result = self._get("/v1/search?limit=100")
        assert {hit["article"]["id"] for hit in result["data"]} == public
        assert result["page"]["total"] == len(public)
        for one in self.known.values():
            response = self._ask(f"/v1/articles/{one.id}")
            leads = one.replaced_by in public
            expected = 200 if one.status == "published" else 308 if leads else 410 if one.gone else 404
            assert response.status_code == expected, one
            if one.status == "published":
                shown = response.json()
                assert (shown["title"], [tag["slug"] for tag in shown["tags"]]) == (one.title, one.tags)
                assert shown["version"] == one.version
        for id in self.gone:
            assert self._ask(f"/v1/articles/{id}").status_code == self._absent(id)
        for status in ("draft", "scheduled", "withdrawn", "trashed"):
            listed = self._send("GET", f"/v1/articles?status={status}&limit=100", None).json()["data"]
            shown = {row["id"]: (row["version"], row["gone"], row["replaced_by"]) for row in listed}
            those = [one for one in self.known.values() if one.status == status]
            assert shown == {one.id: (one.version, one.gone, one.replaced_by) for one in those}, status

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.look()
                self._replay()
                self._copies_are_true()
                wrong = [one for one in check.run_checks(self.served.db, self.archive.settings) if not one.good]
                assert wrong == []
        finally:
            self.archive.stop()
            self.archive.loop.close()
            self.database.__exit__(None, None, None)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _replay(self) -> None:
        """What the log says is public, taken from its rows alone."""
        state: dict[int, str] = {}
        with self.served.db.snapshot() as snapshot:
            rows = select(CHANGE.c.entity_id, CHANGE.c.after).where(CHANGE.c.entity == "article").order_by(CHANGE.c.seq)
            for id, after in snapshot.connection.execute(rows):
                state[id] = orjson.loads(after)["status"] if after else "gone"
        public = {one.id for one in self.known.values() if one.status == "published"}
        assert {id for id, status in state.items() if status == "published"} == public

    def _copies_are_true(self) -> None:
        with self._open_follower() as client:
            for which, copy in self.copies.items():
                more = True
                while more:
                    copy, more = self.client.follow(client, copy, FILTERS[which], 0)
                fresh = self.client.start(FILTERS[which]) | {"place": None, "after": 0}
                self.client.export(client, fresh, FILTERS[which])
                assert copy["articles"] == fresh["articles"], FILTERS[which]

    # --- how it is asked

    def _send(
        self, method: str, path: str, body: dict[str, object] | None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        return self.archive.run(self.served.editor.request(method, path, json=body, headers=headers))

    def _change(self, one: KnownArticle, body: dict[str, object]) -> httpx.Response | None:
        """None where it is gone, which the response has to say."""
        response = self._send("PATCH", f"/v1/articles/{one.id}", body, {"If-Match": f'"{one.version}"'})
        if one.id not in self.known:
            assert response.status_code == self._absent(one.id), response.text
            return None
        return response

    def _is_refused(self, one: KnownArticle, response: httpx.Response, may: bool) -> bool:
        """What may not be has to be refused, with the state that the article is in."""
        if may:
            return False
        assert (response.status_code, response.json()["code"]) == (409, "invalid_transition"), (one, response.text)
        assert response.json()["article_status"] == one.status
        return True

    def _may_replace(self, one: KnownArticle, other: KnownArticle) -> bool:
        there = other.id in self.known and other.id != one.id and other.status == "published"
        return there and one.gone

    def _try(self, one: KnownArticle, scopes: tuple[str, ...], what: str) -> httpx.Response:
        """A change by another key, of a version that there is not."""
        name = " ".join(scopes)
        if name not in self.keys:
            token = self.archive.run(self.served.db.write(auth.create_key, name or "none", scopes)).value
            self.keys[name] = {"Authorization": f"Bearer {token}"}
        headers = {**self.keys[name], "If-Match": '"9999"'}
        path = f"/v1/articles/{one.id}"
        method, path, body = {
            "edit": ("PATCH", path, {"title": "x"}),
            "publish": ("PATCH", path, {"status": "published"}),
            "draft": ("PATCH", path, {"status": "draft"}),
            "delete": ("DELETE", path, None),
            "restore": ("POST", f"{path}/restore", None),
            "purge": ("DELETE", f"{path}?purge=true", None),
        }[what]
        return self.archive.run(self.served.public.request(method, path, json=body, headers=headers))

    def _ask(self, path: str) -> httpx.Response:
        return self.archive.run(self.served.public.get(path))

    def _get(self, path: str) -> Any:
        response = self._ask(path)
        assert response.status_code == 200, response.text
        return response.json()

    def _load_export(self) -> list[Any]:
        *rows, last = [orjson.loads(line) for line in self._ask("/v1/export").text.splitlines()]
        assert last == {"end": True, "count": len(rows)}
        return rows

    def _await_index(self) -> None:
        head = self._ask("/v1/changes?since=now").json()["next"]
        assert self._ask(f"/v1/search?limit=1&min_seq={head}").status_code == 200

    def _open_follower(self) -> httpx.Client:
        bridge = Bridge(self.archive.loop, httpx.ASGITransport(self.served.app))
        return httpx.Client(transport=bridge, base_url="http://test")

    def _tag(self, slug: str) -> str:
        while slug in self.merged:
            slug = self.merged[slug]
        return slug

    def _resolve(self, slugs: list[str]) -> list[str]:
        return list(dict.fromkeys(self._tag(slug) for slug in slugs))

    def _forget(self, one: KnownArticle) -> None:
        del self.known[one.id]
        for other in self.known.values():
            if other.replaced_by == one.id:
                other.replaced_by, other.version = None, other.version + 1
        self.gone[one.id] = one.public_once

    def _absent(self, id: int) -> int:
        return 410 if self.gone[id] else 404


def run(request: pytest.FixtureRequest, engine: str, examples: int, steps: int) -> None:
    class OnEngine(Editors):
        pass

    OnEngine.opened = staticmethod(lambda folder: new_archive(request, engine, folder))
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    chosen = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=slow)
    run_state_machine_as_test(OnEngine, settings=chosen)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_states_reached_by_any_way_are_the_same_through_every_door(request: pytest.FixtureRequest, engine: str) -> None:
    run(request, engine, EXAMPLES, STEPS)


@pytest.mark.torture
@pytest.mark.parametrize("engine", ENGINES)
def test_states_reached_by_many_long_ways_are_the_same_through_every_door(
    request: pytest.FixtureRequest, engine: str
) -> None:
    run(request, engine, LONG_EXAMPLES, LONG_STEPS)
