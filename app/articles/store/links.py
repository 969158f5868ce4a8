"""Writes an article's links to tags and regions, with everything that its regions lie in."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from app.articles.manuscript import Manuscript
from app.articles.store.row_columns import Row
from app.db.sql import AnyOf, make_insert, split_chunks
from app.models import Article, ArticleRegion, ArticleTag, table
from app.regions.atlas import Atlas
from app.tags.service import TagSpec

A, TAGGED, PLACED = table(Article), table(ArticleTag), table(ArticleRegion)
_REMOVE = [delete(links).where(AnyOf(links.c.article_id, "articles")) for links in (TAGGED, PLACED)]


class LinkState(NamedTuple):
    """What each link of an article says of it: whether it is published, and when, while it is and that is known."""

    published_at: int | None
    public: bool


def replace(
    connection: Connection,
    saved: Sequence[tuple[int, Manuscript, Row]],
    tags: Mapping[TagSpec, int],
    atlas: Atlas,
    existing: Sequence[int],
) -> None:
    """Writes the links of (article, manuscript, row) anew; `existing` may have old ones. They bear the date of
    publication while the article is published."""
    if existing:
        for statement in _REMOVE:
            connection.execute(statement, {"articles": existing})
    tag_rows = [one for id, m, row in saved for one in _tag_rows(id, m, _mark(row), tags)]
    region_rows = [one for id, m, row in saved for one in _region_rows(id, m.regions, _mark(row), atlas)]
    for links, rows in ((TAGGED, tag_rows), (PLACED, region_rows)):
        if rows:
            connection.exec_driver_sql(*make_insert(connection.dialect, links, rows))


def _mark(row: Row) -> LinkState:
    at, public = row["published_at"], row["status"] == "published"
    return LinkState(at if public and isinstance(at, int) else None, public)


def _tag_rows(
    article: int, manuscript: Manuscript, mark: LinkState, tags: Mapping[TagSpec, int]
) -> list[dict[str, int | None]]:
    ids = dict.fromkeys(tags[spec] for spec in manuscript.tags)
    return [
        {"article_id": article, "tag_id": id, "position": position, **mark._asdict()} for position, id in enumerate(ids)
    ]


def _region_rows(
    article: int, regions: Sequence[tuple[int, int]], mark: LinkState, atlas: Atlas
) -> list[dict[str, int | None]]:
    return [
        {
            "article_id": article,
            "region_id": region,
            "position": position,
            "roles": own,
            "roles_within": within,
            **mark._asdict(),
        }
        for region, (position, own, within) in spread(regions, atlas).items()
    ]


def spread(regions: Sequence[tuple[int, int]], atlas: Atlas) -> dict[int, tuple[int, int, int]]:
    """Region → (position, own roles, roles at or below it), for an article's regions and all that they lie in."""
    own: dict[int, int] = {}
    for region, roles in regions:
        own[region] = own.get(region, 0) | roles
    within: dict[int, int] = {}
    for region, roles in own.items():
        for above in atlas.within[region]:
            within[above] = within.get(above, 0) | roles
    positions = {region: position for position, region in enumerate(own)}
    return {
        region: (positions.get(region, len(own)), own.get(region, 0), roles) for region, roles in sorted(within.items())
    }


def move(connection: Connection, articles: Sequence[int], source: int, target: int) -> None:
    """Gives at most 500 articles one tag for another, in its place; where they have both, in the first one's place."""
    context = TAGGED.c.article_id.in_(articles)
    other = TAGGED.alias("other")
    first = (
        select(func.min(other.c.position))
        .where(other.c.article_id == TAGGED.c.article_id, other.c.tag_id.in_([source, target]))
        .scalar_subquery()
    )
    connection.execute(update(TAGGED).where(TAGGED.c.tag_id == target, context).values(position=first))
    has_both = select(other.c.article_id).where(other.c.tag_id == target, other.c.article_id.in_(articles))
    connection.execute(delete(TAGGED).where(TAGGED.c.tag_id == source, TAGGED.c.article_id.in_(has_both)))
    connection.execute(update(TAGGED).where(TAGGED.c.tag_id == source, context).values(tag_id=target))


def place(connection: Connection, articles: Sequence[int], atlas: Atlas) -> None:
    """Writes what the own regions of at most 500 articles lie in anew, as the atlas has it now."""
    columns = (PLACED.c.article_id, PLACED.c.region_id, PLACED.c.roles, PLACED.c.published_at, PLACED.c.public)
    kept = select(*columns).where(PLACED.c.article_id.in_(articles), PLACED.c.roles != 0).order_by(PLACED.c.position)
    own: dict[int, list[tuple[int, int]]] = {}
    marks: dict[int, LinkState] = {}
    for article, region, roles, at, public in connection.execute(kept):
        own.setdefault(article, []).append((region, roles))
        marks[article] = LinkState(at, public)
    rows = [row for article, regions in own.items() for row in _region_rows(article, regions, marks[article], atlas)]
    if rows:
        connection.execute(delete(PLACED).where(PLACED.c.article_id.in_(list(own))))
        connection.exec_driver_sql(*make_insert(connection.dialect, PLACED, rows))


def show(connection: Connection, articles: Sequence[int]) -> None:
    """Marks the links of published articles, and copies the date of publication to them."""
    for links in (TAGGED, PLACED):
        at = select(A.c.published_at).where(A.c.id == links.c.article_id).scalar_subquery()
        for ids in split_chunks(articles):
            connection.execute(update(links).where(links.c.article_id.in_(ids)).values(published_at=at, public=True))


def hide(connection: Connection, articles: Sequence[int]) -> None:
    """Takes mark and date from the links of articles that are public no more."""
    for links in (TAGGED, PLACED):
        for ids in split_chunks(articles):
            connection.execute(update(links).where(links.c.article_id.in_(ids)).values(published_at=None, public=False))
