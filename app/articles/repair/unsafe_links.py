"""Takes addresses that no page is behind (`javascript:`, `data:`, `file:` …) out of what was saved before they were
refused. What is shown does not change by that: such an address is shown as null already."""

from collections.abc import Iterator

import orjson
from sqlalchemy import Connection, delete, select, update
from sqlmodel import Session

from app.models import Article, ArticleUrl, RelatedPost, table
from app.text.urls import safe_or_none

A, RELATED, URL = table(Article), table(RelatedPost), table(ArticleUrl)
CHUNK = 5_000


def null_unsafe_addresses(session: Session) -> list[str]:
    """Each as `article 42: related: javascript:…`, in the order of the articles' ids."""
    connection = session.connection()
    addresses = [*_null_in_articles(connection), *_null_related(connection), *_delete_urls(connection)]
    return [f"article {id}: {name}: {address[:200]!r}" for id, name, address in sorted(addresses)]


Found = tuple[int, str, str]


def _is_unsafe(address: object) -> bool:
    return address is not None and safe_or_none(address) is None


def _null_in_articles(connection: Connection) -> Iterator[Found]:
    after = -1
    columns = select(A.c.id, A.c.source_url, A.c.seo, A.c.images).order_by(A.c.id).limit(CHUNK)
    while rows := connection.execute(columns.where(A.c.id > after)).all():
        for id, source_url, seo, images in rows:
            values: dict[str, str | None] = {}
            if _is_unsafe(source_url):
                yield id, "source", str(source_url)
                values["source_url"] = None
            yield from _null_in_seo(id, seo, values)
            yield from _null_in_images(id, images, values)
            if values:
                connection.execute(update(A).where(A.c.id == id).values(**values))
        after = rows[-1].id


def _null_in_seo(id: int, kept: str, values: dict[str, str | None]) -> Iterator[Found]:
    if "canonical_url" in kept:
        said = orjson.loads(kept)
        if _is_unsafe(address := said.get("canonical_url")):
            yield id, "seo", str(address)
            values["seo"] = orjson.dumps({**said, "canonical_url": None}).decode()


def _null_in_images(id: int, kept: str, values: dict[str, str | None]) -> Iterator[Found]:
    if kept == "[]":
        return
    images = orjson.loads(kept)
    unsafe = [image for image in images if _is_unsafe(image.get("url"))]
    for image in unsafe:
        yield id, "images", str(image["url"])
        image["url"] = None
    if unsafe:
        values["images"] = orjson.dumps(images).decode()


def _null_related(connection: Connection) -> Iterator[Found]:
    after = -1
    columns = select(RELATED.c.id, RELATED.c.article_id, RELATED.c.url).where(RELATED.c.url.is_not(None))
    while rows := connection.execute(columns.where(RELATED.c.id > after).order_by(RELATED.c.id).limit(CHUNK)).all():
        for id, article, url in rows:
            if _is_unsafe(url):
                yield article, "related", url
                connection.execute(update(RELATED).where(RELATED.c.id == id).values(url=None, url_key=None))
        after = rows[-1].id


def _delete_urls(connection: Connection) -> Iterator[Found]:
    """These are keys of a table: the whole row goes."""
    after = -1
    columns = select(URL.c.article_id, URL.c.url_key, URL.c.url).order_by(URL.c.article_id)
    articles = select(URL.c.article_id).group_by(URL.c.article_id).order_by(URL.c.article_id).limit(CHUNK)
    while ids := connection.execute(articles.where(URL.c.article_id > after)).scalars().all():
        rows = connection.execute(columns.where(URL.c.article_id > after, URL.c.article_id <= ids[-1])).all()
        for article, key, url in rows:
            if _is_unsafe(url):
                yield article, "previous_urls", url
                connection.execute(delete(URL).where(URL.c.article_id == article, URL.c.url_key == key))
        after = ids[-1]
