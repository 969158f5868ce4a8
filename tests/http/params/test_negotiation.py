"""Which representation a request gets, by `format` and by `Accept`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from app.articles.render.structured.formats import ITEM, ITEM_NAMES
from app.errors import NotAcceptable
from app.http.params import negotiation
from app.http.params.negotiation import JSON


def make_request(*accept: str) -> Request:
    headers = [(b"accept", value.encode("latin-1")) for value in accept]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers})


def choose(*accept: str, name: str | None = None) -> str:
    return negotiation.choose(make_request(*accept), name, ITEM).name


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ((), "json"),
        (("",), "json"),
        (("*/*",), "json"),
        (("application/json, text/plain, */*",), "json"),
        (("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",), "json"),
        (("application/ld+json",), "jsonld"),
        (('application/ld+json; profile="http://www.w3.org/ns/json-ld#compacted"',), "jsonld"),
        (("application/ninjs+json",), "ninjs"),
        (("application/vnd.iptc.ninjs+json",), "ninjs"),
        (("text/markdown",), "markdown"),
        (("Text/Markdown ; Q=0.5",), "markdown"),
        (("text/plain",), "text"),
        (("text/*",), "markdown"),
        (("text/*, text/markdown;q=0",), "text"),
        (("application/json;q=0.4, text/plain;q=0.5",), "text"),
        (("application/json;q=0, */*",), "jsonld"),
        (("text/html", "application/ninjs+json"), "ninjs"),
        (("text/plain;q=0.500, text/markdown;q=0.501",), "markdown"),
        (("*/*;q=0.1, text/markdown;q=0.2",), "markdown"),
        (("application/*;q=1.0",), "json"),
    ],
)
def test_accept_chooses_what_it_likes_best(accept: tuple[str, ...], expected: str) -> None:
    assert choose(*accept) == expected


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/json;q=0",
        "*/*;q=0",
        "application/json;q=2",
        "application/json;q=0.1234",
        "application/json;q=",
        "json",
        "application/json;q=nan",
    ],
)
def test_accept_of_nothing_that_there_is_is_not_acceptable(accept: str) -> None:
    with pytest.raises(NotAcceptable) as raised:
        choose(accept)
    assert raised.value.members["allowed"] == [one.media_type for one in ITEM]
    assert negotiation.choose(make_request(accept), None, ITEM, JSON) is JSON


@pytest.mark.parametrize("accept", ["application/json;q=0", "text/html", "*/*;q=0", "text/markdown"])
@pytest.mark.parametrize("name", ITEM_NAMES)
def test_format_wins_over_whatever_accept_says(name: str, accept: str) -> None:
    assert choose(accept, name=name) == name


@pytest.mark.parametrize("name", ["csv", "JSON", "json-ld", "xml", " json", ""])
def test_format_that_is_none_is_not_acceptable(name: str) -> None:
    with pytest.raises(NotAcceptable) as raised:
        choose("*/*", name=name)
    assert raised.value.members["allowed"] == list(ITEM_NAMES)


@given(st.text(st.sampled_from("*/;,=q.01 \ttextplainmrkdow+js"), max_size=60), st.integers(1, 20))
def test_every_accept_chooses_or_is_refused(accept: str, times: int) -> None:
    try:
        chosen = negotiation.choose(make_request(*[accept] * times), None, ITEM)
    except NotAcceptable:
        return
    assert chosen in ITEM
