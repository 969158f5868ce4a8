"""The shapes of search responses."""

from typing import Literal

from pydantic import Field

from app.articles.schemas import ArticleCard, Notice, Page, Time
from app.http.schemas import Shape, only_where
from app.regions.schemas import Level
from app.tags.schemas import Kind


class ScorePart(Shape):
    """What a part of the query, found in one field, adds to a score. `field`: `text` is title, standfirst and body
    together, `words` the same as written, `date` recency."""

    part: str
    field: str
    score: float


class Highlights(Shape):
    """Fragments of the parts that `highlight` names: HTML in which nothing but `<mark>` is markup."""

    title: list[str] = only_where("With `highlight=title`.", [])
    standfirst: list[str] = only_where("With `highlight=standfirst`.", [])
    body: list[str] = only_where("With `highlight=body`.", [])


class Hit(Shape):
    """An article found. `score` is null when sorted by date."""

    article: ArticleCard
    score: float | None
    highlights: Highlights
    explanation: list[ScorePart] = only_where("With `explain=true`.", [])


class QueryNote(Shape):
    """What in `q` was read as plain text, left out, or names something; `filter` is the query string that narrows to
    it."""

    code: str
    detail: str
    filter: str | None


class WordCorrection(Shape):
    """A word that no article has, and those that were looked for instead."""

    word: str
    read_as: list[str]


class QueryRead(Shape):
    """How the query was read: `read_as` in its own notation, `relaxed` where any of its words was enough."""

    q: str | None
    read_as: str | None
    languages: list[str]
    sort: Literal["relevance", "-published_at", "published_at"]
    match: Literal["all", "any"]
    relaxed: bool
    corrections: list[WordCorrection]
    did_you_mean: str | None
    notes: list[QueryNote]


class FacetValue(Shape):
    value: str
    name: str
    count: int
    selected: bool


class Facets(Shape):
    """Values with their counts, of each facet that `facets` names."""

    tag: list[FacetValue] = only_where("With `facets=tag`.", [])
    region: list[FacetValue] = only_where("With `facets=region`.", [])
    author: list[FacetValue] = only_where("With `facets=author`.", [])
    section: list[FacetValue] = only_where("With `facets=section`.", [])
    language: list[FacetValue] = only_where("With `facets=language`.", [])
    source: list[FacetValue] = only_where("With `facets=source`.", [])
    year: list[FacetValue] = only_where("With `facets=year`.", [])


class SearchResults(Shape):
    data: list[Hit]
    page: Page
    warnings: list[Notice]
    query: QueryRead
    facets: Facets = only_where("With `facets=`.", Facets())


class Suggestion(Shape):
    """`ref` is the slug; `count` the published articles, null for an article."""

    type: Literal["tag", "region", "author", "article"]
    text: str
    ref: str
    count: int | None


class SuggestionGroup(Shape):
    type: Literal["tag", "region", "author", "article"]
    items: list[Suggestion]


class Suggestions(Shape):
    groups: list[SuggestionGroup]


class Bucket(Shape):
    """From `start` to `end` (exclusive); `share` is of all articles of the timeline."""

    start: Time
    end: Time
    count: int
    share: float


class Series(Shape):
    value: str
    name: str
    total: int
    buckets: list[Bucket]


class Timeline(Shape):
    """Series may overlap: an article with two tags is in both. `too_coarse` and `undated` count the articles that are
    in no bucket."""

    interval: Literal["day", "week", "month", "year"]
    tz: str
    buckets: list[Bucket]
    series: list[Series]
    too_coarse: int
    undated: int
    warnings: list[Notice]


class Trend(Shape):
    """`count` articles in the window where `expected` were usual."""

    value: str
    name: str
    count: int
    expected: float
    score: float


class Window(Shape):
    """From `from` to `to` (exclusive)."""

    from_: Time = Field(alias="from")
    to: Time


class Trending(Shape):
    window: Window
    data: list[Trend]
    warnings: list[Notice]


class SuggestedRegion(Shape):
    slug: str
    name: str
    level: Level


class SuggestedTag(Shape):
    slug: str
    name: str
    kind: Kind


class SuggestedArticle(Shape):
    """Another article that is nearly the same."""

    id: int
    slug: str
    title: str


class ArticleSuggestion(Shape):
    """One finding; of `language`, `region`, `tag` and `article` the one that `kind` is about is set.

    `id` stays the same whenever and however it is found. `state`: `accepted` is what the article has, and a
    near-duplicate that an editor has confirmed. `score` compares within a kind; `origin` is the way of finding out,
    `evidence` the words or the reason; `taken`: the article has it. `roles` are those of a region.
    """

    id: str
    state: Literal["open", "accepted", "refused"]
    kind: Literal["language", "region", "tag", "duplicate"]
    score: float
    origin: str
    evidence: str
    roles: list[Literal["about", "mention", "dateline"]]
    taken: bool
    language: str | None
    region: SuggestedRegion | None
    tag: SuggestedTag | None
    article: SuggestedArticle | None


class ArticleSuggestions(Shape):
    data: list[ArticleSuggestion]
