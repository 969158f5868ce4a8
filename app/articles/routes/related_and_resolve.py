"""What leads from one article to others, and from an address to an article. Reads only."""

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles import examples, schemas
from app.articles.reading import filter_params, queries, replacements
from app.articles.reading.card_parts import Json
from app.articles.reading.filter_params import FilterParams
from app.articles.reading.queries import ArticleRef, ListRow
from app.articles.render import article_json
from app.articles.render.article_json import ArticleParts
from app.articles.routes import list_rows
from app.articles.routes.reads import MOVED, REF, find
from app.context import AnyCaller, AppContext, Context
from app.errors import Gone, InvalidRange, InvalidValue, NotFound
from app.http import fast_path, responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_item, describe_problems, describe_redirect, describe_uncached
from app.http.params import parser
from app.http.params.times import format_time
from app.http.params.typed import Params
from app.text import keys

router = APIRouter(prefix="/v1", tags=["articles"], route_class=ApiRoute)

NEWEST = "-published_at"


class RelatedParams(ArticleParts):
    """Of related posts."""

    kind = parser.choice(
        "kind",
        "`editorial`: the editors' own; `all` fills up with similar ones.",
        ("all", "editorial", "similar"),
        "all",
    )
    limit = parser.limit()


class NeighbourParams(FilterParams, ArticleParts):
    """Of the articles before and after one."""


class ResolveParams(Params):
    """Of an address, or a source's id."""

    url = parser.text(
        "url",
        "An address that an article has or had here or at its source.",
        maximum=2000,
        example="https://example.org/a",
    )
    external_id = parser.text("external_id", "The id that the source gave.", example="dl-0101", needed=True)
    origin = parser.text("origin", "The archive or feed that the id belongs to.", example="dateline.example")


@router.get(
    "/articles/{ref}/related",
    name="list_related",
    summary="Related posts and similar articles",
    response_model=schemas.RelatedList,
    responses=describe_item(examples.RELATED)
    | MOVED
    | describe_problems("not_found", "gone", "limit_too_large", "unknown_field", "response_too_large"),
    openapi_extra={"parameters": [REF]},
)
@fast_path.declare
async def list_related(request: Request, context: Context, view: AnyCaller, params: RelatedParams) -> Response:
    """The editors' related posts in their order, filled up with similar articles.

    Entries whose article is not known yet, or has been withdrawn, are `unresolved`.
    """
    article = await find(request, context, view, request.path_params["ref"], "/related")
    if isinstance(article, Response):
        return article
    rows: list[Json] = []
    if params.kind != "similar" and "related" not in context.cards.left_out:
        posts = await queries.load_related(context.db, [article.id])
        rows = (await article_json.render_related(context, view, [article.id], posts, params, params.limit))[article.id]
    if params.kind != "editorial" and len(rows) < params.limit:
        room = params.limit - len(rows)
        rows += await article_json.render_similar(context, view, article, params, room, after=rows)
    body = orjson.dumps({"data": rows[: params.limit]})
    tags = [f"article:{article.id}", "list"]
    return responses.render_item(
        request, body, token=view.token, public=view.public, version=article.version, tags=tags
    )


@router.get(
    "/articles/{ref}/neighbours",
    name="get_neighbours",
    summary="The articles before and after one",
    response_model=schemas.Neighbours,
    responses=describe_item(examples.NEIGHBOURS)
    | MOVED
    | describe_problems(
        "not_found",
        "gone",
        "invalid_range",
        "offset_required",
        "unknown_field",
        "unknown_region",
        "response_too_large",
    ),
    openapi_extra={"parameters": [REF]},
)
@fast_path.declare
async def get_neighbours(request: Request, context: Context, view: AnyCaller, params: NeighbourParams) -> Response:
    """The next newer and the next older article, within any filter of the list."""
    article = await find(request, context, view, request.path_params["ref"], "/neighbours")
    if isinstance(article, Response):
        return article
    resolved = await filter_params.resolve(context, view, params)
    entries: list[ListRow | None] = [None, None]
    places = await queries.find_place(context.db, article.id)
    if places is not None:
        plan = await list_rows.choose_plan(context, view, resolved.filter, NEWEST)
        pages = [await list_rows.load_rows(context, view, plan, resolved.filter, NEWEST, 1, place) for place in places]
        entries = [page[0] if page else None for page in pages]
    present = [entry for entry in entries if entry is not None]
    rows = await article_json.render_articles(context, view, present, params=params)
    shown = [rows.get(entry.id, b"null") if entry is not None else b"null" for entry in entries]
    body = b'{"newer":%b,"older":%b,"warnings":%b}' % (shown[0], shown[1], orjson.dumps(resolved.warnings))
    tags = ["list", f"article:{article.id}"]
    return responses.render_item(
        request, body, token=view.token, public=view.public, tags=tags, uses_now=params.uses_now
    )


@router.get(
    "/articles/{ref}/translations",
    name="list_translations",
    summary="The same story in other languages",
    response_model=schemas.Translations,
    responses=describe_item(examples.TRANSLATIONS)
    | MOVED
    | describe_problems("not_found", "gone", "unknown_field", "response_too_large"),
    openapi_extra={"parameters": [REF]},
)
@fast_path.declare
async def list_translations(request: Request, context: Context, view: AnyCaller, params: ArticleParts) -> Response:
    """The same story in other languages: the original and its translations, without the article itself."""
    article = await find(request, context, view, request.path_params["ref"], "/translations")
    if isinstance(article, Response):
        return article
    entries = await queries.load_translations(context.db, article.id, hidden=view.caller.has_scope("read_drafts"))
    rows = article_json.list_rows(entries, await article_json.render_articles(context, view, entries, params=params))
    tags = ["list", f"article:{article.id}", *(f"article:{entry.id}" for entry in entries)]
    return responses.render_item(
        request, b'{"data":[' + b",".join(rows) + b"]}", token=view.token, public=view.public, tags=tags
    )


@router.get(
    "/resolve",
    name="resolve_address",
    summary="Find an article by an address or a source's id",
    status_code=307,
    response_model=None,
    response_class=Response,
    responses={
        300: {
            "model": schemas.Candidates,
            "description": "Several articles: the candidates.",
            **describe_uncached(examples.CANDIDATES, 300)[300],
        },
        **describe_redirect("The article, in `Location`.", 307),
        **describe_problems("not_found", "gone", "invalid_range"),
    },
)
@fast_path.declare
async def resolve_address(request: Request, context: Context, view: AnyCaller, params: ResolveParams) -> Response:
    """Where an address or a source's id leads: 307 to the article, 300 with the candidates where there are several."""
    visible, gone = [], None
    for article in await _candidates(context, params):
        if article.status == "published" or view.caller.has_scope("read_drafts"):
            visible.append(article)
        elif article.is_gone:
            replacement = await _replacement(context, article)
            visible += [replacement] if replacement is not None and replacement not in visible else []
            gone = article
    if not visible:
        if gone is not None:
            raise Gone(withdrawn_at=format_time(gone.withdrawn_at or 0), reason=gone.withdrawn_reason)
        raise NotFound()
    shown = responses.build_headers(
        view.token, public=view.public, tags=[f"article:{article.id}" for article in visible]
    )
    if len(visible) == 1:
        headers = {
            **shown,
            "Location": f"/v1/articles/{visible[0].slug}",
            "Cache-Control": responses.choose_cache_control(public=view.public),
        }
        return Response(status_code=307, headers=headers)
    rows = [
        {"id": article.id, "slug": article.slug, "path": f"{view.root_path}/v1/articles/{article.slug}"}
        for article in visible
    ]
    shown["Cache-Control"] = responses.choose_cache_control(public=view.public)
    return Response(orjson.dumps({"data": rows}), 300, shown, "application/json")


async def _replacement(context: AppContext, article: ArticleRef) -> ArticleRef | None:
    """The article that readers are sent to instead, while it is public."""
    slug = await replacements.find_slug(context.db, article.replaced_by)
    return await queries.find(context.db, slug) if slug is not None else None


async def _candidates(context: AppContext, params: ResolveParams) -> list[ArticleRef]:
    url, id = params.url, params.external_id
    if url is None and id is None:
        raise InvalidValue("Give a url or an external_id.", "url")
    if url is not None and (id is not None or "origin" in params.given_names):
        raise InvalidRange("A url goes alone; origin goes with an external_id.", "url")
    if id is not None:
        return await queries.by_external_id(context.db, id, params.origin)
    assert url is not None
    own = context.settings.site_url
    key = keys.url_key(url)
    if own and key.startswith(keys.url_key(own) + "/articles/"):
        article = await queries.find(context.db, keys.last_segment(url) or "")
        return [article] if article else []
    unique = {article.id: article for article in await queries.by_url(context.db, key)}
    return list(unique.values())
