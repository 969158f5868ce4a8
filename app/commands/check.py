"""Looks whether what must agree does: the database's files, the log, the links, the regions, the indexes. Reads only,
and asks for a new index where the files of one are damaged."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, case, func, select, text

from app.articles.filters import HIDDEN, PUBLISHED, ArticleFilter
from app.articles.repair import invented_dates
from app.articles.store import links
from app.changes import log
from app.db import migrate
from app.db.database import Database, Snapshot
from app.db.log_position import LogPosition
from app.errors import IndexBehind
from app.models import Article, ArticleRegion, ArticleTag, Change, ChangeHead, RegionWithin, Revision, table
from app.regions import service as regions
from app.search.engine import Holding, Question
from app.search.indexing import documents, verification
from app.search.indexing.archive_indexes import ArchiveIndex, list_indexes
from app.search.tantivy.local_engine import TantivyEngine
from app.search.tantivy.storage import index_folders
from app.settings import Settings

A, TAGGED, PLACED, WITHIN = (table(model) for model in (Article, ArticleTag, ArticleRegion, RegionWithin))
CHANGE, HEAD, REVISION = table(Change), table(ChangeHead), table(Revision)
TRIES, SETTLE_SECONDS = 5, 0.5
PAGE = 1_000
NAMED = 5


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that was looked at; `detail` says how much, or what is wrong."""

    name: str
    good: bool
    detail: str


def run_checks(db: Database, settings: Settings) -> list[CheckResult]:
    """All checks, on one snapshot where they read SQL."""
    with db.snapshot() as snapshot:
        connection = snapshot.connection
        looks: list[tuple[str, Callable[[], str | None]]] = [
            ("database files", lambda: _check_files(connection)),
            ("schema", lambda: _check_schema(db)),
            ("change log", lambda: _check_log(connection)),
            ("articles and log", lambda: _check_versions(connection)),
            ("replaced versions", lambda: _check_revisions(connection)),
            ("links", lambda: _check_links(connection)),
            ("regions", lambda: _check_regions(connection)),
        ]
        for index in list_indexes(settings):
            looks += [
                (f"{index.name} files", partial(_check_index_files, index)),
                (index.name, partial(_check_index, db, index)),
            ]
        return [*(_check(name, look) for name, look in looks), _check_dates(connection)]


def _check(name: str, look: Callable[[], str | None]) -> CheckResult:
    wrong = look()
    return CheckResult(name, wrong is None, wrong or "as it should be")


def _check_dates(connection: Connection) -> CheckResult:
    """Not wrong, and perhaps not true: a person looks at the list and decides."""
    number = invented_dates.count(connection)
    detail = f"{number} articles are dated with the second of their import; --fix-dates lists them and takes it away"
    return CheckResult("dates", good=True, detail=detail if number else "as it should be")


def remove_dates(db: Database, suspects: Sequence[invented_dates.Suspect]) -> int:
    """Takes the date of their import from these articles, 500 at a time; returns from how many."""
    ids, changed = [one.id for one in suspects], 0
    for i in range(0, len(ids), invented_dates.AT_ONCE):
        part = ids[i : i + invented_dates.AT_ONCE]
        changed += len(db.write_now(invented_dates.take_away, part, now=db.read_time(), by="check").value)
    return changed


def _check_files(connection: Connection) -> str | None:
    if connection.dialect.name != "sqlite":
        return None
    # At most five of each: that a file is damaged is what a person has to know. The first looks at no foreign keys.
    problems = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check(5)"))]
    orphans = connection.execute(text("PRAGMA foreign_key_check")).fetchmany(5)
    return (
        None
        if problems == ["ok"] and not orphans
        else "; ".join([*(f for f in problems if f != "ok"), *map(str, orphans)])
    )


def _check_schema(db: Database) -> str | None:
    differences = migrate.find_differences(db)
    return None if not differences else f"tables differ from this version's: {str(differences[0])[:200]}"


def _check_log(connection: Connection) -> str | None:
    """Without holes but those that pruning made, which are counted, up to the counter, whose mark is the last row's."""
    last, rows = connection.execute(select(func.max(CHANGE.c.seq), func.count()).select_from(CHANGE)).one()
    seq, mark, pruned_seq, erased = connection.execute(
        select(HEAD.c.seq, HEAD.c.mark, HEAD.c.pruned_seq, HEAD.c.erased_rows)
    ).one()
    if rows == 0:
        return None if seq == 0 else f"the counter says {seq}, and there are no rows"
    old_rows = connection.execute(
        select(func.count()).select_from(CHANGE).where(CHANGE.c.seq <= pruned_seq)
    ).scalar_one()
    if old_rows + erased != pruned_seq:
        return f"{pruned_seq - erased - old_rows} rows are missing up to {pruned_seq}, beside those that were pruned"
    if last - pruned_seq != rows - old_rows:
        return f"{last - pruned_seq - (rows - old_rows)} rows are missing between {pruned_seq + 1} and {last}"
    last_mark = connection.execute(select(CHANGE.c.mark).where(CHANGE.c.seq == last)).scalar_one()
    return None if (last, last_mark) == (seq, mark) else f"the counter says {seq}, the last row is {last}"


def _check_versions(connection: Connection) -> str | None:
    """The last row about an article bears its version."""
    newest = (
        select(CHANGE.c.entity_id, func.max(CHANGE.c.version).label("version"))
        .where(CHANGE.c.entity == "article")
        .group_by(CHANGE.c.entity_id)
        .subquery()
    )
    differ = (
        select(func.count())
        .select_from(A)
        .outerjoin(newest, newest.c.entity_id == A.c.id)
        .where((newest.c.version.is_(None)) | (newest.c.version != A.c.version))
    )
    count = connection.execute(differ).scalar_one()
    return None if count == 0 else f"{count} articles have another version than the log"


def _check_revisions(connection: Connection) -> str | None:
    """Each has a text: in plain, compressed alone, or against one that is there and stands alone."""
    base = REVISION.alias("base")
    own = (base.c.article_id == REVISION.c.article_id) & (base.c.version == REVISION.c.base_version)
    is_empty = REVISION.c.packed.is_(None) & (REVISION.c.document == "")
    is_lost = REVISION.c.base_version.is_not(None) & (base.c.packed.is_(None) | base.c.base_version.is_not(None))
    wrong = select(func.count()).select_from(REVISION).outerjoin(base, own).where(is_empty | is_lost)
    count = connection.execute(wrong).scalar_one()
    return None if count == 0 else f"{count} versions have lost their text, or what they are compressed against"


def _check_links(connection: Connection) -> str | None:
    """Links are marked, and bear the date of publication, exactly while their article is published."""
    for rows in (TAGGED, PLACED):
        published_at = case((A.c.status == "published", A.c.published_at))
        # A plain comparison with a date that is missing would be neither true nor false.
        differ = rows.c.published_at.is_distinct_from(published_at) | (rows.c.public != (A.c.status == "published"))
        wrong = select(func.count()).select_from(rows).join(A, A.c.id == rows.c.article_id).where(differ)
        count = connection.execute(wrong).scalar_one()
        if count:
            return f"{count} rows of {rows.name} have another date or mark than their article"
    return None


def _check_regions(connection: Connection) -> str | None:
    """The closure is what parents and members give, and articles lie in what their regions lie in."""
    atlas = regions.read(connection)
    stored = {(row[0], row[1]) for row in connection.execute(select(WITHIN.c.region_id, WITHIN.c.ancestor_id))}
    computed = {(id, above) for id, all_ in atlas.within.items() for above in all_}
    if stored != computed:
        return f"{len(stored ^ computed)} pairs of regions are not what the tree and the groupings give"
    wrong = 0
    for own, within in _load_placed(connection):
        spread = links.spread(tuple(own.items()), atlas)
        wrong += within != {region: roles for region, (_, _, roles) in spread.items()}
    return None if wrong == 0 else f"{wrong} articles lie in other regions than their own ones do"


Placed = dict[int, int]


def _load_placed(connection: Connection) -> Iterator[tuple[Placed, Placed]]:
    """For each article its own regions with roles, and all with the roles at or below."""
    columns = (PLACED.c.article_id, PLACED.c.region_id, PLACED.c.roles, PLACED.c.roles_within)
    rows = connection.execute(select(*columns).order_by(PLACED.c.article_id))
    for _, placed in groupby(rows, key=itemgetter(0)):
        links_of_article = list(placed)
        own = {region: roles for _, region, roles, _ in links_of_article if roles}
        yield own, {region: below for _, region, _, below in links_of_article}


def _check_index_files(index: ArchiveIndex) -> str | None:
    """Every file of the index has the hash with which it was committed. Where one has not, a new index is asked for:
    the order of hits may be another than it should be, and nothing else would tell."""
    damage = verification.find_damage(index.root)
    if not damage:
        return None
    index_folders.request_rebuild(index.root)
    more = f" and {len(damage) - NAMED} more" if len(damage) > NAMED else ""
    return f"{'; '.join(damage[:NAMED])}{more}; a running server builds a new one, `dateline reindex` at once"


def _check_index(db: Database, index: ArchiveIndex) -> str | None:
    """Where the index has taken in all that is public, it holds the published articles in their versions, and nothing
    else; that of what is hidden, as of any change, the others in theirs. Beside a busy server it moves on meanwhile;
    then it is looked at again."""
    engine = TantivyEngine(index.root, index.holding)
    for _ in range(TRIES):
        position = engine.position()
        if position is None:
            return "there is none; a server builds it when it starts, `dateline reindex` at once"
        with db.snapshot() as snapshot:
            wrong = _compare_index(snapshot, engine, position, index.holding)
        # Wrong while the index stood still is wrong; where it has moved on, two different moments were compared. Who
        # keeps it takes in what was written a moment ago.
        if wrong is not None and verification.is_written(index.root):
            time.sleep(SETTLE_SECONDS)
        if wrong is None or engine.position() == position:
            break
    return wrong


def _compare_index(snapshot: Snapshot, engine: TantivyEngine, position: LogPosition, holding: Holding) -> str | None:
    head = log.head(snapshot)
    last = head.public_seq if holding == "published" else head.seq
    if not log.has_position(snapshot, position) or position.seq < last:
        behind = f"{last - position.seq} changes behind" if position.epoch == head.epoch else "of another archive"
        return f"it is {behind}; a running server brings it up"
    held = select(A.c.id, A.c.version).where(documents.is_held(holding))
    truth = {(row[0], row[1]) for row in snapshot.connection.execute(held)}
    indexed = set(_load_indexed(engine, PUBLISHED if holding == "published" else HIDDEN))
    return (
        None if indexed == truth else f"{len(indexed - truth)} articles too many or old, {len(truth - indexed)} missing"
    )


def _load_indexed(engine: TantivyEngine, statuses: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    after: int | None = None
    of = ArticleFilter(statuses=statuses)
    while True:
        try:
            hits = engine.search(Question(of, order="-published_at", limit=PAGE, after=after)).hits
        except IndexBehind:
            return
        yield from ((hit.id, hit.version) for hit in hits)
        if len(hits) < PAGE:
            return
        after = hits[-1].newest
