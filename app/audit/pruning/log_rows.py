"""Deletes rows of the change log that later ones supersede, up to where it is pruned. Which these are depends on that
place alone, and readers pass them over whether they are there or not: so they go in any portions, at any time.

Of each article the last row up to there stays, with those behind it that only tell of its regions; the row by which it
became public last, which tells keys with an embargo when; and what saved searches name. Rows of tags and regions all
stay: they are few, and by them it is known what editors have changed of the regions that come with the program.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, FromClause, delete, func, literal_column, not_, or_, select, update
from sqlmodel import Session

from app.articles.reading.entitlement.visible_rows import is_entry
from app.changes import log
from app.db.database import Snapshot
from app.db.sql import AnyOf, measure_bytes, read_integer
from app.models import SearchMatch, table

CHANGE, HEAD, MATCH = log.CHANGE, log.HEAD, table(SearchMatch)
ROW_BYTES = 120
"""Of a row beside its facts, with its entries in indexes."""
_IS_ARTICLE: ColumnElement[str] = literal_column("'article'")  # a value that is bound would hide the index


def find_named(connection: Connection, until: int) -> list[int]:
    """Rows up to there that saved searches name though they are about something else: by what matched when a search was
    saved, and by merges of tags. Few, of many matches."""
    is_other = or_(CHANGE.c.entity != "article", CHANGE.c.entity_id != MATCH.c.article_id)
    named = select(MATCH.c.seq).distinct().join(CHANGE, CHANGE.c.seq == MATCH.c.seq)
    return [read_integer(seq) for seq in connection.execute(named.where(MATCH.c.seq <= until, is_other)).scalars()]


def _is_kept(row: FromClause, after: int, until: int, named: Sequence[int]) -> ColumnElement[bool]:
    """Whether a superseded row is for somebody to look up. Of those by which its article became public again, the ones
    behind `after` up to `until` count."""
    later = CHANGE.alias("later")
    same = later.c.entity == _IS_ARTICLE, later.c.entity_id == row.c.entity_id
    # The difference, so that the index is read from `after` on, and not from each row on.
    behind = later.c.seq > after, later.c.seq <= until, later.c.seq - row.c.seq > literal_column("0")
    entered_later = select(later.c.seq).where(*same, *behind, is_entry(later))
    matched = select(MATCH.c.seq).where(MATCH.c.article_id == row.c.entity_id, MATCH.c.seq == row.c.seq)
    is_last_entry = is_entry(row) & ~entered_later.correlate(row).exists()
    # `before` may be missing, and then it is unknown what it is like.
    kept = func.coalesce(is_last_entry | matched.correlate(row).exists(), literal_column("false"))
    return kept | AnyOf(row.c.seq, "named") if named else kept


def find_erasable(connection: Connection, after: int, until: int, named: Sequence[int], limit: int) -> list[int]:
    """Rows that those behind `after` up to `until` supersede, at most `limit`. Each row of the log is looked at once as
    one that supersedes: so what is left of earlier prunings is not looked at again but by what is new.

    A row by which an article became public is left until another one supersedes it that does the same; whatever comes
    after `until` has its turn."""
    newer, row = CHANGE.alias("newer"), CHANGE.alias("older")
    own = newer.c.seq > after, newer.c.seq <= until, newer.c.entity == _IS_ARTICLE, newer.c.event != log.PLACED
    # The last one of each article alone: of one that is edited all day long, all pairs would be a million.
    last = select(newer.c.entity_id, func.max(newer.c.seq).label("seq")).where(*own).group_by(newer.c.entity_id)
    superseding = last.subquery()
    statement = (
        select(row.c.seq)
        .select_from(superseding)
        .join(
            row,
            (row.c.entity == _IS_ARTICLE)
            & (row.c.entity_id == superseding.c.entity_id)
            & (row.c.seq < superseding.c.seq),
        )
        .where(not_(_is_kept(row, after, until, named)))
        .order_by(row.c.seq)  # those that lie together go together
        .limit(limit)
    )
    return list(connection.execute(statement, {"named": list(named)} if named else {}).scalars())


def read_progress(snapshot: Snapshot) -> tuple[int, int]:
    """Up to where rows have been looked at, and up to where the log is pruned."""
    row = snapshot.connection.execute(select(HEAD.c.erased_seq, HEAD.c.pruned_seq)).one()
    return row[0], row[1]


def erase(session: Session, seqs: Sequence[int], done: int) -> int:
    """Deletes these rows, and notes that all up to `done` were looked at; how many were there."""
    connection = session.connection()
    deleted = 0
    if seqs:
        deleted = connection.execute(delete(CHANGE).where(AnyOf(CHANGE.c.seq, "seqs")), {"seqs": list(seqs)}).rowcount
    # Last: everybody who writes to the log waits for this row until the commit.
    moved = {"erased_seq": done, "erased_rows": HEAD.c.erased_rows + deleted}
    connection.execute(update(HEAD).values(moved))
    return deleted


def measure(connection: Connection, pruned_seq: int, named: Sequence[int]) -> tuple[int, int]:
    """How many rows would go if the log were pruned up to there, and about how many bytes."""
    row, newer = CHANGE.alias("older"), CHANGE.alias("newer")
    later = select(newer.c.seq).where(
        newer.c.entity == _IS_ARTICLE, newer.c.entity_id == row.c.entity_id, newer.c.seq > row.c.seq,
        newer.c.seq <= pruned_seq, newer.c.event != log.PLACED,
    )  # fmt: skip
    facts = [measure_bytes(func.coalesce(row.c[name], "")) for name in ("before", "after", "changed_fields")]
    statement = (
        select(func.count(), func.coalesce(func.sum(sum(facts, start=literal_column(str(ROW_BYTES)))), 0))
        .select_from(row)
        .where(row.c.entity == _IS_ARTICLE, row.c.seq < pruned_seq, later.correlate(row).exists())
        .where(not_(_is_kept(row, 0, pruned_seq, named)))
    )
    rows, size = connection.execute(statement, {"named": list(named)} if named else {}).one()
    return read_integer(rows), int(size)
