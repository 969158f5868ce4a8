"""Entity tags and the headers that name them."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from app.errors import InvalidValue
from app.http.conditional import ANY, is_match, item_etag, list_etag, parse_versions, respond

ETAG = item_etag(3, b"body")


def test_item_etag_carries_version_and_representation() -> None:
    assert ETAG.startswith('"3-')
    assert len({ETAG, item_etag(4, b"body"), item_etag(3, b"other"), list_etag(b"body")}) == 4


@pytest.mark.parametrize("header", [ETAG, f"W/{ETAG}", "*", f'"x", {ETAG}', f'W/"x,y" ,W/{ETAG} ', " * "])
def test_if_none_match_that_names_the_tag_matches(header: str) -> None:
    assert is_match(header, ETAG)


@pytest.mark.parametrize("header", [None, "", '"3"', ETAG.strip('"'), f'"x" {ETAG}', f"{ETAG} x", '"', "w/" + ETAG])
def test_if_none_match_that_does_not_name_the_tag_matches_nothing(header: str | None) -> None:
    assert not is_match(header, ETAG)


@pytest.mark.parametrize(
    ("header", "versions"),
    [
        ('"3"', {3}),
        (ETAG, {3}),
        ('W/"3-abc"', {3}),
        ('"3-a-b", "4"', {3, 4}),
        ('"abc"', set()),
        ('"-3"', set()),
        ('"' + "9" * 40 + '"', set()),
    ],
)
def test_if_match_names_versions(header: str, versions: set[int]) -> None:
    assert parse_versions(header) == frozenset(versions)


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        ("3", 'The quotes of the ETag are missing: send "3".'),
        ("W/3-0a", 'The quotes of the ETag are missing: send W/"3-0a".'),
        (" 3-0123456789abcdef ", 'The quotes of the ETag are missing: send "3-0123456789abcdef".'),
        ("", "Expected an ETag"),
        ("abc", "Expected an ETag"),
        ('"3" "4"', "Expected an ETag"),
        ("9" * 40, "Expected an ETag"),
    ],
)
def test_if_match_that_is_no_list_of_tags_is_told_from_another_version(header: str, detail: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_versions(header)
    [error] = refused.value.errors
    assert (error.parameter, error.detail.startswith(detail)) == ("If-Match", True)


def test_if_match_star_is_any_version() -> None:
    assert parse_versions("*") == ANY


def test_client_that_has_the_body_gets_304_without_one() -> None:
    request = Request({"type": "http", "headers": [(b"if-none-match", ETAG.encode())]})
    response = respond(request, b"body", etag=ETAG, cache_control="public, max-age=30", headers={"Vary": "Accept"})
    assert (response.status_code, response.body) == (304, b"")
    assert (response.headers["etag"], response.headers["cache-control"], response.headers["vary"]) == (
        ETAG,
        "public, max-age=30",
        "Accept",
    )


def test_client_without_it_gets_the_body() -> None:
    response = respond(Request({"type": "http", "headers": []}), b"body", etag=ETAG, cache_control="no-store")
    assert (response.status_code, response.body, response.headers["etag"]) == (200, b"body", ETAG)
