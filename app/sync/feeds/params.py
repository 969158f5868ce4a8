"""What the address of a feed names: its format, its filters, and which of its documents. Reads nothing."""

import re
from typing import Literal, get_args

from app.errors import FieldError, InvalidInput, InvalidValue
from app.http.params import parser
from app.http.params.declaration import Parameter
from app.http.params.typed import Params
from app.search.params import QueryParams

Format = Literal["rss", "atom", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
Content = Literal["summary", "full"]
Sort = Literal["-published_at", "-updated_at"]
Kind = Literal["tags", "regions", "authors", "sections"]
KINDS: tuple[Kind, ...] = get_args(Kind)

UNDATED = "undated"
IN_ARCHIVE = 100
"""How many articles a document of the archive has unless `limit` says."""
_MONTH = re.compile(r"(1[0-9]{3}|20[0-9]{2})-(0[1-9]|1[0-2])")


class FeedForm(Params):
    """What a feed shows, and which part of it."""

    content: Parameter[Content] = parser.choice(
        "content", "`full`: with the whole text of each article.", get_args(Content), "summary", signs=False
    )
    sort: Parameter[Sort] = parser.choice(
        "sort", "`-updated_at`: what has changed last comes first, for copies.", get_args(Sort), "-published_at"
    )
    limit = parser.limit()
    cursor = parser.text("cursor", "From a link `next`, as it stands.", maximum=2000, signs=False)
    archive = parser.text(
        "archive",
        "A month that has ended, in UTC, or `undated`; from a link `prev-archive`.",
        maximum=10,
        example="2025-11",
        signs=False,
    )


class FeedParams(QueryParams, FeedForm):
    """Of a feed."""


def check_saved(params: FeedParams) -> None:
    """InvalidInput for what a saved search has of its own."""
    wrong = sorted((params.given_names & QueryParams.declared.specs.keys()) - {"tz"})
    if wrong:
        detail = "A saved search has words and filters of its own; save another one with these."
        raise InvalidInput(*(FieldError("invalid_range", detail, name) for name in wrong))
    if params.sort != "-published_at":
        raise InvalidInput(FieldError("invalid_range", "A feed of a search comes by date of publication.", "sort"))


def check_form(params: FeedParams, today: str) -> None:
    """InvalidInput for what goes with nothing; `today` as YYYY-MM, in UTC."""
    month = params.archive
    if params.q and params.sort != "-published_at":
        raise InvalidInput(FieldError("invalid_range", "A feed of a search comes by date of publication.", "sort"))
    if month is None:
        return
    if params.sort != "-published_at":
        detail = "The archive of a feed goes by date of publication: leave sort out."
        raise InvalidInput(FieldError("invalid_range", detail, "sort"))
    if month != UNDATED and not _MONTH.fullmatch(month):
        raise InvalidValue("Expected a month, such as 2025-11, or undated.", "archive")
    if month != UNDATED and month >= today:
        raise InvalidValue("This month has not ended: the feed itself has its articles.", "archive")
