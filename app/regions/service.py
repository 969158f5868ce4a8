"""Loads the shipped regions into an archive and reads the atlas back. Loading twice changes nothing."""

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

import orjson
from sqlalchemy import Column, Connection, Table, bindparam, delete, func, insert, select, update
from sqlmodel import Session

from app.changes import jobs, log
from app.db.database import Readable, Row, Snapshot
from app.db.log_position import LogHead
from app.db.sql import Prepared, Value, lock_vocabulary, prepare, read_into
from app.models import ArticleRegion, Change, ChangeHead, Region, RegionMember, RegionName, RegionWithin, table
from app.regions import standard_regions
from app.regions.atlas import Atlas, AtlasRegion, Name

REGION, NAME, MEMBER, WITHIN = table(Region), table(RegionName), table(RegionMember), table(RegionWithin)
CHANGE, HEAD, PLACED = table(Change), table(ChangeHead), table(ArticleRegion)

_cache: dict[tuple[int, int], Atlas] = {}
"""Atlases by (epoch, names_seq): the same numbers mean the same rows, in whatever database of this process."""


_NAMES_STATE = select(HEAD.c.epoch, HEAD.c.names_seq)
Rows = list[Row]
Within = Mapping[int, frozenset[int]]


def build(rows: tuple[Rows, Rows, Rows], names_seq: int) -> Atlas:
    """The atlas from the rows of `statements`, in their order."""
    places, names, members = rows
    return Atlas(
        read_into(AtlasRegion, ((*row[:-2], _load_tuple(row[-2]), _load_tuple(row[-1])) for row in places)),
        read_into(Name, names),
        ((int(str(g)), int(str(m))) for g, m in members),
        names_seq,
    )


def _load_tuple(value: object) -> tuple[object, ...] | None:
    return None if value is None else tuple(orjson.loads(str(value)))


_PLACES = (
    "id", "slug", "name", "level", "iso2", "iso3", "iso4", "m49", "parent_id", "capital_id", "since", "until",
    "latitude", "longitude", "bbox", "successors",
)  # fmt: skip


@lru_cache(maxsize=4)
def statements(dialect: str) -> tuple[Prepared, Prepared, Prepared]:
    """What an atlas is read with: places, names, members; `build` takes their rows."""
    return (
        prepare(select(*(REGION.c[name] for name in _PLACES)), dialect),
        prepare(select(NAME.c.region_id, NAME.c.language, NAME.c.name, NAME.c.name_key, NAME.c.alias), dialect),
        prepare(select(MEMBER.c.grouping_id, MEMBER.c.member_id), dialect),
    )


def _rows(connection: Connection) -> tuple[Rows, Rows, Rows]:
    places, names, members = (
        [tuple(row) for row in connection.exec_driver_sql(statement.sql, statement.constants)]
        for statement in statements(connection.dialect.name)
    )
    return places, names, members


def read(connection: Connection) -> Atlas:
    """The atlas as the tables have it now, past every cache."""
    return build(_rows(connection), 0)


def atlas(connection: Connection) -> Atlas:
    """All regions as this transaction sees them."""
    epoch, names_seq = connection.execute(_NAMES_STATE).one()
    cached = _cache.get((epoch, names_seq))
    if cached is None:
        older, values = _older(epoch, names_seq)
        same = older and not Snapshot(connection).fetch(log.renamed_statement(connection.dialect.name), values)
        cached = older.as_of(names_seq) if older and same else build(_rows(connection), names_seq)
        _keep_newest(epoch, cached)
    return cached


def _older(epoch: int, names_seq: int) -> tuple[Atlas | None, dict[str, Value]]:
    """The newest atlas from a little before a place, and what to ask the log with whether it still holds there."""
    near = (atlas for (e, seq), atlas in list(_cache.items()) if e == epoch and names_seq - log.NEAR < seq < names_seq)
    newest = max(near, key=lambda atlas: atlas.names_seq, default=None)
    return newest, {"after": newest.names_seq if newest else 0, "until": names_seq, "entities": ["region"]}


def _keep_newest(epoch: int, atlas: Atlas) -> None:
    """Remembers the newest few; older ones serve nobody."""
    while len(_cache) > 3:
        _cache.pop(next(iter(_cache)), None)  # another thread may be at it
    _cache[(epoch, atlas.names_seq)] = atlas


_reading: dict[tuple[int, int], asyncio.Task[Atlas]] = {}


def get_known(epoch: int, names_seq: int) -> Atlas | None:
    """The atlas as of a head, if it is in memory."""
    return _cache.get((epoch, names_seq))


async def current(db: Readable, epoch: int, names_seq: int) -> Atlas:
    """The atlas as of a head, from memory unless a region has changed; then one of the requests reads it for all."""
    cached = get_known(epoch, names_seq)
    if cached is not None:
        return cached
    key = (epoch, names_seq)
    task = _reading.get(key)
    # A task of a loop that has ended, as those of commands and tests do, is never done.
    if task is None or task.get_loop() is not asyncio.get_running_loop():
        task = _reading[key] = asyncio.create_task(_read_current(db, epoch, names_seq))
        task.add_done_callback(lambda _: _reading.pop(key, None))
    return await asyncio.shield(task)


async def newest(db: Readable) -> Atlas:
    """The atlas as of now, for what a request meets that is newer than its own."""
    [head] = read_into(LogHead, await db.reader.rows(log.head_statement(db.dialect), {}))
    return await current(db, head.epoch, head.names_seq)


async def _read_current(db: Readable, epoch: int, names_seq: int) -> Atlas:
    older, values = _older(epoch, names_seq)
    if older and not await db.reader.rows(log.renamed_statement(db.dialect), values):
        atlas = older.as_of(names_seq)
        _keep_newest(epoch, atlas)
        return atlas
    places, names, members = [
        await db.reader.rows(statement, {}, bounded=False) for statement in statements(db.dialect)
    ]
    atlas = await asyncio.to_thread(build, (places, names, members), names_seq)
    _keep_newest(epoch, atlas)
    return atlas


def load(session: Session) -> int:
    """Brings the shipped regions in: new ones are added, changed ones follow the facts. Returns how many changed.

    Groupings and cities that an archive has added or changed stay as they are. A changed shape of the tree is logged,
    so that whoever keeps an atlas reads it again, and a job brings articles to where they lie then.
    """
    connection = session.connection()
    lock_vocabulary(connection, alone=True)
    edited = _find_edited(connection)
    facts = tuple(fact for fact in standard_regions.load() if fact.slug not in edited)
    old: dict[str, tuple[object, ...]] = {
        row.slug: tuple(row) for row in connection.execute(select(*(REGION.c[name] for name in _COLUMNS)))
    }
    rows = [
        {
            "slug": fact.slug,
            "name": fact.names["en"],
            "level": fact.level,
            "iso2": fact.iso2,
            "iso3": fact.iso3,
            "iso4": fact.iso4,
            "m49": fact.m49,
            "since": fact.since,
            "until": fact.until,
            "successors": orjson.dumps(fact.successors).decode(),
        }
        for fact in facts
    ]
    changed = [row for row in rows if old.get(str(row["slug"])) != tuple(row[name] for name in _COLUMNS)]
    added = [row for row in changed if row["slug"] not in old]
    if added:
        connection.execute(insert(REGION), added)
    for row in changed:
        if row["slug"] in old:
            connection.execute(update(REGION).where(REGION.c.slug == row["slug"]).values(row))
    ids: dict[str, int] = {row.slug: row.id for row in connection.execute(select(REGION.c.slug, REGION.c.id))}
    touched = {str(row["slug"]) for row in changed} | _load_links(session, facts, ids)
    located = _set_coordinates(connection)
    for slug in sorted(touched):
        event = "region_added" if slug not in old else "region_renamed"
        log.record(session, log.LogEntry("region", ids[slug], event, public=True))
    if located and not touched:
        # One for all: no card has coordinates, so that copies have nothing to mend.
        log.record(session, log.LogEntry("region", ids[min(located)], log.REGIONS_LOCATED, public=True))
    return len(touched | located)


def _set_coordinates(connection: Connection) -> set[str]:
    """Those of all shipped regions, edited or not: nobody edits where they lie. The slugs of those that changed."""
    columns = (REGION.c.slug, REGION.c.latitude, REGION.c.longitude, REGION.c.bbox)
    old = {row.slug: tuple(row) for row in connection.execute(select(*columns))}
    new = (
        (fact.slug, fact.latitude, fact.longitude, orjson.dumps(fact.bbox).decode() if fact.bbox else None)
        for fact in standard_regions.load()
    )
    changed = [row for row in new if old.get(row[0], row) != row]
    if changed:
        names = ("of", "north", "east", "box")
        line = update(REGION).where(REGION.c.slug == bindparam("of"))
        line = line.values(latitude=bindparam("north"), longitude=bindparam("east"), bbox=bindparam("box"))
        connection.execute(line, [dict(zip(names, row, strict=True)) for row in changed])
    return {row[0] for row in changed}


def _find_edited(connection: Connection) -> set[str]:
    """What editors have changed: of those alone the log says which fields, but for the articles in them."""
    is_own = (CHANGE.c.changed_fields != "[]") & (CHANGE.c.event != log.REGION_FILLED)
    by_hand = (CHANGE.c.entity == "region") & is_own
    return set(
        connection.execute(
            select(REGION.c.slug).join(CHANGE, REGION.c.id == CHANGE.c.entity_id).where(by_hand)
        ).scalars()
    )


_COLUMNS = ("slug", "name", "level", "iso2", "iso3", "iso4", "m49", "since", "until", "successors")


def _load_links(session: Session, facts: tuple[standard_regions.RegionFact, ...], ids: dict[str, int]) -> set[str]:
    """Parents, capitals, names and members of the shipped regions; returns the slugs whose links changed."""
    connection = session.connection()
    before = read(connection).within
    now = {row.slug: (row.parent_id, row.capital_id) for row in connection.execute(select(REGION))}
    lines = {
        fact.slug: (ids[fact.parent] if fact.parent else None, ids[fact.capital] if fact.capital else None)
        for fact in facts
    }
    touched = {slug for slug, line in lines.items() if now[slug] != line}
    if touched:
        line = update(REGION).where(REGION.c.slug == bindparam("of"))
        line = line.values(parent_id=bindparam("parent"), capital_id=bindparam("capital"))
        moved = ({"of": slug, "parent": lines[slug][0], "capital": lines[slug][1]} for slug in sorted(touched))
        connection.execute(line, list(moved))
    shipped = {ids[fact.slug]: fact for fact in facts}
    names = {(ids[fact.slug], *name) for fact in facts for name in _names(fact)}
    columns = (NAME.c.region_id, NAME.c.language, NAME.c.name, NAME.c.name_key, NAME.c.alias)
    touched |= _replace(session, NAME, columns, names, shipped)
    members = {(ids[fact.slug], ids[member]) for fact in facts for member in fact.members}
    touched |= _replace(session, MEMBER, (MEMBER.c.grouping_id, MEMBER.c.member_id), members, shipped)
    if touched:
        follow(session, rebuild_closure(session, before))
    return touched


def _names(fact: standard_regions.RegionFact) -> set[tuple[str, str, str, bool]]:
    own_names = {(language, name, standard_regions.fold(name), False) for language, name in fact.names.items()}
    aliases = {
        (language, name, standard_regions.fold(name), True)
        for language, names in fact.aliases.items()
        for name in names
    }
    return own_names | aliases


def _replace(
    session: Session,
    rows: Table,
    columns: Sequence[Column[object]],
    new_rows: Set[tuple[object, ...]],
    shipped: dict[int, standard_regions.RegionFact],
) -> set[str]:
    """Makes the rows of the shipped regions equal to what is wanted; the first column is the region's id."""
    connection = session.connection()
    there = {tuple(row) for row in connection.execute(select(*columns))}
    owner = next(iter(rows.c[name] for name in ("region_id", "grouping_id") if name in rows.c))
    stale = {row for row in there if row[0] in shipped} ^ new_rows
    owners = {row[0] for row in stale}
    if there and owners:
        connection.execute(delete(rows).where(owner == bindparam("owner")), [{"owner": id} for id in owners])
    again = [row for row in new_rows if row[0] in owners]
    if again:
        keys = [str(column.key) for column in columns]
        connection.execute(insert(rows), [dict(zip(keys, row, strict=True)) for row in sorted(again, key=repr)])
    return {shipped[int(str(row[0]))].slug for row in stale}


@dataclass(frozen=True, slots=True)
class MovedRegions:
    """Regions that lie in others than before, and those that they lie in now, or did so before."""

    moved: tuple[int, ...]
    filled: tuple[int, ...]


def rebuild_closure(session: Session, before: Within) -> MovedRegions:
    """Writes `region_within` anew from parents and members; what lies in others than `before`."""
    connection = session.connection()
    within = read(connection).within
    connection.execute(delete(WITHIN))
    pairs = [{"region_id": id, "ancestor_id": above} for id, all_ in within.items() for above in sorted(all_)]
    connection.execute(insert(WITHIN), pairs)
    moved = sorted(id for id, above in within.items() if before.get(id) != above)
    filled = sorted({above for id in moved for above in (within[id] ^ before.get(id, frozenset())) - {id}})
    return MovedRegions(tuple(moved), tuple(filled))


def follow(session: Session, regions: MovedRegions, result: str | None = None) -> int | None:
    """A job that writes anew what the articles of moved regions lie in; None where there are no such articles."""
    linked = PLACED.c.region_id.in_(regions.moved) & (PLACED.c.roles != 0)
    count = select(func.count(PLACED.c.article_id.distinct())).where(linked)
    total: int = session.connection().execute(count).scalar_one()
    arguments: dict[str, object] = {"regions": regions.moved, "filled": regions.filled, "result": result}
    return jobs.add(session, "place_articles", arguments, total) if total else None
