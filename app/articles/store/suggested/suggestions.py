"""Keeps what enrichment suggests for articles, and links what it may: regions in roles in which nobody declared one.

Plain functions, never commit. What an editor has saved is an editor's: nothing is linked there, and links stay; nor is
what an editor has refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace

from sqlalchemy import Connection, delete, select

from app.articles.manuscript import ArticleDateline, Manuscript
from app.articles.store import authorship, stored_article
from app.articles.store.row_columns import ExistingRow
from app.articles.store.suggested import decisions, near_duplicates
from app.articles.store.suggested.near_duplicates import NearDuplicate
from app.db.sql import AnyOf, make_insert, split_chunks
from app.enrich.suggestion import ABOUT, DATELINE, MENTION, SuggestedValue
from app.models import Suggestion as Row
from app.models import table
from app.tags.service import TagSpec

KEPT = table(Row)
_REMOVE = delete(KEPT).where(AnyOf(KEPT.c.article_id, "articles"))

MOST_LINKED, MOST_KEPT = 8, 12
NAMED_TWICE = 0.95
"""The score from which on a region that is only mentioned is linked as a mention: about two mentions."""
ROLES = (ABOUT, MENTION, DATELINE)

Links = tuple[tuple[int, int], ...]


def link_regions(suggestions: Iterable[SuggestedValue], declared: Links) -> Links:
    """What is declared, and behind it the suggested regions in roles that it leaves open. A place that is declared as
    the dateline alone stands where its suggestion does, behind its country."""
    suggestions = [one for one in suggestions if one.kind == "region" and one.target is not None]
    taken = {role for _, roles in declared for role in ROLES if roles & role}
    known = {region for region, _ in declared}
    made: list[tuple[int, int]] = []
    for one in suggestions:
        if one.target is None:
            continue
        suggested_roles = one.roles if one.roles & ABOUT or one.score >= NAMED_TWICE else one.roles & DATELINE
        roles = sum(role for role in ROLES if suggested_roles & role and role not in taken)
        if roles == MENTION and one.target in known:
            continue
        if roles and len(made) < MOST_LINKED:
            made.append((one.target, roles))
    ranks = {one.target: rank for rank, one in enumerate(suggestions)}
    moved = [one for one in declared if one[1] == DATELINE and one[0] in ranks]
    first = (one for one in declared if one not in moved)
    return (*first, *sorted((*moved, *made), key=lambda one: ranks[one[0]]))


def apply_suggestions(
    connection: Connection, manuscripts: Sequence[Manuscript], old: Sequence[ExistingRow | None]
) -> list[Manuscript]:
    """The manuscripts with what is taken of their suggestions: regions, and a language where the source named none."""
    known = [e.id for m, e in zip(manuscripts, old, strict=True) if e is not None and m.suggestions is not None]
    edited = stored_article.load(connection, sorted(authorship.find_edited(connection, known)))
    refused = decisions.load_refused(connection, known)
    return [
        _apply_suggestions(m, edited.get(e.id) if e else None, refused.get(e.id, set()) if e else set())
        if m.suggestions is not None
        else m
        for m, e in zip(manuscripts, old, strict=True)
    ]


def _apply_suggestions(
    manuscript: Manuscript, edited: stored_article.StoredArticle | None, refused: Set[str]
) -> Manuscript:
    suggestions = manuscript.suggestions or ()
    if edited is None:
        suggestions = tuple(one for one in suggestions if one.id not in refused)
    language = next((one.value for one in suggestions if one.kind == "language"), None)
    if edited is None:
        links = manuscript.regions
        regions = links if manuscript.keeps_regions else link_regions(suggestions, links)
        dateline = _locate_dateline(manuscript.dateline, regions)
        language = language or manuscript.language
        if (regions, dateline, language) == (manuscript.regions, manuscript.dateline, manuscript.language):
            return manuscript
        return replace(manuscript, regions=regions, dateline=dateline, language=language)
    declared = {role for _, roles in manuscript.regions for role in ROLES if roles & role}
    kept = ((id, sum(r for r in ROLES if roles & r and r not in declared)) for id, roles in edited.regions)
    regions = (*manuscript.regions, *((id, roles) for id, roles in kept if roles))
    return replace(
        manuscript, regions=regions, language=edited.columns["language"] if language else manuscript.language
    )


def _locate_dateline(dateline: ArticleDateline | None, regions: Links) -> ArticleDateline | None:
    """A dateline whose place no region is called by, with the one that was found in it ("Troy, Mich.")."""
    if dateline is None or dateline.region is not None:
        return dateline
    return replace(dateline, region=next((id for id, roles in regions if roles & DATELINE), None))


def save(
    connection: Connection,
    saved: Mapping[int, Manuscript],
    tags: Mapping[TagSpec, int],
    copies: Mapping[int, NearDuplicate],
    known: Sequence[int],
) -> None:
    """Writes the suggestions of articles anew, the best of each kind, and of which earlier one an article is a copy;
    `known` may have old ones. `tags` are the ids of those that the articles have."""
    asked = {id: m for id, m in saved.items() if m.suggestions is not None}
    if replaced := [id for id in known if id in asked]:
        connection.execute(_REMOVE, {"articles": replaced})
    rows = [row for id, m in asked.items() for row in _rows(id, m, tags)]
    rows += [near_duplicates.make_row(id, copy) for id, copy in copies.items()]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, KEPT, rows))


def _rows(article: int, manuscript: Manuscript, tags: Mapping[TagSpec, int]) -> Iterator[dict[str, object]]:
    has = {tags[one] for one in manuscript.tags}
    left = dict.fromkeys(("language", "region", "tag"), MOST_KEPT)
    for one in manuscript.suggestions or ():
        if left[one.kind]:
            left[one.kind] -= 1
            taken = is_taken(one, manuscript.language, manuscript.regions, has)
            yield _row(article, one, taken=taken)


def _row(article: int, one: SuggestedValue, *, taken: bool) -> dict[str, object]:
    return {
        "article_id": article,
        "kind": one.kind,
        "target_id": one.target,
        "roles": one.roles,
        "value": one.value if one.kind == "language" else one.evidence,
        "score": one.score,
        "origin": one.origin,
        "taken": taken,
    }


def load_languages(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """The recognised language of each article that has one."""
    rows = select(KEPT.c.article_id, KEPT.c.value).where(KEPT.c.kind == "language")
    return {
        id: value
        for some in split_chunks(ids)
        for id, value in connection.execute(rows.where(KEPT.c.article_id.in_(some)))
    }


def keep_languages(connection: Connection, recognised: Mapping[int, SuggestedValue | None]) -> None:
    """Replaces the recognised language of these articles, which have it now; None: nothing was recognised."""
    for some in split_chunks(list(recognised)):
        connection.execute(delete(KEPT).where(KEPT.c.article_id.in_(some), KEPT.c.kind == "language"))
    rows = [_row(id, one, taken=True) for id, one in recognised.items() if one is not None]
    if rows:
        connection.exec_driver_sql(*make_insert(connection.dialect, KEPT, rows))


def is_taken(one: SuggestedValue, language: str, regions: Links, tags: Set[int]) -> bool:
    """Whether the article has it: that language, that tag, or that region in one of the suggested roles."""
    if one.kind == "language":
        return one.value == language
    if one.kind == "tag":
        return one.target in tags
    return any(region == one.target and roles & one.roles for region, roles in regions)
