"""Saves, changes and removes searches. Plain functions, session first; never commits. Each of these deeds is in the
audit, with the slug of a public search alone: what a private one is called and asks is its owner's."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import ColumnElement, delete, func, insert, literal_column, select, update
from sqlmodel import Session

from app.changes import log
from app.db import audit_rows
from app.db.audit_rows import Action, AuditRecord
from app.db.database import Snapshot
from app.db.sql import read_clock
from app.errors import IndexBehind, NotFound, SearchTooBroad, SlugTaken, TooManySearches
from app.models import SavedSearch, SearchQuery, table
from app.search.saved_searches import finding, followers, matches
from app.search.saved_searches.definition import Definition
from app.search.saved_searches.finding import IndexMatches
from app.search.saved_searches.matches import MatchPosition
from app.search.saved_searches.question import compute_hash

SEARCH, QUERY = table(SavedSearch), table(SearchQuery)
MOST_MATCHES = 10_000
"""Articles that may match a search when it is saved: they are all written down, so that leaving can be told."""


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """How many searches the keys of one name may have, and the archive."""

    owner: int
    archive: int


@dataclass(frozen=True, slots=True)
class NewSearch:
    """What is to be saved, by whom. `index_matches`: what the index finds, where nobody asks that question yet."""

    owner: str
    slug: str
    name: str | None
    public: bool
    definition: Definition
    index_matches: IndexMatches | None


@dataclass(frozen=True, slots=True)
class SearchUpdate:
    """What is to change of one search. `fields` are the names of what was sent: a name may be None, and still be among
    it. `public` and `definition` are left as they are where they are None."""

    fields: frozenset[str]
    name: str | None = None
    public: bool | None = None
    definition: Definition | None = None
    index_matches: IndexMatches | None = None


def create(session: Session, new: NewSearch, limits: SearchLimits) -> int:
    """The number of the search. SlugTaken, TooManySearches, SearchTooBroad; IndexBehind where the index cannot tell
    now what matches."""
    position = matches.lock_position(session)
    _check_limits(session, new.owner, limits)
    _check_slug(session, new.slug, SEARCH.c.owner == new.owner)
    if new.public:
        _check_slug(session, new.slug, literal_column("saved_search.public"))
    query = _ask(session, position, new.definition, new.index_matches)
    now = read_clock(session.connection())
    row = {
        "owner": new.owner, "slug": new.slug, "name": new.name, "public": new.public, "query_id": query,
        "definition": new.definition.stored, "created_at": now, "updated_at": now,
    }  # fmt: skip
    id: int = session.connection().execute(insert(SEARCH).returning(SEARCH.c.id), row).scalar_one()
    _note(session, "search_create", id, new.slug if new.public else None)
    return id


def update_search(session: Session, id: int, change: SearchUpdate) -> None:
    """NotFound where it was removed meanwhile; else as `create`."""
    position = matches.lock_position(session)
    row = session.connection().execute(select(SEARCH).where(SEARCH.c.id == id)).first()
    if row is None:
        raise NotFound()
    if not change.fields:
        return
    values: dict[str, object] = {"updated_at": read_clock(session.connection())}
    if "name" in change.fields:
        values["name"] = change.name
    if change.public is not None:
        values["public"] = change.public
        if change.public and not row.public:
            _check_slug(session, row.slug, literal_column("saved_search.public"))
    if change.definition is not None:
        query = _ask(session, position, change.definition, change.index_matches)
        values |= {"query_id": query, "definition": change.definition.stored}
    session.connection().execute(update(SEARCH).where(SEARCH.c.id == id).values(values))
    if change.definition is not None:
        _release(session, row.query_id)
    is_public = row.public if change.public is None else change.public
    _note(session, "search_edit", id, row.slug if is_public else None, {"fields": sorted(change.fields)})


def remove(session: Session, id: int) -> None:
    """Its question is asked no more unless another search asks it; what matched is removed behind, in chunks. Webhooks
    that follow it are switched off."""
    matches.lock_position(session)
    followers.switch_off(session, id)
    gone = delete(SEARCH).where(SEARCH.c.id == id).returning(SEARCH.c.query_id, SEARCH.c.slug, SEARCH.c.public)
    row = session.connection().execute(gone).first()
    if row is None:
        raise NotFound()
    _release(session, row.query_id)
    _note(session, "search_delete", id, row.slug if row.public else None)


def _note(
    session: Session, action: Action, id: int, public_slug: str | None, details: Mapping[str, object] | None = None
) -> None:
    named = {} if public_slug is None else {"search": public_slug}
    audit_rows.add_record(session, AuditRecord(action, "search", id, details={**named, **(details or {})}))


def is_asked(snapshot: Snapshot, question: str) -> bool:
    """Whether a saved search asks that question already."""
    same = select(QUERY.c.id).where(QUERY.c.hash == compute_hash(question))
    return snapshot.connection.execute(same).first() is not None


def check_total(total: int) -> None:
    """SearchTooBroad where more match than can be written down."""
    if total > MOST_MATCHES:
        detail = f"{total:,} articles match, and a saved search may begin with {MOST_MATCHES:,} at most. "
        raise SearchTooBroad(detail + "Add words, or a filter such as tag, section or published_from.", pointer="/q")


def _check_limits(session: Session, owner: str, limits: SearchLimits) -> None:
    count = select(func.count()).select_from(SEARCH)
    connection = session.connection()
    if connection.execute(count.where(SEARCH.c.owner == owner)).scalar_one() >= limits.owner:
        raise TooManySearches(f"The keys of this name have {limits.owner:,} saved searches. Remove one first.")
    if connection.execute(count).scalar_one() >= limits.archive:
        raise TooManySearches(f"This archive has {limits.archive:,} saved searches. Ask its operator.")


def _check_slug(session: Session, slug: str, among: ColumnElement[bool]) -> None:
    taken = select(SEARCH.c.id).where(SEARCH.c.slug == slug, among)
    if session.connection().execute(taken).first() is not None:
        raise SlugTaken(slug)


def _ask(session: Session, position: MatchPosition, definition: Definition, index_matches: IndexMatches | None) -> int:
    """The number of the question, which is new where nobody asks it yet."""
    question = definition.question.serialize()
    connection = session.connection()
    known = connection.execute(select(QUERY.c.id).where(QUERY.c.hash == compute_hash(question))).scalar()
    if known is not None:
        return int(known)
    snapshot = Snapshot(connection)
    head = log.head(snapshot)
    if connection.execute(select(QUERY.c.id).where(QUERY.c.hash.is_not(None)).limit(1)).first() is None:
        # The first one: nothing has been matched up to here, and nothing has to be.
        position = replace(
            position, epoch=head.epoch, seq=head.seq, mark=head.mark, public_seq=head.public_seq,
            public_mark=head.public_mark,
        )  # fmt: skip
    if position.epoch != head.epoch or index_matches is None:
        raise IndexBehind("Saved searches are being matched; try again.")
    ids = finding.bring_up_to_date(snapshot, definition.question, index_matches, position.seq)
    check_total(len(ids))
    values = {
        "hash": compute_hash(question), "mark": secrets.token_hex(6), "base_seq": position.public_seq,
        "question": question, "candidate_keys": orjson.dumps(definition.keys).decode(),
    }  # fmt: skip
    query: int = connection.execute(insert(QUERY).returning(QUERY.c.id), values).scalar_one()
    matches.upsert(session, [(query, id, position.public_seq, True) for id in ids])
    matches.move_position(session, replace(position, version=position.version + 1))
    return query


def _release(session: Session, query: int) -> None:
    connection = session.connection()
    if connection.execute(select(SEARCH.c.id).where(SEARCH.c.query_id == query).limit(1)).first() is not None:
        return
    connection.execute(update(QUERY).where(QUERY.c.id == query).values(hash=None))
    position = matches.read_position(connection)
    matches.move_position(session, replace(position, version=position.version + 1))
