"""Feeds over HTTP: of all articles, and of those of one tag, region, author or section. Reads only."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.articles.render.left_out import refuse_left_out
from app.context import AnyCaller, AppContext, Context, RequestContext
from app.errors import NotFound
from app.http import auth, conditional, fast_path, responses
from app.http.api_route import ApiRoute
from app.http.openapi import describe_problems, describe_redirect
from app.regions import refs
from app.search.saved_searches import queries
from app.sync.feeds import examples, pages
from app.sync.feeds.departures import DepartureLog
from app.sync.feeds.documents import ARTICLES, FORMS, FeedDocument, FeedName, load_document
from app.sync.feeds.entries import EntryForm
from app.sync.feeds.pages import FeedSource
from app.sync.feeds.params import FORMATS, KINDS, FeedParams, Format, Kind, check_form, check_saved
from app.tags import queries as tags

router = APIRouter(prefix=auth.FEEDS.rstrip("/"), tags=["feeds"], route_class=ApiRoute)

FORMAT: dict[str, object] = {
    "name": "format",
    "in": "path",
    "required": True,
    "description": "RSS 2.0, Atom, or JSON Feed 1.1.",
    "schema": {"type": "string", "enum": list(FORMATS)},
    "example": "atom",
}
KIND: dict[str, object] = {
    "name": "kind",
    "in": "path",
    "required": True,
    "description": "Of what the feed is.",
    "schema": {"type": "string", "enum": list(KINDS)},
    "example": "tags",
}
SLUG: dict[str, object] = {
    "name": "slug",
    "in": "path",
    "required": True,
    "description": "Of the tag, region, author or section; 301 for old slugs, merged tags, ids and codes.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "example": "asean",
}
_PROBLEMS = describe_problems(
    "not_found", "cursor_invalid", "cursor_mismatch", "invalid_range", "limit_too_large", "offset_required",
    "unknown_region", "query_too_complex", "index_behind",
)  # fmt: skip
_TAG_KINDS: dict[Kind, str] = {"authors": "contributor", "sections": "section"}
NamedLink = tuple[str, int]


@router.get(
    "/articles.{format}",
    name="get_feed",
    summary="A feed of a list or a search",
    response_class=Response,
    responses=examples.describe_feed() | _PROBLEMS,
    openapi_extra={"parameters": [FORMAT]},
)
@fast_path.declare
async def get_feed(request: Request, context: Context, view: AnyCaller, params: FeedParams) -> Response:
    """The newest published articles, with any filter of the lists, or those that match a search."""
    return await _respond(request, context, view, params, ARTICLES, None)


SEARCH_SLUG = {name: SLUG[name] for name in ("name", "in", "required", "schema")} | {
    "description": "Of a public saved search, or of one of the key's; a new archive has none."
}


@router.get(
    "/searches/{slug}.{format}",
    name="get_search_feed",
    summary="A feed of a saved search",
    response_class=Response,
    responses=examples.describe_feed() | _PROBLEMS,
    openapi_extra={"parameters": [SEARCH_SLUG, FORMAT]},
)
@fast_path.declare
async def get_search_feed(request: Request, context: Context, view: AnyCaller, params: FeedParams) -> Response:
    """The newest published articles that match a saved search. It has filters and words of its own, and takes no
    others."""
    _read_format(request)
    row = await queries.find(context.db, view.caller, request.path_params["slug"])
    if row is None:
        raise NotFound()
    check_saved(params)
    check_form(params, pages.format_month(view.now))
    source = await pages.resolve_saved_search(context, view._replace(caller=auth.PUBLIC), params, row)
    return await _send(request, context, view, source, FeedName(f"searches/{row.slug}", row.name or row.slug))


@router.get(
    "/{kind}/{slug}.{format}",
    name="get_named_feed",
    summary="A feed of a tag, region, author or section",
    response_class=Response,
    responses=examples.describe_feed()
    | describe_redirect("An old slug, or a merged tag: the feed that it is now.", 301)
    | _PROBLEMS,
    openapi_extra={"parameters": [KIND, SLUG, FORMAT]},
)
@fast_path.declare
async def get_named_feed(request: Request, context: Context, view: AnyCaller, params: FeedParams) -> Response:
    """The newest published articles of one tag, region, author or section; further filters narrow it."""
    format = _read_format(request)
    kind, ref = request.path_params["kind"], request.path_params["slug"]
    label, slug, link = await _find_named(context, view, kind, ref)
    if slug != ref:
        path = f"{auth.FEEDS}{kind}/{slug}.{format}"
        return responses.render_redirect(request, 301, path, token=view.token, public=view.public)
    return await _respond(request, context, view, params, FeedName(f"{kind}/{slug}", label), link)


async def _find_named(context: AppContext, view: RequestContext, kind: str, ref: str) -> tuple[str, str, NamedLink]:
    """Name, slug and id of what a feed is of; NotFound where there is no such thing."""
    if kind not in KINDS:
        raise NotFound(f"There are feeds of {', '.join(KINDS)}.")
    if kind == "regions":
        place = refs.find(view.atlas, ref)
        if place is None:
            raise NotFound()
        return place.name, place.slug, ("regions_all", place.id)
    tag = await tags.find(context.db, ref, hidden=False)
    is_author = tag is not None and tag.kind == "contributor"
    if tag is None or is_author != (kind == "authors") or (kind == "sections" and tag.kind != "section"):
        raise NotFound()
    return tag.name, tag.slug, ("tags_all", tag.id)


def _read_format(request: Request) -> Format:
    format: Format = request.path_params["format"]
    if format not in FORMATS:
        raise NotFound(f"Feeds end in {', '.join(f'.{known}' for known in FORMATS)}.")
    return format


async def _respond(
    request: Request,
    context: AppContext,
    view: RequestContext,
    params: FeedParams,
    name: FeedName,
    link: NamedLink | None,
) -> Response:
    """What the public may see, whoever asks: readers keep it and show it to others."""
    _read_format(request)
    check_form(params, pages.format_month(view.now))
    source = await pages.resolve_source(context, view._replace(caller=auth.PUBLIC), params, link)
    return await _send(request, context, view, source, name)


async def _send(
    request: Request, context: AppContext, view: RequestContext, source: FeedSource, name: FeedName
) -> Response:
    format, params, left_out = _read_format(request), source.params, context.cards.left_out
    if params.content == "full":
        refuse_left_out(left_out, "content", ["body"])
    form, query = EntryForm(format, params.content, view.root_path, left_out), request.scope["query_string"]
    document = await load_document(source, name, form, query, _get_departures(request))
    tags = ["list", "feed", *(f"article:{id}" for id in document.ids)]
    headers = responses.build_headers(view.token, public=view.public, tags=tags)
    headers["Link"] = _render_links(document)
    if source.warnings:
        headers |= responses.render_warnings(source.warnings)
    return conditional.respond(
        request,
        document.body,
        etag=conditional.list_etag(document.body),
        cache_control=responses.choose_cache_control(public=view.public, uses_now=params.uses_now),
        headers=headers,
        media_type=FORMS[format].media_type,
    )


def _render_links(document: FeedDocument) -> str:
    return ", ".join(f'<{address}>; rel="{relation}"' for relation, address in document.links.items())


def _get_departures(request: Request) -> DepartureLog:
    departures = request.app.state.departures
    assert isinstance(departures, DepartureLog)
    return departures
