"""The responses to writes of articles: rendered from the committed state, or within the transaction that makes it,
where a repeat shall get the same bytes. Never decides what is written."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import orjson
from sqlmodel import Session
from starlette.responses import Response

from app.articles.input.merge_patch import Json
from app.articles.reading import queries
from app.articles.reading.card_cache import Cards
from app.articles.reading.queries import ListRow
from app.articles.render import article_json
from app.articles.render.article_json import ArticleParts
from app.context import CardSource, RequestContext, UncommittedArticles
from app.db.database import OpenTransaction
from app.db.log_position import LogHead
from app.errors import Gone
from app.http import conditional
from app.http.conditional import VARY
from app.regions import service as regions

NO_STORE = {"Cache-Control": "no-store", "Vary": VARY}


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write made: the article, its version and the status. 204 where the article has gone."""

    id: int
    version: int
    status: int


@dataclass(frozen=True, slots=True)
class Rendered:
    """A response to a write. `articles`: the ids of those of which it shows something, where that was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    articles: frozenset[int] = frozenset()

    def with_place(self, head: LogHead) -> "Rendered":
        """With the place of the change in the log."""
        return Rendered(self.status, {"X-Seq": head.position.token, **self.headers}, self.body, self.articles)

    def response(self) -> Response:
        return Response(self.body, self.status, dict(self.headers))


Render = Callable[[CardSource, RequestContext, WriteResult], Awaitable[Rendered]]


def make_article_renderer(params: ArticleParts, warnings: Mapping[str, str] = MappingProxyType({})) -> Render:
    """Renders the article as `params` ask for it. Gone where it has been removed since."""

    async def render(shelf: CardSource, view: RequestContext, result: WriteResult) -> Rendered:
        if result.status == 204:
            return Rendered(204, {**NO_STORE, **warnings}, b"")
        entry = ListRow(result.id, result.version, None)
        rows = await article_json.render_articles(shelf, view, [entry], params=params, full=True, own=True)
        if not rows:
            raise Gone("The article that this request made or changed is gone.")
        shown = orjson.loads(rows[result.id])
        headers = {**NO_STORE, **warnings, "Content-Type": "application/json"}
        headers["ETag"] = conditional.item_etag(shown.get("version", result.version), rows[result.id])
        if result.status == 201:
            headers["Location"] = f"/v1/articles/{shown.get('slug') or result.id}"
        return Rendered(result.status, headers, rows[result.id])

    return render


def make_related_renderer(params: ArticleParts) -> Render:
    """Renders the article's related posts, with what `params` ask for of their targets."""

    async def render(shelf: CardSource, view: RequestContext, result: WriteResult) -> Rendered:
        rows = await queries.load_related(shelf.db, [result.id])
        shown = (await article_json.render_related(shelf, view, [result.id], rows, params))[result.id]
        body = orjson.dumps({"data": shown})
        etag = conditional.item_etag(result.version, body)
        return Rendered(200, {**NO_STORE, "Content-Type": "application/json", "ETag": etag}, body)

    return render


def render_uncommitted(
    session: Session, view: RequestContext, site_url: str, result: WriteResult, render: Render
) -> Rendered:
    """The response to what this transaction has made, with the articles that it shows. Runs in the writer's thread,
    which has no event loop of its own."""
    transaction = OpenTransaction(session.connection())
    shelf = UncommittedArticles(transaction, Cards(transaction, site_url.rstrip("/")))
    context = view._replace(atlas=regions.atlas(transaction.connection))
    return asyncio.run(_render_with_articles(shelf, context, result, render))


async def _render_with_articles(
    shelf: CardSource, view: RequestContext, result: WriteResult, render: Render
) -> Rendered:
    rendered = await render(shelf, view, result)
    if not rendered.body:
        return rendered
    # Not read from the body alone: with `fields=related.title` it shows a target's title and not its id.
    rows = await queries.load_related(shelf.db, [result.id])
    posts = (await article_json.render_related(shelf, view, [result.id], rows))[result.id]
    shown = [orjson.loads(rendered.body), *(post["article"] for post in posts if post["article"])]
    ids = {result.id, *(_id for one in shown for _id in _ids(one))}
    return Rendered(rendered.status, rendered.headers, rendered.body, frozenset(ids))


def _ids(shown: Json) -> list[int]:
    named = (shown.get("id"), shown.get("translation_of"))
    return [id for id in named if isinstance(id, int)]
