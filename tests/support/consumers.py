"""Consumers that run the example client's own code over a network that fails them, and what happens to the archive
meanwhile."""

import importlib.util
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
from sqlalchemy import select, update
from sqlmodel import Session

from app.articles import editing, service
from app.articles.editing import ArticleEdit
from app.articles.manuscript import Manuscript, RelatedEntry
from app.articles.store.row_columns import SaveContext
from app.changes import log
from app.db.database import Database
from app.models import Tag, table
from app.tags.service import TagSpec
from support.stories import DAY, NOW, story

TAG = table(Tag)
EXAMPLE = Path(__file__).resolve().parent.parent.parent / "docs" / "examples" / "follow.py"
LATER = NOW + 20 * 365 * DAY
"""So far off that the server's own clock sends nothing live meanwhile."""


def _example() -> Any:
    spec = importlib.util.spec_from_file_location("follow_example", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Broken(httpx.SyncByteStream):
    """Half of a response, then nothing."""

    def __init__(self, response: httpx.Response, after: int) -> None:
        self._response, self._after = response, after

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._response.iter_raw(64):
            yield piece
            self._after -= len(piece)
            if self._after <= 0:
                raise httpx.ReadError("cut off while reading")

    def close(self) -> None:
        self._response.close()


class Unreliable(httpx.BaseTransport):
    """Loses some requests, and cuts some responses off anywhere."""

    def __init__(self, chance: random.Random) -> None:
        self._inner, self._chance = httpx.HTTPTransport(verify=False), chance
        self.cut, self.reliable = 0, False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        fate = 1.0 if self.reliable else self._chance.random()
        if fate < 0.1:
            self.cut += 1
            raise httpx.ConnectError("lost on the way")
        response = self._inner.handle_request(request)
        if fate > 0.3:
            return response
        self.cut += 1
        broken = _Broken(response, self._chance.choice((1, 60, 300, 2_000)))
        return httpx.Response(response.status_code, headers=response.headers, stream=broken)

    def close(self) -> None:
        self._inner.close()


Told = tuple[str, int | None]
"""The place of a change, and its article."""


def _read_told(response: httpx.Response) -> list[Told]:
    return [(change["seq"], (change["article"] or {}).get("id")) for change in response.json()["data"]]


@dataclass
class RecordingClient:
    """What the example needs of a client; remembers the changes that it was given last."""

    inner: httpx.Client
    changes: list[Told] = field(default_factory=list)

    def get(self, path: str, params: Any) -> httpx.Response:
        self.changes = []
        response = self.inner.get(path, params=params)
        if response.status_code == 200:
            self.changes = _read_told(response)
        return response

    def stream(self, method: str, path: str, params: Any) -> Any:
        self.changes = []
        return self.inner.stream(method, path, params=params)


@dataclass
class Consumer:
    """A copy in a file, kept by the example's rules; `met` are the changes since `began`, where the copy was made, for
    the last of `started` times."""

    address: str
    filter: str
    file: Path
    chance: random.Random
    began: str = "0"
    started: int = 0
    met: list[Told] = field(default_factory=list)
    forgotten: int = 0
    example: Any = field(default_factory=_example)

    def __post_init__(self) -> None:
        self.network = Unreliable(self.chance)
        self.inner = httpx.Client(base_url=self.address, timeout=30, transport=self.network)

    @property
    def filter_pairs(self) -> list[list[str]]:
        return [list(pair) for pair in parse_qsl(self.filter)]

    def read(self) -> Any:
        return json.loads(self.file.read_text("utf-8")) if self.file.exists() else None

    def step(self) -> bool:
        """One go at the next changes, which may be lost on the way, or forgotten before they are written down."""
        client, copy = RecordingClient(self.inner), self.read()
        with suppress(httpx.TransportError):
            if copy is None:
                self._begin(self.example.start(self.filter_pairs))
                return True
            is_whole = copy["after"] is None
            after, more = self.example.follow(client, copy, self.filter_pairs, 0)
            if not self.network.reliable and self.chance.random() < 0.2:
                self.forgotten += 1
            elif after is copy:
                self.began = self.began if is_whole else copy["place"]
                self.met += client.changes
                self.example.save(copy, str(self.file))
            else:
                self._begin(after)
            return bool(more)
        # What had come of an export is there, and it goes on behind that.
        if copy and copy["after"]:
            self.example.save(copy, str(self.file))
        return True

    def _begin(self, copy: Any) -> None:
        self.met, self.started = [], self.started + 1
        self.example.save(copy, str(self.file))

    def load_list(self) -> dict[str, Any]:
        """What the server's list has, all pages of it."""
        query: dict[str, str] = dict(parse_qsl(self.filter)) | {"limit": "100", "fields": self.example.FIELDS}
        by_name: dict[str, Any] = {}
        while True:
            response = self.inner.get("/v1/articles", params=query).json()
            by_name |= {str(one["id"]): one for one in response["data"]}
            if response["page"]["next"] is None:
                return by_name
            query["cursor"] = response["page"]["next"]

    def load_changes(self) -> list[Told]:
        """Every change since the copy was made, also those that others have superseded."""
        results: list[Told] = []
        query = dict(parse_qsl(self.filter)) | {"since": self.began, "limit": "1000"}
        while True:
            response = self.inner.get("/v1/changes", params=query)
            results += _read_told(response)
            query["since"] = response.json()["next"]
            if not response.json()["has_more"]:
                return results

    def has_met_all(self) -> bool:
        """Whether it met, in their order and none twice, some of all changes, among them the last of each article and
        each of names."""
        told = self.load_changes()
        places = {change: i for i, change in enumerate(told)}
        met = [places[change] for change in self.met]
        last = {article if article is not None else f"names {i}": i for i, (_, article) in enumerate(told)}
        return all(one < two for one, two in pairwise(met)) and {*last.values()} <= {*met}


class RandomWriter:
    """Writes of every kind, in transactions of up to `batch`, to articles numbered below `numbers`."""

    def __init__(self, db: Database, chance: random.Random, numbers: int, batch: int) -> None:
        self.db, self.chance, self.numbers, self.batch, self.renames = db, chance, numbers, batch, 0.01
        self.ids: dict[int, int] = {}
        self._base = story(db, 0)
        self._places = [(), *(story(db, 0, places=[place]).regions for place in ("belgium", "kenya"))]

    def write(self) -> int:
        """One transaction; the number of the log's last row after it."""
        return self.db.write_now(self._transaction).head.seq

    def _transaction(self, session: Session) -> None:
        kind = self.chance.random()
        if kind < 0.1 and self.ids:
            some = self.chance.sample(sorted(self.ids.values()), min(len(self.ids), 1 + self.batch // 4))
            service.withdraw(session, some, now=NOW, reason="Not so.")
        elif kind < 0.15:
            service.go_live(session, now=LATER)
        elif kind < 0.15 + self.renames:
            self._rename(session)
        else:
            numbers = self.chance.sample(range(self.numbers), self.chance.randint(1, self.batch))
            self._bring_back(session, [self.ids[number] for number in numbers if number in self.ids])
            saved = service.upsert(session, [self._story(number) for number in numbers], now=NOW, site_url="")
            self.ids |= {number: one.id for number, one in zip(numbers, saved, strict=True)}

    def _bring_back(self, session: Session, ids: Sequence[int]) -> None:
        """An editor publishes what is withdrawn, which no import does."""
        for id in ids:
            current = editing.lock_article(session, id)
            if current is not None and current.existing_row.status == "withdrawn":
                editing.edit(
                    session,
                    current,
                    ArticleEdit({"status": "published", "published_at": NOW}),
                    SaveContext(NOW, "ann", ""),
                )

    def _rename(self, session: Session) -> None:
        """A name in every copy is another now."""
        connection = session.connection()
        id = connection.execute(select(TAG.c.id).where(TAG.c.slug == "a")).scalar()
        if id is not None:
            name = f"A as of {self.chance.random()}"
            connection.execute(update(TAG).where(TAG.c.id == id).values(name=name))
            log.record(session, log.LogEntry("tag", id, "tag_renamed", public=True))

    def _story(self, number: int) -> Manuscript:
        chance = self.chance
        status = chance.choice([*["published"] * 4, "draft", "withdrawn", "scheduled", None])
        related = chance.sample(["A title that nobody has", "It waits for this one here"], chance.randint(0, 1))
        title = "It waits for this one here" if number == 1 else f"Story {number} as of {chance.random()}"
        return replace(
            self._base,
            identity=f"id:{number}",
            external_id=str(number),
            title=title,
            tags=tuple(TagSpec(tag, "topic") for tag in chance.sample("abc", chance.randint(0, 3))),
            regions=chance.choice(self._places),
            status=status,
            language=chance.choice(["en", "fr"]),
            published_at=LATER - DAY if status == "scheduled" else NOW - chance.randint(1, 900) * DAY,
            related=tuple(RelatedEntry(one) for one in related),
            slug=chance.choice([None, f"moved-{number}-{chance.choice('xyz')}"]),
            translation_of=self.ids.get(0) if number and chance.random() < 0.2 else None,
            content_hash=str(chance.random()),
        )


FILTERS = ("", "tag=a&tag_not=b", "region=europe&language=en", "has=unresolved")


def consumers(address: str, folder: Path, seed: int, filters: Sequence[str] = FILTERS) -> list[Consumer]:
    return [
        Consumer(address, expected, folder / f"copy{i}.json", random.Random(seed + i))
        for i, expected in enumerate(filters)
    ]


def run(writer: RandomWriter, following: Sequence[Consumer], rows: int) -> None:
    """Writes until the log has so many rows more; now and then one of the consumers has a go. In the end nothing is due
    that the server would send live by itself."""
    start = seq = writer.write()
    while seq < start + rows:
        if seq > start + rows // 2:
            writer.renames = 0
        seq = writer.write()
        if writer.chance.random() < 0.5:
            writer.chance.choice(following).step()
    while writer.db.write_now(service.go_live, now=LATER).value:
        pass


def faults(following: Sequence[Consumer]) -> list[str]:
    """Lets each catch up; where its copy is not what the list has, or what it met not what was told, once each."""
    wrong = []
    for one in following:
        one.network.reliable = True
        while one.step():
            pass
        if one.read()["articles"] != one.load_list():
            wrong.append(f"{one.filter!r}: the copy is not what the list has")
        if not one.has_met_all():
            wrong.append(f"{one.filter!r}: changes missed or met twice")
        one.inner.close()
    return wrong
