"""Finds articles that are nearly the same as an earlier one: keeps a few keys of every text, looks for those that
others have too, and compares the texts themselves. Plain functions, never commit."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, literal_column, select

from app.articles.html import bodies
from app.articles.manuscript import Manuscript
from app.db.sql import AnyOf, make_insert, split_chunks
from app.enrich import near_duplicates
from app.enrich.near_duplicates import Runs
from app.models import Article, Suggestion, SuggestionDecision, TextKey, table

A, KEY, DECIDED = table(Article), table(TextKey), table(SuggestionDecision)
KEPT = table(Suggestion)
_OTHER = KEY.alias("other")
_SHARED = (
    select(KEY.c.article_id, func.min(_OTHER.c.article_id))
    .join(_OTHER, (_OTHER.c.value == KEY.c.value) & (_OTHER.c.article_id < KEY.c.article_id))
    .where(AnyOf(KEY.c.article_id, "articles"))
    .group_by(KEY.c.article_id, KEY.c.value)
)
"""For each key of an article the first article that has it too; only those that came before count."""
_BODIES = select(A.c.id, A.c.body).where(AnyOf(A.c.id, "articles"))
_KEYED = select(KEY.c.article_id).where(AnyOf(KEY.c.article_id, "articles")).distinct()
_REFUSED = select(DECIDED.c.article_id, DECIDED.c.target_id).where(
    AnyOf(DECIDED.c.article_id, "articles"),
    DECIDED.c.kind == literal_column("'duplicate'"),
    DECIDED.c.state == literal_column("'refused'"),
)
_REMOVE = delete(KEY).where(AnyOf(KEY.c.article_id, "articles"))


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """That an article has nearly the text of an earlier one: `share` is of the shorter text's runs of three words."""

    of: int
    share: float


def save_keys(connection: Connection, saved: Mapping[int, Manuscript], replaced: Mapping[int, str]) -> None:
    """Writes the keys of these articles' texts anew; of those with `replaced` bodies there may be old ones, which stay
    where an edit has left the body as it was. None are kept of articles that came without enrichment."""
    same = [id for id, body in replaced.items() if saved[id].text_keys is None and saved[id].body == body]
    kept = {*connection.execute(_KEYED, {"articles": same}).scalars()} if same else set()
    if old := [id for id in replaced if id not in kept]:
        connection.execute(_REMOVE, {"articles": old})
    rows = [{"value": value, "article_id": id} for id, m in saved.items() if id not in kept for value in _keys(m)]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, KEY, rows))


def _keys(manuscript: Manuscript) -> tuple[int, ...]:
    if manuscript.text_keys is not None:
        return manuscript.text_keys
    return make_keys(manuscript.body)


def make_keys(body: str) -> tuple[int, ...]:
    """The keys of a text, which is sanitised HTML."""
    return near_duplicates.keys(near_duplicates.words(bodies.to_text(body)))


def find_copies(connection: Connection, saved: Mapping[int, Manuscript]) -> dict[int, NearDuplicate]:
    """Of articles whose keys are kept: which of them are copies, and no editor has said that they are none. Two to four
    statements for 500 of them."""
    candidates: dict[int, set[int]] = {}
    for some in split_chunks([id for id, m in saved.items() if m.suggestions is not None and m.text_keys]):
        for article, earlier in connection.execute(_SHARED, {"articles": some}):
            candidates.setdefault(article, set()).add(earlier)
    for some in split_chunks(sorted(candidates)):
        for article, other in connection.execute(_REFUSED, {"articles": some}):
            candidates[article].discard(other)
    candidates = {id: others for id, others in candidates.items() if others}
    texts = {id: saved[id].body for id in candidates}
    texts |= {
        id: body
        for some in split_chunks(sorted(set().union(*candidates.values()) - texts.keys()))
        for id, body in connection.execute(_BODIES, {"articles": some})
    }
    runs = {id: near_duplicates.runs(bodies.to_text(body)) for id, body in texts.items()}
    every = {id: _best(runs[id], others, runs) for id, others in candidates.items()}
    return {id: best for id, best in every.items() if best is not None}


def _best(own: Runs, others: Collection[int], runs: Mapping[int, Runs]) -> NearDuplicate | None:
    shares = ((near_duplicates.containment(own, runs[other]), other) for other in others)
    share, of = max(shares, key=lambda pair: (pair[0], -pair[1]))
    return NearDuplicate(of, round(share, 3)) if share >= near_duplicates.COPY else None


def make_row(article: int, copy: NearDuplicate) -> dict[str, object]:
    """What is kept of a copy, with the other suggestions for the article."""
    return {
        "article_id": article,
        "kind": "duplicate",
        "target_id": copy.of,
        "roles": 0,
        "value": f"{copy.share:.0%} of the shorter one's runs of three words",
        "score": copy.share,
        "origin": "import",
        "taken": False,
    }


def confirm(connection: Connection, article: int, copy: NearDuplicate) -> None:
    """Takes the article for a copy of that one, if it came earlier and the article is taken for none."""
    known = select(KEPT.c.id).where(KEPT.c.article_id == article, KEPT.c.kind == literal_column("'duplicate'"))
    if copy.of < article and connection.execute(known.limit(1)).first() is None:
        connection.exec_driver_sql(*make_insert(connection.dialect, KEPT, [make_row(article, copy)]))


def refuse(connection: Connection, article: int, other: int) -> None:
    """Takes the article for no copy of that one."""
    of = (KEPT.c.article_id == article) & (KEPT.c.kind == literal_column("'duplicate'")) & (KEPT.c.target_id == other)
    connection.execute(delete(KEPT).where(of))
