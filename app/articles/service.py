"""Changes articles: one way in for every door, in sets. Plain functions, session first; never commits.

Each change is recorded for the log beside the fact, and related posts are linked in the same transaction.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import Connection, bindparam, func, insert, literal_column, select, update
from sqlmodel import Session

from app import text
from app.articles import facts, links, related, slugs
from app.articles.filters import Facts
from app.articles.manuscript import Manuscript
from app.changes import log
from app.errors import ExternalIdTaken
from app.models import Article, Source, table
from app.regions import service as regions
from app.tags import service as tags

A, SOURCE = table(Article), table(Source)

AT_ONCE = 500
SHARED = 0.15
"""Of the longer words: unrelated articles in one language share about a twentieth, an edited one most."""

Outcome = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one manuscript."""

    id: int
    version: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Existing:
    id: int
    version: int
    status: str
    slug: str
    content_hash: str
    published_at: int | None
    published_precision: str
    first_published_at: int | None
    withdrawn_at: int | None


def create(session: Session, manuscript: Manuscript, *, now: int, site_url: str) -> Saved:
    """One new article. SlugTaken where a given slug is not free, ExternalIdTaken where its identity is known."""
    if manuscript.identity and _existing(session.connection(), [manuscript]):
        raise ExternalIdTaken(manuscript.external_id or manuscript.identity)
    return _save(session, [manuscript], {}, now=now, site_url=site_url, strict=True)[0]


def upsert(session: Session, manuscripts: Sequence[Manuscript], *, now: int, site_url: str) -> list[Saved]:
    """Creates or updates by (origin, identity), in the order given; an equal content hash changes nothing.

    Of several with the same identity in one call the last one counts, as if they had come one after the other.
    """
    last = {_identity(m, i): m for i, m in enumerate(manuscripts)}
    existing = _existing(session.connection(), list(last.values()), lock=True)
    saved = dict(
        zip(last, _save(session, list(last.values()), existing, now=now, site_url=site_url, strict=False), strict=True)
    )
    return [saved[_identity(m, i)] for i, m in enumerate(manuscripts)]


def go_live(session: Session, *, now: int) -> list[int]:
    """Publishes what is scheduled and due, once, whichever process comes first; returns the articles' ids, at most
    AT_ONCE of them."""
    connection = session.connection()
    due = (A.c.status == literal_column("'scheduled'")) & (A.c.published_at <= now)
    next_due = select(A.c.id).where(due).order_by(A.c.published_at, A.c.id).limit(AT_ONCE)
    ids = sorted(connection.execute(next_due.with_for_update(key_share=True)).scalars())
    before = facts.load(connection, ids)
    related.stand_in_line(connection)
    live = (
        update(A)
        .where(A.c.id.in_(ids))
        .values(
            status="published",
            public_once=True,
            version=A.c.version + 1,
            first_published_at=func.coalesce(A.c.first_published_at, A.c.published_at),
        )
    )
    connection.execute(live)
    links.show(connection, ids)
    linked = related.link(connection, ids, ids)
    _record(session, ids, before, {id: ["status"] for id in ids}, linked)
    return ids


def withdraw(session: Session, ids: Sequence[int], *, now: int, reason: str | None = None) -> list[int]:
    """Takes published articles from the public; returns those that were. `reason` is shown to everybody who asks."""
    connection = session.connection()
    shown = A.c.status == literal_column("'published'")
    public = select(A.c.id).where(shown, A.c.id.in_(ids)).order_by(A.c.id)
    withdrawn = list(connection.execute(public.with_for_update(key_share=True)).scalars())
    before = facts.load(connection, withdrawn)
    gone = (
        update(A)
        .where(A.c.id.in_(withdrawn))
        .values(status="withdrawn", version=A.c.version + 1, updated_at=now, withdrawn_at=now, withdrawn_reason=reason)
    )
    connection.execute(gone)
    links.hide(connection, withdrawn)
    _record(session, withdrawn, before, {id: ["status"] for id in withdrawn}, {})
    return withdrawn


def strangers(connection: Connection, manuscripts: Sequence[Manuscript]) -> dict[tuple[str, str], str]:
    """Articles known by their file's name alone that a manuscript of the same name shares nothing with: neither slug
    nor title, nor its longer words. (origin, identity) → the known article's title."""
    by_path = {
        (m.origin, m.identity): m for m in manuscripts if m.identity is not None and m.identity.startswith("path:")
    }
    found: dict[tuple[str, str], str] = {}
    for (origin, identity), manuscript in by_path.items():
        known = select(A.c.title, A.c.slug, A.c.body, A.c.content_hash).where(
            A.c.origin == origin, A.c.identity == identity
        )
        row = connection.execute(known).first()
        if row is None or row.content_hash == manuscript.content_hash:
            continue
        old, new = _long_words(row.body), _long_words(manuscript.body)
        same_name = text.words_key(row.title) == text.words_key(manuscript.title) or row.slug == manuscript.slug
        if not same_name and len(old & new) <= SHARED * min(len(old), len(new)):
            found[(origin, identity)] = row.title
    return found


def _long_words(body: str) -> set[str]:
    """Of five letters and more: the short ones are in every article."""
    return {word for word in text.words_key(body).split() if len(word) >= 5}


def would_be(connection: Connection, manuscripts: Sequence[Manuscript]) -> list[Outcome]:
    """What `upsert` would do with each, without doing it."""
    existing = _existing(connection, manuscripts)
    outcomes: list[Outcome] = []
    for i, manuscript in enumerate(manuscripts):
        old = existing.get(_identity(manuscript, i))
        same = old is not None and old.content_hash == manuscript.content_hash
        outcomes.append("unchanged" if same else "created" if old is None else "updated")
    return outcomes


def _identity(manuscript: Manuscript, position: int) -> tuple[str, str | int]:
    return manuscript.origin, manuscript.identity if manuscript.identity is not None else position


def _existing(
    connection: Connection, manuscripts: Sequence[Manuscript], *, lock: bool = False
) -> dict[tuple[str, str | int], _Existing]:
    """What is known of the manuscripts' articles. `lock`: on PostgreSQL they stay as they are until the commit; without
    it a withdrawal in between would be overwritten by what stood here before."""
    by_origin: dict[str, list[str]] = {}
    for manuscript in manuscripts:
        if manuscript.identity is not None:
            by_origin.setdefault(manuscript.origin, []).append(manuscript.identity)
    columns = [A.c[name] for name in _Existing.__slots__]
    found: dict[tuple[str, str | int], _Existing] = {}
    for origin, identities in by_origin.items():
        for i in range(0, len(identities), 500):
            known = select(A.c.identity, *columns).where(
                A.c.origin == origin, A.c.identity.in_(identities[i : i + 500])
            )
            if lock:
                known = known.order_by(A.c.id).with_for_update(key_share=True)
            found |= {(origin, row[0]): _Existing(*row[1:]) for row in connection.execute(known)}
    return found


def _save(
    session: Session,
    manuscripts: list[Manuscript],
    existing: Mapping[tuple[str, str | int], _Existing],
    *,
    now: int,
    site_url: str,
    strict: bool,
) -> list[Saved]:
    connection = session.connection()
    old = [existing.get(_identity(m, i)) for i, m in enumerate(manuscripts)]
    pending = [i for i, e in enumerate(old) if e is None or e.content_hash != manuscripts[i].content_hash]
    fresh = [i for i in pending if old[i] is None]
    changed = {i: e for i in pending if (e := old[i]) is not None}
    before = facts.load(connection, [e.id for e in changed.values()])
    sources = _sources(connection, {m.source for i in pending if (m := manuscripts[i]).source})
    rows = {i: _row(manuscripts[i], old[i], sources, now) for i in pending}
    ids = {i: e.id for i, e in changed.items()}
    fields = _changed_fields(connection, {e.id: rows[i] for i, e in changed.items()})
    related.stand_in_line(connection)
    ids |= _insert(connection, fresh, manuscripts, rows, now, strict=strict)
    _move(connection, changed, manuscripts, rows)
    _update(connection, changed, rows)
    _keep_addresses(connection, {ids[i]: manuscripts[i] for i in pending})
    wanted = [one for i in pending for one in manuscripts[i].tags]
    shown = {i: rows[i]["published_at"] if rows[i]["status"] == "published" else None for i in pending}
    links.replace(
        connection,
        [(ids[i], manuscripts[i], _instant(shown[i])) for i in pending],
        tags.resolve(session, wanted),
        regions.atlas(connection),
        [e.id for e in changed.values()],
    )
    entries = [(ids[i], manuscripts[i].related) for i in pending]
    related.replace(connection, entries, [e.id for e in changed.values()], site_url)
    published = [ids[i] for i in pending if rows[i]["status"] == "published"]
    linked = related.link(connection, [ids[i] for i in pending], published)
    _record(session, [ids[i] for i in pending], before, fields, linked)
    return [
        Saved(e.id, e.version, "unchanged")
        if e is not None and i not in rows
        else Saved(ids[i], _int(rows[i]["version"]), "created" if e is None else "updated")
        for i, e in enumerate(old)
    ]


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _instant(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _sources(connection: Connection, names: set[str]) -> dict[str, int]:
    """Ids of sources by name; unknown ones are made."""
    by_slug = {text.slug(name, "source"): name for name in sorted(names)}
    if not by_slug:
        return {}
    known = {
        row.slug: row.id
        for row in connection.execute(select(SOURCE.c.slug, SOURCE.c.id).where(SOURCE.c.slug.in_(by_slug)))
    }
    for slug in by_slug.keys() - known.keys():
        made = insert(SOURCE).returning(SOURCE.c.id)
        known[slug] = connection.execute(made, {"slug": slug, "name": by_slug[slug]}).scalar_one()
    return {name: known[text.slug(name, "source")] for name in names}


def _row(manuscript: Manuscript, old: _Existing | None, sources: Mapping[str, int], now: int) -> dict[str, object]:
    status = manuscript.status or (old.status if old else "published")
    published_at, precision = manuscript.published_at, manuscript.published_precision
    if published_at is None and old is not None:
        published_at, precision = old.published_at, old.published_precision
    if published_at is None and status == "published":
        published_at = now
    if status == "published" and published_at is not None and published_at > now:
        status = "scheduled"  # an embargo is kept, whoever said "published"
    if status == "scheduled" and published_at is None:
        status = "draft"
    first = old.first_published_at if old else None
    dateline = manuscript.dateline
    row: dict[str, object] = {name: getattr(manuscript, name) for name in _SAME}
    return row | {
        "version": old.version + 1 if old else 1,
        "status": status,
        "title_key": text.title_key(manuscript.title) or "",
        "sort_title": text.sort_key(manuscript.title),
        "dateline_text": dateline.text if dateline else None,
        "dateline_place": dateline.place if dateline else None,
        "dateline_region_id": dateline.region if dateline else None,
        "dateline_date": dateline.date if dateline else None,
        "dateline_precision": dateline.precision if dateline else None,
        "dateline_from": dateline.start if dateline else None,
        "dateline_to": dateline.end if dateline else None,
        "source_id": sources[manuscript.source] if manuscript.source else None,
        "published_at": published_at,
        "published_precision": precision,
        "first_published_at": first if first is not None or status != "published" else published_at,
        "withdrawn_at": ((old.withdrawn_at if old else None) or now) if status == "withdrawn" else None,
        "public_once": status == "published" or (old is not None and old.first_published_at is not None),
        "updated_at": manuscript.updated_at
        if manuscript.updated_at is not None
        else (now if old else published_at or now),
    }


_SAME = (
    "title", "title_derived", "standfirst", "body", "source_url", "signature", "translation_of", "seo", "images",
    "extra", "word_count", "language", "origin", "identity", "external_id", "content_hash",
)  # fmt: skip


def _insert(
    connection: Connection,
    fresh: Sequence[int],
    manuscripts: Sequence[Manuscript],
    rows: Mapping[int, dict[str, object]],
    now: int,
    *,
    strict: bool,
) -> dict[int, int]:
    if not fresh:
        return {}
    chosen = slugs.choose(connection, [manuscripts[i] for i in fresh], strict=strict)
    for i, slug in zip(fresh, chosen, strict=True):
        rows[i].update(slug=slug, created_at=now, corrections="[]")
    statement = insert(A).returning(A.c.id, sort_by_parameter_order=True)
    made = connection.execute(statement, [rows[i] for i in fresh]).scalars().all()
    slugs.claim(connection, zip(chosen, made, strict=True))
    return dict(zip(fresh, made, strict=True))


def _update(connection: Connection, changed: Mapping[int, _Existing], rows: Mapping[int, dict[str, object]]) -> None:
    if not changed:
        return
    names = next(iter(rows[i] for i in changed))
    statement = (
        update(A).where(A.c.id == bindparam("row_id")).values({name: bindparam(f"new_{name}") for name in names})
    )
    bound = [{"row_id": e.id, **{f"new_{name}": value for name, value in rows[i].items()}} for i, e in changed.items()]
    connection.execute(statement, bound)


def _move(
    connection: Connection,
    changed: Mapping[int, _Existing],
    manuscripts: Sequence[Manuscript],
    rows: Mapping[int, dict[str, object]],
) -> None:
    """Gives a known article the slug that its source has now; the old one keeps leading to it. One that got a number
    because its slug was taken keeps that."""
    wanted = {i: text.slug(slug, "article") for i in changed if (slug := manuscripts[i].slug)}
    moved = {i: changed[i] for i, slug in wanted.items() if _is_elsewhere(slug, changed[i].slug)}
    owners = slugs.owners(connection, [wanted[i] for i in moved])
    back = {i for i, e in moved.items() if owners.get(wanted[i]) == e.id}
    away = [i for i in moved if i not in back]
    chosen = slugs.choose(connection, [manuscripts[i] for i in away], strict=False)
    slugs.claim(connection, zip(chosen, (moved[i].id for i in away), strict=True))
    for i, slug in (*zip(away, chosen, strict=True), *((i, wanted[i]) for i in back)):
        rows[i]["slug"] = slug
    for i, e in changed.items():
        rows[i].setdefault("slug", e.slug)


def _is_elsewhere(wanted: str, slug: str) -> bool:
    return not re.fullmatch(f"{re.escape(wanted)}(-[0-9]+)?", slug)


# Which property of an article a column belongs to, where the names differ.
_FIELD_OF = {
    "source_id": "source",
    "source_url": "source",
    **{f"dateline_{part}": "dateline" for part in ("text", "place", "region_id", "date", "precision")},
}
_COMPARED = (
    "title", "standfirst", "body", "language", "signature", "translation_of", "seo", "images", "external_id", "status",
    "published_at", "published_precision", *_FIELD_OF,
)  # fmt: skip


def _changed_fields(connection: Connection, rows: Mapping[int, dict[str, object]]) -> dict[int, list[str]]:
    """Properties that the new rows of known articles change, by id; links are compared by their facts."""
    found: dict[int, list[str]] = {}
    ids = list(rows)
    for i in range(0, len(ids), 500):
        columns = (A.c.id, *(A.c[name] for name in _COMPARED))
        for row in connection.execute(select(*columns).where(A.c.id.in_(ids[i : i + 500]))):
            new = rows[row.id]
            differing = (name for name, value in zip(_COMPARED, row[1:], strict=True) if new[name] != value)
            found[row.id] = list(dict.fromkeys(_FIELD_OF.get(name, name) for name in differing))
    return found


def _keep_addresses(connection: Connection, saved: Mapping[int, Manuscript]) -> None:
    old_slugs = [(text.slug(slug, "article"), id) for id, m in saved.items() for slug in m.previous_slugs]
    if old_slugs:
        slugs.keep(connection, old_slugs)
    urls = [(url, id) for id, m in saved.items() for url in (m.source_url, *m.previous_urls) if url]
    if urls:
        slugs.keep_urls(connection, urls)


def _record(
    session: Session,
    ids: Sequence[int],
    before: Mapping[int, Facts],
    fields: Mapping[int, Sequence[str]],
    linked: Mapping[int, Sequence[int]],
) -> None:
    """A row for each saved article, and a `linked` row for each other article whose related post found its target."""
    connection = session.connection()
    others = sorted(set(linked) - set(ids))
    after = facts.load(connection, [*ids, *others])
    versions = _versions(connection, [*ids, *others])
    for id in ids:
        log.record(session, _entry(id, versions[id], before.get(id), after[id], fields.get(id, ())))
    for id in others:
        # Before: the same facts, but an entry was still waiting.
        entry = _entry(id, versions[id], replace(after[id], has_unresolved=True), after[id])
        log.record(session, replace(entry, event="linked", changed_fields=("related",)))
    changed = {id for id in ids if _is_public(before.get(id)) != _is_public(after[id])}
    _record_translations(session, sorted(changed), set(ids))


def _is_public(facts: Facts | None) -> bool:
    return facts is not None and facts.status == "published"


def _record_translations(session: Session, originals: Sequence[int], but: Set[int]) -> None:
    """A `linked` row for each translation of what became public or is so no longer: as filters see it, it has an
    original only while that is public."""
    connection = session.connection()
    translations: dict[int, int] = {}
    for i in range(0, len(originals), 500):
        of = select(A.c.id, A.c.translation_of).where(A.c.translation_of.in_(originals[i : i + 500]))
        translations |= {row[0]: row[1] for row in connection.execute(of) if row[0] not in but}
    after, versions = facts.load(connection, list(translations)), _versions(connection, list(translations))
    for id, original in sorted(translations.items()):
        before = replace(after[id], translation_of=None if after[id].translation_of else original)
        entry = _entry(id, versions[id], before, after[id], ["translation_of"])
        log.record(session, replace(entry, event="linked"))


def _versions(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for i in range(0, len(ids), 500):
        rows = connection.execute(select(A.c.id, A.c.version).where(A.c.id.in_(ids[i : i + 500])))
        found |= {row[0]: row[1] for row in rows}
    return found


def _entry(id: int, version: int, before: Facts | None, after: Facts, fields: Sequence[str] = ()) -> log.Entry:
    was, is_ = before is not None and before.status == "published", after.status == "published"
    event = "published" if is_ and not was else "withdrawn" if was and not is_ else "updated"
    links = {name for name in ("tags", "regions") if before and getattr(before, name) != getattr(after, name)}
    return log.Entry(
        "article",
        id,
        event,
        public=was or is_,
        version=version,
        changed_fields=tuple(sorted({*fields, *links})),
        before=facts.for_log(before) if before else None,
        after=facts.for_log(after),
    )
