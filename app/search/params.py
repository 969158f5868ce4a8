"""From a request's parameters to a question for the engine: what search, timeline and trending have in common."""

from dataclasses import dataclass
from typing import get_args

from app.articles.reading import filter_params
from app.articles.reading.filter_params import FilterParams, ResolvedFilter
from app.context import AppContext, RequestContext
from app.http.params import parser
from app.http.params.declaration import Parameter
from app.http.params.typed import Params
from app.search.engine import Match, Order, Question
from app.search.index import EngineIndex
from app.search.query.parser import ParsedQuery, parse
from app.search.vocabulary.names import Vocabulary

DAY = 86_400


class WordParams(Params):
    """What is looked for."""

    q = parser.text(
        "q",
        'What to look for, at most 512 characters: words, `"a phrase"`, `-word`, `OR`, `( )`, `word*`, `title:word`.',
        maximum=512,
        excess="query_too_complex",
        example="nato deterrence",
        may_be_empty=True,
    )


class MatchParams(Params):
    """How words have to match."""

    match: Parameter[Match] = parser.choice(
        "match",
        "`auto`: all words, and any of them where too few published articles have all; `all`; `any`.",
        get_args(Match),
        "auto",
    )
    typo = parser.choice("typo", "`auto` mends misspelt words; `off` takes them as they are.", ("auto", "off"), "auto")


class QueryParams(WordParams, FilterParams, MatchParams):
    """Which articles a search means."""


@dataclass(frozen=True, slots=True)
class ResolvedSearch:
    """A request understood: the engine's question without its page, and what to tell about how it was read."""

    index: EngineIndex
    resolved_filter: ResolvedFilter
    query: ParsedQuery
    question: Question
    vocabulary: Vocabulary


def is_open_ended(params: FilterParams) -> bool:
    """Whether periods go on to the present one, since no parameter ends them."""
    return params.published_to is None and not params.year


async def resolve_search(context: AppContext, view: RequestContext, params: FilterParams) -> ResolvedSearch:
    """What the filters mean, and the words where there may be some. IndexBehind where there is no index yet."""
    query = ParsedQuery(None, ())
    match: Match = "all"
    typo = False
    if isinstance(params, QueryParams):
        query, match, typo = parse(params.q or ""), params.match, params.typo == "auto"
    index = context.index
    assert isinstance(index, EngineIndex)
    index.check_built()
    resolved_filter = await filter_params.resolve(context, view, params)
    vocabulary = await index.vocabulary.get(view.head)
    order: Order = "relevance" if query.tree is not None else "-published_at"
    question = Question(
        tree=query.tree,
        text=params.q if isinstance(params, QueryParams) else None,
        fallback=query.fallback,
        filter=resolved_filter.filter,
        excluded=await index.find_excluded(view.head),
        languages=resolved_filter.filter.languages,
        order=order,
        match=choose_match(match, order),
        typo=typo,
        today=view.now - view.now % DAY,
        names=vocabulary,
    )
    return ResolvedSearch(index, resolved_filter, query, question, vocabulary)


def choose_match(match: Match, order: Order) -> Match:
    """By date, `auto` means all words: there is no rank that would put the better matches first."""
    return "all" if match == "auto" and order != "relevance" else match
