"""What is suggested for one article: what its import has kept, and for the rest what its text, the index and the
archive's tags say now; and what an editor has made of it. Changes nothing."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, cast, get_args

import orjson
from sqlalchemy import bindparam, case, func, select

from app.articles.manuscript import Decision
from app.articles.store.suggested import decisions
from app.articles.store.suggested import suggestions as store_suggestions
from app.context import RequestContext
from app.db.database import Database
from app.db.sql import AnyOf, Prepared, prepare, read_into
from app.enrich import language, near_duplicates, regions, tags
from app.enrich.regions import Texts
from app.enrich.suggestion import ROLES, Kind, SuggestedValue
from app.enrich.tags import TagLexicon
from app.models import Article, ArticleRegion, ArticleTag, Tag, table
from app.models import Suggestion as Kept
from app.regions.atlas import Atlas
from app.search.index import EngineIndex
from app.search.similar.compared_articles import ComparedArticle
from app.search.vocabulary.names import Vocabulary
from app.tags import lexicon

A, PLACED, TAGGED, TAG, KEPT = table(Article), table(ArticleRegion), table(ArticleTag), table(Tag), table(Kept)
NEIGHBOURS = 20


State = Literal["open", "accepted", "refused"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class FoundSuggestions:
    """Everything suggested, by kind and then the best first, and behind it what was decided of anything else;
    `is_taken` tells what the article has."""

    suggestions: tuple[SuggestedValue, ...]
    language: str
    regions: tuple[tuple[int, int], ...]
    tags: frozenset[int]
    words: Vocabulary
    decided: Mapping[str, Decision]

    def state_of(self, one: SuggestedValue) -> State:
        """What the article has is accepted, whoever gave it that."""
        return "accepted" if self.is_taken(one) else self.decided.get(one.id, "open")

    def find(self, id: str) -> SuggestedValue | None:
        return next((one for one in self.suggestions if one.id == id), None)

    def is_taken(self, one: SuggestedValue) -> bool:
        if one.kind == "region" and not one.roles:  # suggested in none any more, it may be there in any
            return any(region == one.target for region, _ in self.regions)
        return one.kind != "duplicate" and store_suggestions.is_taken(one, self.language, self.regions, self.tags)


async def find_suggestions(db: Database, index: EngineIndex, id: int, view: RequestContext) -> FoundSuggestions:
    """Language and regions as kept, else from the text; tags as kept and from the archive of now; kept near-duplicates
    and those that the index has; with what was decided of them. Eight to ten statements."""
    dialect = db.dialect
    stored = read_into(_make_suggestion, await db.reader.rows(_stored_statement(dialect), {"id": id}))
    placed = await db.reader.rows(_regions_statement(dialect), {"id": id})
    [(spoken, dateline_text, at, origin, source_url, seo)] = await db.reader.rows(
        _article_statement(dialect), {"id": id}
    )
    own, others = await index.find_alike(id, view, NEIGHBOURS)
    words = await index.vocabulary.get(view.head)
    texts = Texts(
        own.title,
        "",
        own.text,
        str(dateline_text or ""),
        str(spoken),
        datetime.fromtimestamp(at, UTC).year if isinstance(at, int) else None,
        view.atlas.find_home(str(origin), str(source_url or ""), orjson.loads(str(seo)).get("canonical_url")),
    )
    tag_names = await asyncio.to_thread(_load_lexicon, db)
    entries = {id: entry.name for (realm, id), entry in words.entries.items() if realm == "tag"}
    suggestions = await asyncio.to_thread(_combine, texts, own, others, tag_names, entries, view, stored)
    links = tuple((int(str(region)), int(str(roles))) for region, roles in placed)
    rows = await db.reader.rows(_decisions_statement(dialect), {"id": id})
    decided = {f"{kind}-{value or target}": cast("Decision", state) for _, kind, target, value, state in rows}
    known = {one.id for one in suggestions}
    left = [_make_decided(key) for key in decided if key not in known]
    return FoundSuggestions((*suggestions, *left), str(spoken), links, frozenset(own.tags), words, decided)


def _make_decided(id: str) -> SuggestedValue:
    """What nothing suggests any more, but an editor has decided of."""
    kind, _, value = id.partition("-")
    target = None if kind == "language" else int(value)
    return _make_suggestion(cast("Kind", kind), target, 0, value if target is None else "", 0.0, "editor")


def _combine(
    texts: Texts,
    own: ComparedArticle,
    others: Sequence[tuple[float, ComparedArticle]],
    names: TagLexicon,
    entries: Mapping[int, str],
    view: RequestContext,
    stored: Sequence[SuggestedValue],
) -> list[SuggestedValue]:
    kinds = {one.kind for one in stored}
    suggestions = [one for one in stored if one.kind in ("language", "region")]
    if "language" not in kinds and (spoken := language.suggest(texts.title, texts.body)):
        suggestions.append(spoken)
    if "region" not in kinds:
        places = view.atlas.by_slug
        region_suggestions = regions.suggest(texts, view.atlas.gazetteer)
        suggestions += [replace(one, target=places[one.value].id) for one in region_suggestions if one.value in places]
    tag_suggestions = _merge_tags(tags.find_named(texts.title, texts.body, names), stored, entries)
    voters = [(score, one.tags) for score, one in others]
    suggestions += tags.merge(tag_suggestions, tags.vote(voters, entries))
    return sorted(
        (*suggestions, *_find_copies(own, [one for _, one in others], stored)),
        key=lambda one: (_KINDS.index(one.kind), -one.score, one.value),
    )


def _merge_tags(
    current: Iterable[SuggestedValue], stored: Iterable[SuggestedValue], entries: Mapping[int, str]
) -> list[SuggestedValue]:
    """What names say now, and what they said when the article came: each tag once, by its name of now."""
    by_target = {one.target: one for one in current}
    for one in stored:
        if one.kind == "tag" and one.target is not None and one.target in entries:
            by_target.setdefault(one.target, replace(one, value=entries[one.target]))
    return list(by_target.values())


_KINDS = ("language", "region", "tag", "duplicate")


def _find_copies(
    own: ComparedArticle, others: Iterable[ComparedArticle], stored: Iterable[SuggestedValue]
) -> list[SuggestedValue]:
    """Near-duplicates, those in the index measured exactly."""
    by_target = {one.target: one for one in stored if one.kind == "duplicate"}
    own_runs = near_duplicates.runs(own.text)
    for other in others:
        share = near_duplicates.containment(own_runs, near_duplicates.runs(other.text))
        if share >= near_duplicates.COPY and len(own_runs) >= near_duplicates.FEWEST:
            reason = f"{share:.0%} of the shorter one's runs of three words"
            by_target[other.id] = SuggestedValue(
                "duplicate", other.title, round(share, 3), "index", other.id, evidence=reason
            )
    return list(by_target.values())


def _load_lexicon(db: Database) -> TagLexicon:
    with db.snapshot() as snapshot:
        return lexicon.current(snapshot)


def _make_suggestion(
    kind: Kind, target: int | None, roles: int, value: str, score: float, origin: str
) -> SuggestedValue:
    """Of the columns of `_stored_statement`: the value is a language's code, and of anything else the evidence."""
    spoken = kind == "language"
    return SuggestedValue(kind, value if spoken else "", float(score), origin, target, roles, "" if spoken else value)


async def render_suggestions(
    db: Database, suggestions: FoundSuggestions, atlas: Atlas, states: Collection[State]
) -> list[dict[str, object]]:
    """The suggestions in these states as clients see them; what was deleted meanwhile is left out. One statement."""
    copies = [one.target for one in suggestions.suggestions if one.kind == "duplicate" and one.target is not None]
    rows = await db.reader.rows(_titles_statement(db.dialect), {"ids": copies}) if copies else []
    articles = {int(str(id)): {"id": id, "slug": slug, "title": title} for id, slug, title in rows}
    shown = [(one, suggestions.state_of(one)) for one in suggestions.suggestions]
    every = [
        (one, state, _render_target(one, suggestions.words, atlas, articles)) for one, state in shown if state in states
    ]
    return [
        _PLAIN
        | {
            "id": one.id,
            "state": state,
            "kind": one.kind,
            "score": one.score,
            "origin": one.origin,
            "evidence": one.evidence,
        }
        | {"roles": [name for name, bit in ROLES.items() if one.roles & bit], "taken": suggestions.is_taken(one)}
        | {"article" if one.kind == "duplicate" else one.kind: target}
        for one, state, target in every
        if target is not None
    ]


_PLAIN: dict[str, object] = dict.fromkeys(("language", "region", "tag", "article"))


def _render_target(one: SuggestedValue, words: Vocabulary, atlas: Atlas, articles: Mapping[int, object]) -> object:
    if one.kind == "language":
        return one.value
    if one.target is None:
        return None
    if one.kind == "region":
        region = atlas.by_id.get(one.target)
        return {"slug": region.slug, "name": region.name, "level": region.level} if region else None
    if one.kind == "tag":
        tag = words.entries.get(("tag", one.target))
        return {"slug": tag.slug, "name": tag.name, "kind": tag.kind} if tag else None
    return articles.get(one.target)


@lru_cache(maxsize=4)
def _stored_statement(dialect: str) -> Prepared:
    """Of a tag that was merged meanwhile the one that it has become."""
    target = case((KEPT.c.kind == "tag", func.coalesce(TAG.c.merged_into, KEPT.c.target_id)), else_=KEPT.c.target_id)
    of = KEPT.outerjoin(TAG, (KEPT.c.kind == "tag") & (TAG.c.id == KEPT.c.target_id))
    columns = (KEPT.c[name] for name in ("roles", "value", "score", "origin"))
    statement = select(KEPT.c.kind, target, *columns).select_from(of)
    return prepare(statement.where(KEPT.c.article_id == bindparam("id")).order_by(KEPT.c.id), dialect)


@lru_cache(maxsize=4)
def _decisions_statement(dialect: str) -> Prepared:
    return prepare(decisions.DECISIONS.where(decisions.DECIDED.c.article_id == bindparam("id")), dialect)


@lru_cache(maxsize=4)
def _regions_statement(dialect: str) -> Prepared:
    own = (PLACED.c.article_id == bindparam("id")) & (PLACED.c.roles != 0)
    return prepare(select(PLACED.c.region_id, PLACED.c.roles).where(own), dialect)


@lru_cache(maxsize=4)
def _article_statement(dialect: str) -> Prepared:
    columns = (A.c[name] for name in ("language", "dateline_text", "published_at", "origin", "source_url", "seo"))
    return prepare(select(*columns).where(A.c.id == bindparam("id")), dialect)


@lru_cache(maxsize=4)
def _titles_statement(dialect: str) -> Prepared:
    return prepare(select(A.c.id, A.c.slug, A.c.title).where(AnyOf(A.c.id, "ids")), dialect, ["ids"])
