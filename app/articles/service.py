"""Brings articles in: one way for every door, in sets. Plain functions, session first; never commits.

Each change is recorded for the log beside the fact, and related posts are linked and unlinked in the same transaction.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, select, update
from sqlmodel import Session

from app.articles.manuscript import Manuscript, Original
from app.articles.reimport import own_exports, partial_rows, three_way_merge, url_matches
from app.articles.states import AT_ONCE, go_live, withdraw
from app.articles.store import saving, source_baselines, translation_links
from app.articles.store.field_hashes import Hashes
from app.articles.store.row_columns import EXISTING, ExistingRow, SaveContext
from app.articles.store.saving import Batch, Outcome, Saved
from app.articles.store.suggested import suggestions
from app.db.sql import read_clock, split_chunks
from app.errors import ExternalIdTaken
from app.models import Article, table
from app.text import keys

__all__ = [
    "AT_ONCE",
    "Outcome",
    "Saved",
    "create",
    "find_identity_conflicts",
    "go_live",
    "preview",
    "upsert",
    "withdraw",
]

A = table(Article)

SHARED = 0.15
"""Of the longer words: unrelated articles in one language share about a twentieth, an edited one most."""

Key = tuple[str, str | int]
Baselines = Mapping[int, Mapping[str, Hashes]]


def create(session: Session, manuscript: Manuscript, *, now: int, site_url: str, by: str | None = None) -> Saved:
    """One new article. SlugTaken where a given slug is not free, ExternalIdTaken where its identity is known."""
    if manuscript.identity:
        if _load_existing(session.connection(), [manuscript]):
            raise ExternalIdTaken(manuscript.external_id or manuscript.identity)
        source_baselines.forgive(session.connection(), manuscript.origin, manuscript.identity)
    return saving.save(session, Batch([manuscript], [None], strict=True), SaveContext(now, by, site_url))[0]


def upsert(
    session: Session,
    manuscripts: Sequence[Manuscript],
    *,
    now: int | None = None,
    site_url: str,
    by: str | None = "import",
    overwrite: bool = False,
) -> list[Saved]:
    """Creates or merges three ways (`three_way_merge`) by (origin, identity), in the order given; an equal content hash
    changes nothing. Rows of this archive's own tables change the articles that they name (`partial_rows`). `overwrite`
    takes the source's side against editors, but brings back nothing that was withdrawn, binned, purged or taken back to
    draft.

    Of several with the same identity in one call the last one counts, as if they had come one after the other. `now`:
    another time than the database's.
    """
    results = _merge_rows(session, manuscripts, now, by, site_url, overwrite=overwrite)
    rest = {i: m for i, m in enumerate(manuscripts) if i not in results}
    for part in _split_formats(rest):
        saved = _upsert(session, list(part.values()), now, by, site_url, overwrite=overwrite)
        results |= dict(zip(part, saved, strict=True))
    return [results[i] for i in range(len(manuscripts))]


def _split_formats(manuscripts: Mapping[int, Manuscript]) -> Iterator[dict[int, Manuscript]]:
    """One part after the other, so that an article which comes in two formats is there when it comes again."""
    part: dict[int, Manuscript] = {}
    pages: dict[tuple[str, str], Manuscript] = {}
    for i, m in manuscripts.items():
        earlier = pages.setdefault((m.origin, m.page), m) if m.page is not None else m
        if earlier.format != m.format and earlier.identity != m.identity:
            yield part
            part, pages = {}, {}
            if m.page is not None:
                pages[m.origin, m.page] = m
        part[i] = m
    if part:
        yield part


def _merge_rows(
    session: Session,
    manuscripts: Sequence[Manuscript],
    now: int | None,
    by: str | None,
    site_url: str,
    *,
    overwrite: bool,
) -> dict[int, Saved]:
    """What became of the rows that name articles of this archive, by their places."""
    rows = {i: m for i, m in enumerate(manuscripts) if m.columns and m.known is not None}
    if not rows:
        return {}
    how = SaveContext(read_clock(session.connection()) if now is None else now, by, site_url, imported=True)
    merged = {i: partial_rows.merge(session, m, how, overwrite=overwrite) for i, m in rows.items()}
    return {i: saved for i, saved in merged.items() if saved is not None}


def _upsert(
    session: Session,
    manuscripts: Sequence[Manuscript],
    now: int | None,
    by: str | None,
    site_url: str,
    *,
    overwrite: bool,
) -> list[Saved]:
    manuscripts = own_exports.identify(session.connection(), manuscripts, adopt=True)
    last = {_identity(m, i): m for i, m in enumerate(manuscripts)}
    existing = _load_existing(session.connection(), list(last.values()), lock=True)
    pages = _load_pages(session.connection(), list(last.values()), existing, lock=True)
    existing |= _take_over(session.connection(), pages, adopt=True, overwrite=overwrite)
    at = read_clock(session.connection()) if now is None else now
    how = SaveContext(at, by, site_url, imported=True)
    pending, saved = _sift(session.connection(), last, existing, pages, at, overwrite=overwrite)
    known = source_baselines.load(session.connection(), [existing[key].id for key in last if key in existing])
    there = {Original(m.origin, m.slug) for m in pending.values() if m.slug}
    hashes = {key: last[key].hashes for key, one in saved.items() if three_way_merge.SAME_PAGE not in one.notes}
    for later in (False, True):  # translations behind the originals that come with them
        part = {key: m for key, m in pending.items() if (m.original in there) == later}
        results, merged = _save(session, part, existing, known, how, overwrite=overwrite)
        saved |= results
        hashes |= {key: _select_hashes(part[key].hashes, one) for key, one in merged.items()}
    heard = [(one.id, last[key].format, hashes.get(key, "")) for key, one in saved.items() if one.id]
    source_baselines.save(session.connection(), heard, known)
    return [saved[_identity(m, i)] for i, m in enumerate(manuscripts)]


def _sift(
    connection: Connection,
    last: Mapping[Key, Manuscript],
    existing: Mapping[Key, ExistingRow],
    pages: Mapping[Key, url_matches.PageMatch],
    now: int,
    *,
    overwrite: bool,
) -> tuple[dict[Key, Manuscript], dict[Key, Saved]]:
    """What needs a closer look, and what is settled: it says the same as last time, or is not to come back."""
    named = [(m.origin, m.identity) for key, m in last.items() if key not in existing and m.identity is not None]
    lines = {key: m.known for key, m in last.items() if key not in existing and m.known is not None}
    rows = {key: source_baselines.row_identity(known.id, known.created_at) for key, known in lines.items()}
    purged = source_baselines.find_purged(connection, [*named, *rows.values()])
    pending: dict[Key, Manuscript] = {}
    settled: dict[Key, Saved] = {}
    for key, m in last.items():
        old = existing.get(key)
        if old is None and {(m.origin, m.identity), rows.get(key)} & purged:
            settled[key] = Saved(0, 0, "unchanged", notes=(three_way_merge.PURGED,), is_kept=True)
        elif old is None and key in pages:
            row = pages[key].row
            settled[key] = Saved(row.id, row.version, "unchanged", notes=(three_way_merge.SAME_PAGE,), is_kept=True)
        elif old is None and m.retracts:
            settled[key] = Saved(0, 0, "unchanged", notes=(three_way_merge.UNKNOWN,))
        elif (
            old
            and not overwrite
            and old.content_hash in (m.content_hash, m.former_hash)
            and three_way_merge.is_settled(m, old, now)
        ):
            settled[key] = Saved(old.id, old.version, "unchanged")
        else:
            pending[key] = m
    return pending, settled


def _save(
    session: Session,
    pending: Mapping[Key, Manuscript],
    existing: Mapping[Key, ExistingRow],
    known: Baselines,
    how: SaveContext,
    *,
    overwrite: bool,
) -> tuple[dict[Key, Saved], dict[Key, three_way_merge.Merged]]:
    """What became of each, and what of its source was taken over."""
    merged = _merge(session, pending, existing, known, how.now, overwrite=overwrite)
    changing = {key: one.manuscript for key, one in merged.items() if one.manuscript is not None}
    old = [existing.get(key) for key in changing]
    saved = saving.save(session, Batch(list(changing.values()), old), how)
    translation_links.link_translations(
        session, {one.id: m for one, m in zip(saved, changing.values(), strict=True)}, how
    )
    results = dict(zip(changing, saved, strict=True))
    alike = {key: existing[key] for key, one in merged.items() if one.manuscript is None}
    heard = {e.id: pending[key].content_hash for key, e in alike.items() if merged[key].heard == "all"}
    _note_hashes(session.connection(), heard)
    results |= {key: Saved(e.id, e.version, "unchanged") for key, e in alike.items()}
    noted = {key: replace(one, notes=merged[key].notes, is_kept=merged[key].is_kept) for key, one in results.items()}
    return noted, merged


def _select_hashes(packed: str, merged: three_way_merge.Merged) -> str:
    """Of the hashes of what a source says those that count as what it said last."""
    if merged.heard == "all":
        return packed
    return three_way_merge.keep_state(packed) if merged.heard == "state" else ""


def _merge(
    session: Session,
    pending: Mapping[Key, Manuscript],
    existing: Mapping[Key, ExistingRow],
    known: Baselines,
    now: int,
    *,
    overwrite: bool,
) -> dict[Key, three_way_merge.Merged]:
    """What is to be saved of each, in the order given; new articles as they came."""
    if not pending:
        return {}
    connection = session.connection()
    old = [existing.get(key) for key in pending]
    came = [three_way_merge.trim(m) if e else m for m, e in zip(pending.values(), old, strict=True)]
    settled = suggestions.apply_suggestions(connection, translation_links.resolve_originals(connection, came), old)
    new = dict(zip(pending, settled, strict=True))
    pairs = {key: (m, existing[key]) for key, m in new.items() if key in existing}
    merges = three_way_merge.merge(session, list(pairs.values()), known, overwrite=overwrite, now=now)
    merged = dict(zip(pairs, merges, strict=True))
    return {key: merged[key] if key in merged else three_way_merge.Merged(m) for key, m in new.items()}


def _note_hashes(connection: Connection, hashes: Mapping[int, str]) -> None:
    """Of what says nothing new in other words, so that it is not compared again. No property of the article changes."""
    if hashes:
        statement = update(A).where(A.c.id == bindparam("of")).values(content_hash=bindparam("new"))
        connection.execute(statement, [{"of": id, "new": hash} for id, hash in hashes.items()])


def find_hidden(connection: Connection, manuscripts: Sequence[Manuscript], *, lock: bool = False) -> set[int]:
    """Places of those whose article is not public, or was purged. `lock`: it stays as it is until the commit."""
    manuscripts = own_exports.identify(connection, manuscripts)
    named = [m for m in manuscripts if m.identity is not None]
    existing = _load_existing(connection, named, lock=lock)
    existing |= {key: one.row for key, one in _load_pages(connection, named, existing, lock=lock).items()}
    hidden = {(origin, str(identity)) for (origin, identity), e in existing.items() if e.status != "published"}
    hidden |= source_baselines.find_purged(connection, [(m.origin, str(m.identity)) for m in named])
    places = {i for i, m in enumerate(manuscripts) if (m.origin, m.identity) in hidden}
    return places | {i for i, m in enumerate(manuscripts) if partial_rows.is_hidden(connection, m, lock=lock)}


def find_identity_conflicts(
    connection: Connection, manuscripts: Sequence[Manuscript], *, sees_hidden: bool = True
) -> dict[tuple[str, str], int | None]:
    """Articles known by their file's name alone that a manuscript of the same name shares nothing with: neither slug
    nor title, nor its longer words. (origin, identity) → the known article's id, None where it is not public: then
    it does not count at all unless `sees_hidden`."""
    by_path = {
        (m.origin, m.identity): m for m in manuscripts if m.identity is not None and m.identity.startswith("path:")
    }
    conflicts: dict[tuple[str, str], int | None] = {}
    for (origin, identity), manuscript in by_path.items():
        known = select(A.c.id, A.c.title, A.c.slug, A.c.body, A.c.content_hash, A.c.status).where(
            A.c.origin == origin, A.c.identity == identity
        )
        row = connection.execute(known).first()
        if row is None or row.content_hash == manuscript.content_hash:
            continue
        public = row.status == "published"
        if not public and not sees_hidden:
            continue
        old, new = _long_words(row.body), _long_words(manuscript.body)
        same_name = keys.words_key(row.title) == keys.words_key(manuscript.title) or row.slug == manuscript.slug
        if not same_name and len(old & new) <= SHARED * min(len(old), len(new)):
            conflicts[(origin, identity)] = row.id if public else None
    return conflicts


def _long_words(body: str) -> set[str]:
    """Of five letters and more: the short ones are in every article."""
    return {word for word in keys.words(body) if len(word) >= 5}


def preview(connection: Connection, manuscripts: Sequence[Manuscript], *, overwrite: bool = False) -> list[Saved]:
    """What `upsert` would do with each if it came alone, without doing it; ids are left out."""
    rows = {i: m for i, m in enumerate(manuscripts) if m.columns}
    results = {i: one for i, m in rows.items() if (one := partial_rows.preview(connection, m, overwrite=overwrite))}
    manuscripts = own_exports.identify(connection, manuscripts)
    rounds: dict[int, dict[int, Manuscript]] = {}
    seen: Counter[Key] = Counter()
    for i, manuscript in enumerate(manuscripts):
        if i not in results:
            key = _identity(manuscript, i)
            rounds.setdefault(seen[key], {})[i] = manuscript
            seen[key] += 1
    now = read_clock(connection)
    for some in rounds.values():
        results |= dict(zip(some, _preview(connection, list(some.values()), now, overwrite=overwrite), strict=True))
    return [results[i] for i in range(len(manuscripts))]


def _preview(
    connection: Connection, manuscripts: Sequence[Manuscript], now: int, *, overwrite: bool
) -> Iterator[Saved]:
    each = {_identity(m, i): m for i, m in enumerate(manuscripts)}
    existing = _load_existing(connection, manuscripts)
    pages = _load_pages(connection, manuscripts, existing)
    existing |= _take_over(connection, pages, adopt=False, overwrite=overwrite)
    pending, results = _sift(connection, each, existing, pages, now, overwrite=overwrite)
    known = source_baselines.load(connection, [existing[key].id for key in pending if key in existing])
    with Session(bind=connection, join_transaction_mode="rollback_only") as session:
        merged = _merge(session, pending, existing, known, now, overwrite=overwrite)
    for key, one in merged.items():
        outcome: Outcome = "created" if key not in existing else "updated" if one.manuscript else "unchanged"
        results[key] = Saved(0, 0, outcome, notes=one.notes, is_kept=one.is_kept)
    return (replace(results[key], id=0, version=0) for key in each)


def _identity(manuscript: Manuscript, position: int) -> Key:
    return manuscript.origin, manuscript.identity if manuscript.identity is not None else position


def _load_existing(
    connection: Connection, manuscripts: Sequence[Manuscript], *, lock: bool = False
) -> dict[Key, ExistingRow]:
    """What is known of the manuscripts' articles. `lock`: on PostgreSQL they stay as they are until the commit; without
    it a withdrawal in between would be overwritten by what stood here before."""
    by_origin: dict[str, list[str]] = {}
    for manuscript in manuscripts:
        if manuscript.identity is not None:
            by_origin.setdefault(manuscript.origin, []).append(manuscript.identity)
    existing: dict[Key, ExistingRow] = {}
    for origin, identities in by_origin.items():
        known = select(A.c.identity, *EXISTING).where(A.c.origin == origin)
        if lock:
            known = known.order_by(A.c.id).with_for_update(key_share=True)
        for some in split_chunks(identities):
            rows = connection.execute(known.where(A.c.identity.in_(some)))
            existing |= {(origin, row[0]): ExistingRow(*row[1:]) for row in rows}
    unnamed = [m for m in manuscripts if _identity(m, 0) not in existing]
    existing |= own_exports.find_existing(connection, unnamed, lock=lock)
    unknown = [m for m in manuscripts if m.address is not None and _identity(m, 0) not in existing]
    return existing | url_matches.find_existing(connection, unknown, {e.id for e in existing.values()}, lock=lock)


def _load_pages(
    connection: Connection,
    manuscripts: Sequence[Manuscript],
    existing: Mapping[Key, ExistingRow],
    *,
    lock: bool = False,
) -> dict[Key, url_matches.PageMatch]:
    """Of items that are new, the articles that stand at their own addresses and came in other formats."""
    new = [m for m in manuscripts if m.page is not None and _identity(m, 0) not in existing]
    return url_matches.find_pages(connection, new, {e.id for e in existing.values()}, lock=lock) if new else {}


def _take_over(
    connection: Connection, pages: Mapping[Key, url_matches.PageMatch], *, adopt: bool, overwrite: bool
) -> dict[Key, ExistingRow]:
    """The articles that items change although another format brought them: where the item alone is known by a number,
    which the article is known by from now on (`adopt`), and with `overwrite`, unless the article is known by one."""
    taken = {key: one for key, one in pages.items() if one.is_taken_over or (overwrite and not one.is_numbered)}
    if adopt:
        for (_, identity), one in pages.items():
            if one.is_taken_over:
                connection.execute(update(A).where(A.c.id == one.row.id).values(identity=identity))
                source_baselines.forget(connection, one.row.id)
    return {key: one.row for key, one in taken.items()}
