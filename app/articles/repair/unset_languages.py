"""Looks anew at the language of articles of which neither an editor nor a source has set it: those that an import or a
POST without a language brought. Never touches one that somebody has set, nor runs by itself.

Recognising is done on a snapshot, so that the lock on writing is held for SQL only; an article that was saved in
between is left for the next run.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select
from sqlmodel import Session

from app.articles.html import bodies
from app.articles.store import authorship, saving, source_baselines, stored_article
from app.articles.store.field_hashes import EMPTY, UNSAID
from app.articles.store.row_columns import SaveContext
from app.articles.store.stored_article import StoredArticle
from app.articles.store.suggested import decisions, suggestions
from app.db.sql import read_clock
from app.enrich import language
from app.enrich.suggestion import UNKNOWN_LANGUAGE, SuggestedValue
from app.models import Article, TextKey, table

A, KEY = table(Article), table(TextKey)
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class LanguageChange:
    """What is to become of one article's language; `suggested` None: nothing is known of it."""

    id: int
    version: int
    old: str
    suggested: SuggestedValue | None

    @property
    def new(self) -> str:
        return self.suggested.value if self.suggested else UNKNOWN_LANGUAGE


@dataclass(frozen=True, slots=True)
class LanguageChunk:
    """The next articles by their ids: the last one, None where there are no more; how many were looked at and how many
    of these have a language that nobody has set; and what changes."""

    last: int | None
    read: int
    unset: int
    changes: tuple[LanguageChange, ...]


def find(connection: Connection, after: int) -> LanguageChunk:
    """Of the next AT_ONCE articles behind an id those whose text is in another language than they say."""
    ids = list(connection.execute(select(A.c.id).where(A.c.id > after).order_by(A.c.id).limit(AT_ONCE)).scalars())
    current = list(stored_article.load(connection, ids).values())
    kept = suggestions.load_languages(connection, ids)
    unset = _select_unset(connection, current, kept)
    refused = decisions.load_refused(connection, [one.existing_row.id for one in unset])
    all_changes = (_find_change(one, kept.get(one.existing_row.id)) for one in unset)
    changes = (
        one for one in all_changes if one and not (one.suggested and one.suggested.id in refused.get(one.id, ()))
    )
    return LanguageChunk(ids[-1] if ids else None, len(ids), len(unset), tuple(changes))


def _find_change(article: StoredArticle, kept: str | None) -> LanguageChange | None:
    columns = article.columns
    suggested = language.suggest(columns["title"], bodies.to_text(columns["body"]))
    change = LanguageChange(columns["id"], columns["version"], columns["language"], suggested)
    # What was recognised once, perhaps in a text that has lost most of its words since, is more than nothing.
    is_same = change.new == change.old or (suggested is None and kept == change.old)
    return None if is_same else change


def _select_unset(
    connection: Connection, articles: Sequence[StoredArticle], kept: Mapping[int, str]
) -> list[StoredArticle]:
    baselines = source_baselines.load(connection, [one.existing_row.id for one in articles])
    edited = authorship.find_edited_fields(connection, articles)
    unset = []
    for one in articles:
        id = one.existing_row.id
        if one.columns["saved_by"] == authorship.UNDO:
            continue  # who saved it last is how its source is known to bring it back
        if "language" in edited[id]:
            is_set = not _is_unnamed(connection, one, kept.get(id))
        else:
            is_set = _is_named_by_source(one.columns["language"], baselines.get(id, {}).values(), kept.get(id))
        if not is_set:
            unset.append(one)
    return unset


def _is_named_by_source(current: str, baselines: Collection[Mapping[str, bytes]], kept: str | None) -> bool:
    """Of an article without a baseline, which came before these were kept or through no import, nobody knows: it counts
    as named where its language is another than was recognised."""
    if current == UNKNOWN_LANGUAGE:
        return False
    if not baselines:
        return kept != current
    return any(hashes["language"] not in (EMPTY, UNSAID) for hashes in baselines)


def _is_unnamed(connection: Connection, article: StoredArticle, kept: str | None) -> bool:
    """Whether it was written here without a language, which nobody has changed since."""
    languages = authorship.find_languages(connection, article)
    return languages <= {UNKNOWN_LANGUAGE} or (kept is not None and languages == {kept})


def apply(session: Session, changes: Sequence[LanguageChange], site_url: str) -> list[int]:
    """Saves each as a version of its own, with what was recognised; returns the ids of those that were still as they
    were read."""
    connection = session.connection()
    by_id = {one.id: one for one in changes}
    rows = select(A.c.id).where(A.c.id.in_(by_id)).order_by(A.c.id).with_for_update(key_share=True)
    connection.execute(rows).all()
    current = stored_article.load(connection, sorted(by_id))
    same = [one for id, one in current.items() if one.columns["version"] == by_id[id].version]
    keys: dict[int, list[int]] = {one.existing_row.id: [] for one in same}
    for id, value in connection.execute(select(KEY.c.article_id, KEY.c.value).where(KEY.c.article_id.in_(keys))):
        keys[id].append(value)
    # The text stays, and so do its keys; slugs and related posts stay as they are where nothing is said of them.
    manuscripts = [
        replace(before, language=by_id[id].new, slug=None, related=None, text_keys=tuple(keys[id]))
        for id, before in zip(keys, stored_article.make_manuscripts(connection, same), strict=True)
    ]
    how = SaveContext(read_clock(connection), authorship.ENRICH, site_url, imported=True)
    saving.save(session, saving.Batch(manuscripts, [one.existing_row for one in same], strict=True), how)
    suggestions.keep_languages(connection, {id: by_id[id].suggested for id in keys})
    return list(keys)
