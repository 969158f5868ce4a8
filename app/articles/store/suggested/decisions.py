"""What editors have made of suggestions: kept, so that nothing which they refused comes back. Plain functions, never
commit."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, case, delete, func, insert, literal_column, select
from sqlmodel import Session

from app.articles.manuscript import Decision
from app.articles.store import log_changes, log_facts
from app.articles.store.suggested import near_duplicates
from app.articles.store.suggested.near_duplicates import NearDuplicate
from app.db.sql import AnyOf, split_chunks
from app.enrich.suggestion import SuggestedValue
from app.models import SuggestionDecision, Tag, table

DECIDED, TAG = table(SuggestionDecision), table(Tag)

TARGET: ColumnElement[int] = case(
    (DECIDED.c.kind == literal_column("'tag'"), func.coalesce(TAG.c.merged_into, DECIDED.c.target_id)),
    else_=DECIDED.c.target_id,
)
"""Of a tag that was merged meanwhile the one that it has become."""
DECISIONS = select(DECIDED.c.article_id, DECIDED.c.kind, TARGET, DECIDED.c.value, DECIDED.c.state).select_from(
    DECIDED.outerjoin(TAG, (DECIDED.c.kind == literal_column("'tag'")) & (TAG.c.id == DECIDED.c.target_id))
)
_REFUSED = DECISIONS.where(DECIDED.c.state == literal_column("'refused'"), AnyOf(DECIDED.c.article_id, "articles"))


def load_refused(connection: Connection, articles: Sequence[int]) -> dict[int, set[str]]:
    """The ids of the suggestions that were refused, by article."""
    refused: dict[int, set[str]] = defaultdict(set)
    for some in split_chunks(articles):
        for article, kind, target, value, _ in connection.execute(_REFUSED, {"articles": some}):
            refused[article].add(f"{kind}-{value or target}")
    return refused


def keep(session: Session, article: int, one: SuggestedValue, state: Decision, *, now: int, by: str | None) -> bool:
    """Keeps a decision, in the place of an earlier one; whether it is another one. The caller holds the article's row.

    Of what is accepted the article tells, but for near-duplicates: these are taken for copies, or not, by what is kept
    here, which filters and followers are told of.
    """
    connection = session.connection()
    target = 0 if one.kind == "language" else one.target
    names = {"article_id": article, "kind": one.kind, "value": one.value if one.kind == "language" else ""}
    is_target = DECIDED.c.target_id == target
    if one.kind == "tag":  # what was decided of tags that have become this one is decided anew with it
        is_target |= DECIDED.c.target_id.in_(select(TAG.c.id).where(TAG.c.merged_into == target))
    of = [is_target, *(DECIDED.c[name] == value for name, value in names.items())]
    kept = connection.execute(select(DECIDED.c.state).where(*of)).scalar()
    new_state = state if state == "refused" or one.kind == "duplicate" else None
    if kept == new_state:
        return False
    connection.execute(delete(DECIDED).where(*of))
    if new_state is not None:
        row = {**names, "target_id": target, "state": new_state, "decided_at": now, "decided_by": by}
        connection.execute(insert(DECIDED), row)
    if one.kind == "duplicate" and one.target is not None:
        before = log_facts.load(connection, [article])[article]
        if state == "accepted":
            near_duplicates.confirm(connection, article, NearDuplicate(one.target, one.score))
        else:
            near_duplicates.refuse(connection, article, one.target)
        log_changes.record_copy(session, before)
    return True
