"""The filterable facts of articles, read from SQL in sets: what the log keeps, what the index holds."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection, select
from sqlalchemy import Row as SqlRow

from app.articles.filters import BITS, COPY_OF, HAS_BITS, ORIGINAL, ArticleFacts, make_bits
from app.changes.log import Facts as LoggedFacts
from app.db.sql import AnyOf
from app.models import Article, ArticleRegion, ArticleTag, table

A, TAGGED, PLACED = table(Article), table(ArticleTag), table(ArticleRegion)
Rows = Sequence[SqlRow[*tuple[Any, ...]]]


def load(connection: Connection, ids: Sequence[int]) -> dict[int, ArticleFacts]:
    """Facts of the articles that exist, in three statements."""
    if not ids:
        return {}
    return make_facts(*(connection.execute(one, {"ids": ids}).all() for one in STATEMENTS))


def make_facts(tagged: Rows, placed: Rows, articles: Rows) -> dict[int, ArticleFacts]:
    """Facts by id, from the rows of `STATEMENTS`."""
    tags: dict[int, list[int]] = defaultdict(list)
    regions: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for article, tag in tagged:
        tags[article].append(tag)
    for article, region, own, within in placed:
        regions[article][region] = (own, within)
    return {
        row.id: ArticleFacts(
            id=row.id,
            status=row.status,
            language=row.language,
            origin=row.origin,
            external_id=row.external_id,
            slug=row.slug,
            source=row.source_id,
            tags=tuple(tags[row.id]),
            regions=regions[row.id],
            published_at=row.published_at,
            updated_at=row.updated_at,
            dateline=(row.dateline_from, row.dateline_to),
            translation_of=row.original,
            has=row.has,
            created_at=row.created_at,
            withdrawn_at=row.withdrawn_at,
            copy_of=row.copy_of,
            is_coarse=row.published_precision != "instant",
            is_gone=row.public_once and row.withdrawn_at is not None,
            replaced_by=row.replaced_by,
        )
        for row in articles
    }


_TAGS = (
    select(TAGGED.c.article_id, TAGGED.c.tag_id).where(AnyOf(TAGGED.c.article_id, "ids")).order_by(TAGGED.c.position)
)
_REGIONS = select(PLACED.c.article_id, PLACED.c.region_id, PLACED.c.roles, PLACED.c.roles_within).where(
    AnyOf(PLACED.c.article_id, "ids")
)
_ARTICLES = select(
    A.c.id, A.c.status, A.c.language, A.c.origin, A.c.external_id, A.c.slug, A.c.source_id, A.c.published_at,
    A.c.published_precision, A.c.public_once, A.c.withdrawn_at, A.c.replaced_by, A.c.version,
    A.c.updated_at, A.c.created_at, A.c.dateline_from, A.c.dateline_to,
    ORIGINAL.label("original"), COPY_OF.label("copy_of"), HAS_BITS.label("has"),
).where(AnyOf(A.c.id, "ids"))  # fmt: skip
STATEMENTS = _TAGS, _REGIONS, _ARTICLES
"""Whose rows `make_facts` takes, of the articles `ids`; the last one says the articles' versions too."""


def for_log(facts: ArticleFacts) -> LoggedFacts:
    """The facts as the log keeps them: short, without what is empty."""
    kept: LoggedFacts = {
        "status": facts.status,
        "language": facts.language,
        "origin": facts.origin,
        "slug": facts.slug,
        "updated_at": facts.updated_at,
        "has": facts.has,
    }
    optional = {
        "external_id": facts.external_id,
        "source": facts.source,
        "tags": facts.tags,
        "regions": [[id, *roles] for id, roles in sorted(facts.regions.items())],
        "published_at": facts.published_at,
        "dateline": None if facts.dateline == (None, None) else facts.dateline,
        "translation_of": facts.translation_of,
        "created_at": facts.created_at,
        "withdrawn_at": facts.withdrawn_at,
        "copy_of": facts.copy_of,
        "is_coarse": facts.is_coarse,
        "is_gone": facts.is_gone,
        "replaced_by": facts.replaced_by,
    }
    # By identity: 0 is equal to False, and is the first second of 1970.
    return kept | {n: v for n, v in optional.items() if v is not None and v is not False and v != () and v != []}


def from_log(id: int, kept: LoggedFacts) -> ArticleFacts:
    """The facts that `for_log` has kept; what it left out is empty."""
    text = cast("dict[str, str]", kept)
    number = cast("dict[str, int]", kept)
    start, end = cast("tuple[int | None, int | None]", kept.get("dateline", (None, None)))
    return ArticleFacts(
        id=id,
        status=text["status"],
        language=text["language"],
        origin=text["origin"],
        external_id=text.get("external_id"),
        slug=text["slug"],
        source=number.get("source"),
        tags=tuple(cast("list[int]", kept.get("tags", ()))),
        regions={row[0]: (row[1], row[2]) for row in cast("list[list[int]]", kept.get("regions", ()))},
        published_at=number.get("published_at"),
        updated_at=number["updated_at"],
        dateline=(start, end),
        translation_of=number.get("translation_of"),
        has=number["has"] if "has" in kept else _read_old_bits(kept),
        created_at=number.get("created_at"),
        withdrawn_at=number.get("withdrawn_at"),
        copy_of=number.get("copy_of"),
        is_coarse="is_coarse" in kept,
        is_gone="is_gone" in kept,
        replaced_by=number.get("replaced_by"),
    )


def is_old(kept: LoggedFacts) -> bool:
    """Whether they were written before the log kept all that filters ask of now."""
    return "has" not in kept


def _read_old_bits(kept: LoggedFacts) -> int:
    """What facts of that kind tell: OLD_BITS."""
    named = {"regions": "region", "source": "source", "published_at": "date"}
    words = [word for word in BITS if f"has_{word}" in kept]
    return make_bits([*words, *(word for name, word in named.items() if name in kept)])
