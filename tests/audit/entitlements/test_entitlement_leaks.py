"""What a key may not see changes nothing that it can see: two archives, one of which has articles beyond what the key
is entitled to, through every door. Equal is equal to the byte; what may differ is named."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Literal

import orjson
import pytest
from conftest import ENGINES, Served, new_archive, serve
from sqlalchemy import update
from sqlmodel import Session
from support.leaks import doors
from support.leaks.doors import ask
from support.leaks.leak_archive import DAY, HIDDEN_REGION, SITE, Hidden, point_to, public, purge

from app.articles import editing, service
from app.articles.editing import ArticleEdit
from app.articles.manuscript import Manuscript
from app.articles.store.row_columns import SaveContext
from app.audit.entitlements.terms import Terms
from app.changes import log
from app.db.database import Database
from app.http import auth
from app.models import Change, table
from app.regions import service as regions
from app.settings import Settings
from app.tags import queries as tags
from app.tags.service import TagSpec

ON = ("sqlite", "postgresql")
pytestmark = [pytest.mark.anyio, pytest.mark.slow]

Kind = Literal["filter", "embargo", "both"]
LEFT_OUT = ("body", "standfirst", "images", "seo", "signature", "related", "corrections")
TERMS: dict[Kind, Terms] = {
    "filter": Terms("section=world"),
    "embargo": Terms(embargo_hours=1),
    "both": Terms("section=world", 1, LEFT_OUT),
}
STATES = ("published", "withdrawn", "redrafted", "purged")
CHANGE = table(Change)
OF_SERVER = ("/health/ready", "/metrics", "/v1/key")
"""What tells of the server itself, or how much the key was used."""
PINNED = re.compile("/search.*limit=[23]")
"""The cursor of a search holds a place in the log."""


@dataclass(frozen=True)
class ArchivePair:
    """An archive, and the same with articles that the key may not see; `hidden` are these."""

    without: Served
    with_: Served
    ids: list[int]
    hidden: list[Hidden]
    key: dict[str, str]
    since: str

    @property
    def sides(self) -> tuple[Served, Served]:
        return self.without, self.with_


def _age_log(session: Session, now: int) -> None:
    """As if all that has just happened had happened three hours before."""
    young = CHANGE.c.at > now - 3_600
    session.connection().execute(update(CHANGE).where(young).values(at=now - 3 * 3_600))


def _hide(session: Session, now: int, section: str | None, states: Iterable[str], mark: str) -> list[Hidden]:
    """Articles that are public, or were so, and that a key does not see."""
    place = regions.atlas(session.connection()).by_slug[HIDDEN_REGION].id
    made = []
    for state in states:
        one = Hidden(f"{state}{mark}")
        manuscript = _place_in(one.manuscript(place, "published", at=now - DAY), section)
        [saved] = service.upsert(session, [manuscript], now=now, site_url=SITE)
        made.append(replace(one, id=saved.id))
    return made


def _place_in(manuscript: Manuscript, section: str | None) -> Manuscript:
    if section is None:
        return manuscript
    return replace(manuscript, tags=(*manuscript.tags, TagSpec(section, "section")))


def _move(session: Session, made: list[Hidden], now: int) -> None:
    """Each into the state that it is named by."""
    for one in made:
        if one.state.startswith("withdrawn"):
            service.withdraw(session, [one.id], now=now, reason=one.word("reason"))
        elif one.state.startswith("redrafted"):
            current = editing.lock_article(session, one.id)
            assert current is not None
            editing.edit(session, current, ArticleEdit({"status": "draft"}), SaveContext(now, "ann", SITE))


def _fill(db: Database, kind: Kind, ids: list[int], now: int) -> list[Hidden]:
    hidden: list[Hidden] = []
    if kind != "embargo":
        hidden += db.write_now(_hide, now, None, STATES, "old").value
        db.write_now(_move, hidden, now)
        db.write_now(_age_log, now)
    if kind != "filter":
        fresh = db.write_now(_hide, now, "World", STATES, "new").value
        db.write_now(_move, fresh, now)
        hidden += fresh
    db.write_now(point_to, [one for one in hidden if one.state.startswith("published")], ids)
    for one in hidden:
        if one.state.startswith("purged"):
            db.write_now(purge, [replace(one, state="purged")], now)
    return hidden


def _open(settings: Settings) -> Database:
    return Database(settings, log.append)


async def _pair(stack: AsyncExitStack, places: list[Settings], kind: Kind) -> ArchivePair:
    now = int(time.time())
    ids: list[int] = []
    hidden: list[Hidden] = []
    keys, since = set(), ""
    for settings in places:
        db = _open(settings)
        ids = db.write_now(public, now).value
        db.write_now(_age_log, now)
        entitlement = await _number_terms(db, TERMS[kind])
        # The same secret in both, since the key's name and number are.
        secret = db.write_now(auth.create_key, "partner", (), None, entitlement).value
        keys.add(secret.partition("_")[2].partition("_")[0])
        if settings is places[1]:
            hidden = _fill(db, kind, ids, now)
        db.close_now()
        settings.data_dir.joinpath("key").write_text(secret)
    assert len(keys) == 1
    without, with_ = [await stack.enter_async_context(serve(one)) for one in places]
    for side in (without, with_):
        while b'"index_lag":0' not in (await ask(side.app, "/health/ready")).body:  # noqa: ASYNC110 -- as a client would
            await asyncio.sleep(0.01)
    secrets = [one.data_dir.joinpath("key").read_text() for one in places]
    return ArchivePair(without, with_, ids, hidden, {"without": secrets[0], "with": secrets[1]}, since or "0")


async def _number_terms(db: Database, asked: Terms) -> str:
    """With the section by its number, as the command keeps it."""
    if not asked.only:
        return asked.encode()
    known = await tags.by_refs(db, ["world"], hidden=True)
    await db.reader.close()
    del db.reader
    return replace(asked, only=f"section={known['world'].id}").encode()


KEYS = (
    pytest.param("sqlite", "both", id="both-sqlite"),
    *(
        pytest.param(engine, terms, id=f"{terms}-{engine}", marks=pytest.mark.torture)
        for engine in ENGINES
        for terms in ("filter", "embargo", "both")
        if (engine, terms) != ("sqlite", "both")
    ),
)


@pytest.fixture(scope="module")
async def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, engine: str, terms: Kind
) -> AsyncIterator[ArchivePair]:
    async with AsyncExitStack() as stack:
        places = []
        for name in ("without", "with"):
            folder = tmp_path_factory.mktemp(f"{terms}-{name}")
            url = stack.enter_context(new_archive(request, engine, folder))
            places.append(
                Settings(
                    data_dir=folder,
                    database_url=url,
                    site_url=SITE,
                    index_interval=0.02,
                    index_heap_mb=15,
                    public_reads=False,
                )
            )
        yield await _pair(stack, places, terms)


def _without_purges(body: bytes) -> bytes:
    """A purge is told to every key, by the number of the article alone."""
    body = re.sub(rb'id: \S+\ndata: {[^\n]*"event":"purged"[^\n]*\n\n', b"", body)
    if not body.startswith(b'{"data":'):
        return body
    payload = orjson.loads(body)
    for row in payload["data"]:
        if row["event"] == "purged":
            assert row["article"] == {**row["article"], "slug": None, "previous_slug": None, "version": None}
            assert (row["changed_fields"], row.get("card")) == ([], None)
    return orjson.dumps({**payload, "data": [row for row in payload["data"] if row["event"] != "purged"]})


def _without_places(body: bytes) -> bytes:
    """Numbers of the log are others, and when: beside them all is compared."""
    return re.sub(rb'("(?:seq|next|at)":|\nid: )"?[-\w:=]+"?', rb"\1", body)


def _normalize(address: str, body: bytes) -> object:
    """What is compared: of changes without the numbers of the log; of similar articles, and of those by relevance,
    without their order, which goes by how common words are in the whole archive."""
    if "/changes" in address:
        return _without_places(_without_purges(body))
    if "/search?q=" in address:
        return sorted(re.split(rb'[\n"]|(?<=}),(?={)', body))
    if "/related" in address and "/articles/" in address and body.startswith(b'{"data":'):
        rows = orjson.loads(body)["data"]
        shown = [{**row, "position": None, "below_threshold": None} for row in rows]
        return sorted(map(orjson.dumps, shown))
    return body


def _describe_difference(one: tuple[object, ...], other: tuple[object, ...]) -> str:
    parts = [(str(a), str(b)) for a, b in zip(one, other, strict=True) if a != b]
    places = ((a, b, next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), 0)) for a, b in parts)  # noqa: B905
    return "\n".join(f"    {a[max(0, i - 80) : i + 200]}\n    {b[max(0, i - 80) : i + 200]}" for a, b, i in places)


async def find_leaks(pair: ArchivePair, addresses: Iterable[str]) -> list[str]:
    """The addresses at which the two archives can be told apart."""
    leaks = []
    for address in addresses:
        seen = []
        for side, name in zip(pair.sides, ("without", "with"), strict=True):
            got = (await ask(side.app, address, {"Authorization": f"Bearer {pair.key[name]}"})).without_names(
                "x-seq", "content-length", "etag", "age"
            )
            seen.append((got.status, got.headers, _normalize(address, got.body)))
        if seen[0] != seen[1]:
            leaks.append(f"{address}\n{_describe_difference(*seen)}")
    return leaks


def _list_addresses(pair: ArchivePair) -> list[str]:
    plain = [*doors.PLAIN, *doors.of_public(pair.ids), *doors.FOLLOWING]
    tried = [a for one in pair.hidden for a in (*doors.attempts(one), *doors.attempts_to_follow(one, pair.since))]
    # Purges count, where a response has so many changes.
    counted = re.compile("/changes.*limit=3")
    return [a for a in (*plain, *tried) if not (a.startswith(OF_SERVER) or PINNED.search(a) or counted.search(a))]


@pytest.mark.parametrize(("engine", "terms"), KEYS, scope="module")
async def test_key_cannot_tell_that_there_is_more(pair: ArchivePair) -> None:
    addresses = _list_addresses(pair)
    assert len(addresses) > 800
    leaks = await find_leaks(pair, addresses)
    assert not leaks, f"{len(leaks)} of {len(addresses)}\n" + "\n".join(leaks)[:20_000]
