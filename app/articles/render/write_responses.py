"""The responses to writes of articles: rendered from the committed state, or within the transaction that makes it,
where a repeat shall get the same bytes. Never decides what is written."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import orjson
from sqlalchemy import and_, select, true
from sqlmodel import Session
from starlette.responses import Response

from app.articles.reading import queries
from app.articles.reading.card_cache import Cards, CardSource, UncommittedArticles
from app.articles.render import article_json
from app.context import RequestContext
from app.db.database import OpenTransaction
from app.db.log_position import LogHead
from app.errors import Gone
from app.http import conditional
from app.models import Article, RelatedPost, table
from app.regions import service as regions

A, RELATED = table(Article), table(RelatedPost)
NO_STORE = {"Cache-Control": "no-store", "Vary": conditional.VARY}


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write made: the article, its version and the status. 204 where the article has gone."""

    id: int
    version: int
    status: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """A response to a write."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def with_place(self, head: LogHead) -> "Rendered":
        """With the place of the change in the log."""
        return Rendered(self.status, {"X-Seq": head.position.token, **self.headers}, self.body)

    def response(self) -> Response:
        return Response(self.body, self.status, dict(self.headers))


class Renderer(Protocol):
    """The response to a write in two steps, so that the first one runs in the event loop, or in the transaction that
    makes what it shows."""

    def load(
        self, shelf: CardSource, view: RequestContext, result: WriteResult
    ) -> Coroutine[object, object, Mapping[int, bytes]]:
        """The body of the response, by the article's id; empty where the article has been removed since."""
        ...

    def finish(self, result: WriteResult, shown: Mapping[int, bytes]) -> Rendered:
        """The response from what was loaded, nothing for a purge."""
        ...


@dataclass(frozen=True, slots=True)
class ArticleRenderer:
    """The article as `params` ask for it."""

    params: article_json.ArticleParts
    warnings: Mapping[str, str] = field(default_factory=dict)

    def load(
        self, shelf: CardSource, view: RequestContext, result: WriteResult
    ) -> Coroutine[object, object, Mapping[int, bytes]]:
        entry = queries.ListRow(result.id, result.version, None)
        return article_json.render_articles(shelf, view, [entry], params=self.params, full=True, own=True)

    def finish(self, result: WriteResult, shown: Mapping[int, bytes]) -> Rendered:
        """Gone where the article has been removed since."""
        headers = {**NO_STORE, **self.warnings}
        if result.status == 204:
            return Rendered(204, headers, b"")
        body = shown.get(result.id)
        if body is None:
            raise Gone("The article that this request made or changed is gone.")
        article = orjson.loads(body)
        headers |= {
            "Content-Type": "application/json",
            "ETag": conditional.item_etag(article.get("version", result.version), body),
        }
        if result.status == 201:
            headers["Location"] = f"/v1/articles/{article.get('slug') or result.id}"
        return Rendered(result.status, headers, body)


@dataclass(frozen=True, slots=True)
class RelatedRenderer:
    """The article's related posts, with what `params` ask for of their targets."""

    params: article_json.ArticleParts

    async def load(self, shelf: CardSource, view: RequestContext, result: WriteResult) -> Mapping[int, bytes]:
        rows = await queries.load_related(shelf.db, [result.id])
        shown = await article_json.render_related(shelf, view, [result.id], rows, self.params)
        return {result.id: orjson.dumps({"data": shown[result.id]})}

    def finish(self, result: WriteResult, shown: Mapping[int, bytes]) -> Rendered:
        body = shown[result.id]
        etag = conditional.item_etag(result.version, body)
        return Rendered(200, {**NO_STORE, "Content-Type": "application/json", "ETag": etag}, body)


def open_uncommitted(session: Session, view: RequestContext, site_url: str) -> tuple[CardSource, RequestContext]:
    """What renders the articles as this transaction has made them. For the writer's thread, which has no event loop of
    its own."""
    transaction = OpenTransaction(session.connection())
    shelf = UncommittedArticles(transaction, Cards(transaction, site_url.rstrip("/")))
    return shelf, view._replace(atlas=regions.atlas(transaction.connection))


def find_articles(session: Session, view: RequestContext, result: WriteResult, body: bytes) -> frozenset[int]:
    """The ids of the articles of which a response shows something: the one written, its related posts that the caller
    may see, and the originals that these name. Not read from the body alone: with `fields=related.title` it shows a
    target's title and not its id."""
    if not body:
        return frozenset()
    is_public = not view.caller.has_scope("read_drafts")
    target, original = A.alias("target"), A.alias("original")
    named = original.c.id == target.c.translation_of
    posts = (
        select(target.c.id, original.c.id)
        .select_from(RELATED)
        .join(target, target.c.id == RELATED.c.target_id)
        .outerjoin(original, and_(named, original.c.status == "published") if is_public else named)
        .where(RELATED.c.article_id == result.id, target.c.status == "published" if is_public else true())
    )
    ids = {id for row in session.connection().execute(posts) for id in row}
    return frozenset({result.id, orjson.loads(body).get("translation_of"), *ids} - {None})
