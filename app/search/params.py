"""From a request's parameters to a question for the engine: what search, timeline and trending have in common."""

from dataclasses import dataclass, replace
from typing import cast

from app.articles.reading import filter_params
from app.articles.reading.filter_params import ResolvedFilter
from app.context import AppContext, RequestContext
from app.errors import IndexBehind, InvalidValue
from app.http.params import parser
from app.http.params.parser import Read
from app.search.engine import Match, Order, Question, Recency
from app.search.index import EngineIndex
from app.search.query.parser import ParsedQuery, parse
from app.search.vocabulary.names import Vocabulary

DAY = 86_400

Q = parser.text(
    "q",
    'What to look for, at most 512 characters: words, `"a phrase"`, `-word`, `OR`, `( )`, `word*`, `title:word`.',
    maximum=512,
    excess="query_too_complex",
    example="nato deterrence",
    may_be_empty=True,
)
WORDS = (
    Q,
    *filter_params.FILTERS,
    parser.choice(
        "match",
        "`auto`: all words, and any of them where too few published articles have all; `all`; `any`.",
        ("auto", "all", "any"),
        "auto",
    ),
    parser.choice("typo", "`auto` mends misspelt words; `off` takes them as they are.", ("auto", "off"), "auto"),
)
"""Which articles a search means."""


@dataclass(frozen=True, slots=True)
class ResolvedSearch:
    """A request understood: the engine's question without its page, and what to tell about how it was read."""

    index: EngineIndex
    resolved_filter: ResolvedFilter
    query: ParsedQuery
    question: Question
    vocabulary: Vocabulary


async def resolve_search(context: AppContext, view: RequestContext, read: Read) -> ResolvedSearch:
    """With `q`. Waits for `min_seq` where it is given; IndexBehind where there is no index yet."""
    if read.knows("min_seq"):
        await context.wait_for(read.text("min_seq"), view.head)
    query = parse(read.text("q") or "")
    filtered = await resolve_filter(context, view, read)
    order = _choose_order(read, query)
    question = replace(
        filtered.question,
        tree=query.tree,
        order=order,
        match=_choose_match(read, order),
        typo=read.choice("typo") == "auto",
        prefix=read.knows("prefix") and read.flag("prefix"),
        recency=cast("Recency", read.choice("recency")) if read.knows("recency") else "off",
    )
    return replace(filtered, query=query, question=question)


async def resolve_filter(context: AppContext, view: RequestContext, read: Read) -> ResolvedSearch:
    """Without words: the filters alone."""
    index = context.index
    assert isinstance(index, EngineIndex)
    if index.seq() is None:
        raise IndexBehind("The search index is being built; articles can be read and listed meanwhile.")
    resolved_filter = await filter_params.resolve(context, view, read)
    vocabulary = await index.load_vocabulary(view.head)
    question = Question(
        filter=resolved_filter.filter,
        excluded=await index.find_excluded(view.head),
        languages=resolved_filter.filter.languages,
        today=view.now - view.now % DAY,
        names=vocabulary,
    )
    return ResolvedSearch(index, resolved_filter, ParsedQuery(None, ()), question, vocabulary)


def _choose_order(read: Read, query: ParsedQuery) -> Order:
    if not read.knows("sort") or "sort" not in read.given_names:
        return "relevance" if query.tree is not None else "-published_at"
    order = cast("Order", read.choice("sort"))
    if order == "relevance" and query.tree is None:
        raise InvalidValue("sort=relevance needs q.", "sort")
    return order


def _choose_match(read: Read, order: Order) -> Match:
    """By date, `auto` means all words: there is no rank that would put the better matches first."""
    match = cast("Match", read.choice("match"))
    return "all" if match == "auto" and order != "relevance" else match
