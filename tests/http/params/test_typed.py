"""Parameters as attributes with a type: values, defaults, order in OpenAPI, and the same strict reader."""

from typing import Literal, get_args
from zoneinfo import ZoneInfo

import pytest

from app.errors import InvalidInput
from app.http.params import parser
from app.http.params.parser import Parameter
from app.http.params.times import Range
from app.http.params.typed import AsOf, NamesIn, Paging, Params, TimeRange

Sort = Literal["name", "-name"]
SORTS: tuple[Sort, ...] = get_args(Sort)


class Filters(Params):
    kind = parser.choices("kind", "Kinds.", ("a", "b"))
    at_from = parser.time("at_from", "From.")
    at_to = parser.time("at_to", "To.")
    at = TimeRange("at")
    tz = parser.TZ


class ListParams(Filters, Paging, AsOf):
    sort = parser.choice("sort", "Order.", SORTS, "name")
    only = parser.choice("only", "One of them.", ("x", "y"))
    q = parser.text("q", "Words.")
    numbers = parser.ids("id", "Numbers.")
    least = parser.integer("least", "At least.", minimum=0)
    whole = parser.flag("whole", "All of it.")
    limit = parser.limit(5, 50)


def test_absent_parameters_have_their_default_or_nothing() -> None:
    params = ListParams.parse(b"", 0)
    assert isinstance(params, ListParams)
    assert (params.sort, params.only, params.q, params.numbers) == ("name", None, None, ())
    assert (params.least, params.whole, params.limit, params.count) == (None, False, 5, "exact")
    assert (params.kind, params.at_from, params.at, params.tz) == ((), None, Range(), ZoneInfo("UTC"))
    assert params.given_names == set()


def test_given_parameters_have_their_values() -> None:
    query = b"kind=b,a&sort=-name&only=y&q=a+word&id=3&id=1&least=0&whole=true&at_from=2025&tz=Europe/Paris&min_seq=x"
    params = ListParams.parse(query, 0)
    assert (params.kind, params.sort, params.only, params.q, params.numbers) == (
        ("b", "a"),
        "-name",
        "y",
        "a word",
        (3, 1),
    )
    assert (params.least, params.whole, params.tz, params.min_seq) == (0, True, ZoneInfo("Europe/Paris"), "x")
    assert params.at == params.ranges["at"] != Range()


def test_openapi_has_own_parameters_first_and_then_those_of_the_bases() -> None:
    names = [shown["name"] for shown in ListParams.openapi()]
    own = ["sort", "only", "q", "id", "least", "whole", "limit"]
    assert names == [*own, "kind", "at_from", "at_to", "tz", "cursor", "page", "count", "min_seq"]
    assert isinstance(ListParams.limit, Parameter)
    assert (ListParams.limit.maximum, Paging.limit.maximum) == (50, 100)
    assert Params.openapi() == []


def test_what_is_wrong_is_told_at_once_and_names_only_what_the_class_takes() -> None:
    with pytest.raises(InvalidInput) as caught:
        ListParams.parse(b"limit=51&srt=name&only=z", 0)
    assert [error.code for error in caught.value.errors] == ["limit_too_large", "unknown_parameter", "invalid_value"]
    assert caught.value.errors[1].allowed == tuple(ListParams.declared.specs)
    with pytest.raises(InvalidInput):
        Params.parse(b"limit=1", 0)


@pytest.mark.parametrize(
    ("query", "language"), [(b"", None), (b"names_in=FR", "fr"), (b"names_in=pt_BR", "pt"), (b"names_in=zh-Hans", "zh")]
)
def test_language_of_names_is_the_bare_one(query: bytes, language: str | None) -> None:
    assert NamesIn.parse(query, 0).names_language == language
