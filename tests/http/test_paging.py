"""Cursors, the page object and the Link header."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b

import pytest
from hypothesis import given, strategies as st

from app.errors import CursorInvalid, CursorMismatch
from app.http.paging import Cursor, PageInfo, decode, encode, render_links

PLACE = Cursor("after", "zürich", 42, None, (1_764_583_200, None))
whole = st.integers(-(2**63), 2**63 - 1)
keys = st.none() | whole | st.text()
cursors = st.builds(
    Cursor,
    kind=st.sampled_from(["after", "before"]),
    key=keys,
    id=whole,
    offset=st.none() | st.integers(0, 10_000),
    extra=st.lists(keys, max_size=3).map(tuple),
)


@given(cursors, st.text(max_size=20))
def test_cursor_comes_back_as_it_was(cursor: Cursor, signature: str) -> None:
    assert decode(encode(cursor, signature), signature) == cursor


@given(cursors, st.integers(min_value=0))
def test_any_bit_flipped_makes_a_cursor_invalid(cursor: Cursor, which: int) -> None:
    raw = bytearray(_raw(encode(cursor, "s")))
    byte, bit = divmod(which % (len(raw) * 8), 8)
    raw[byte] ^= 1 << bit
    with pytest.raises(CursorInvalid):
        decode(_text(bytes(raw)), "s")


def test_cursor_cut_off_or_grown_is_invalid() -> None:
    text = encode(PLACE, "s")
    for damaged in [*(text[:length] for length in range(len(text))), text + "A", text + "=", " " + text, text + "\n"]:
        with pytest.raises(CursorInvalid):
            decode(damaged, "s")


@given(st.text(max_size=80))
def test_any_text_that_is_no_cursor_is_invalid(text: str) -> None:
    with pytest.raises(CursorInvalid):
        decode(text, "s")


def test_cursor_of_another_list_is_a_mismatch() -> None:
    with pytest.raises(CursorMismatch):
        decode(encode(PLACE, "tag=nato"), "tag=eu")


@pytest.mark.parametrize(
    "place",
    [
        *("x", "{}", "[]", "[2,1,1,null]", "[0,[],1,null]", "[0,1,null,null]"),
        *('[0,1,1,"x"]', "[0,1,1,-1]", "[0,1,9223372036854775808,null]", "[0,1,1,null,{}]"),
    ],
)
def test_forged_cursor_of_another_shape_is_invalid(place: str) -> None:
    head = _raw(encode(PLACE, "s"))[8:13]
    content = head + place.encode()
    check = blake2b(content, digest_size=8, person=b"cursor").digest()
    with pytest.raises(CursorInvalid):
        decode(_text(check + content), "s")


def test_page_shows_every_property_in_order() -> None:
    assert list(PageInfo(20).to_dict().items()) == [
        ("limit", 20),
        ("number", None),
        ("next", None),
        ("previous", None),
        ("total", None),
        ("total_is", "none"),
    ]
    assert PageInfo(20, missing=(3,)).to_dict()["missing"] == [3]


def test_links_of_a_cursor_page_keep_the_query_as_it_is() -> None:
    query = b"tag=a,b&cursor=old&utm_source=x&q=%C3%A9+%3E&limit=5"
    kept = "/v1/articles?tag=a,b&q=%C3%A9+%3E&limit=5"
    assert links(render_links("/v1/articles", query, PageInfo(5, next="NN", previous="PP"))) == {
        "next": f"{kept}&cursor=NN",
        "prev": f"{kept}&cursor=PP",
        "first": kept,
    }


def test_links_of_the_only_page_are_the_first_alone() -> None:
    assert links(render_links("/v1/articles", b"", PageInfo(20))) == {"first": "/v1/articles"}


def test_links_of_a_numbered_page_lead_to_the_last() -> None:
    page = PageInfo(20, number=2, total=45, total_is="exact")
    assert links(render_links("/v1/tags", b"page=2", page)) == {
        "next": "/v1/tags?page=3",
        "prev": "/v1/tags?page=1",
        "first": "/v1/tags?page=1",
        "last": "/v1/tags?page=3",
    }


def test_links_of_the_last_numbered_page_have_no_next() -> None:
    page = PageInfo(20, number=3, total=45, total_is="exact")
    assert set(links(render_links("/v1/tags", b"page=3", page))) == {"prev", "first", "last"}


def test_links_never_lead_deeper_than_pages_reach() -> None:
    page = PageInfo(20, number=500, next="NN", total=20_000, total_is="exact")
    assert set(links(render_links("/v1/tags", b"page=500", page))) == {"prev", "first"}


def test_links_without_a_known_total_have_no_last() -> None:
    page = PageInfo(20, number=1, next="NN", total=10_000, total_is="at_least")
    assert links(render_links("/v1/tags", b"", page)) == {"next": "/v1/tags?page=2", "first": "/v1/tags?page=1"}


def test_link_cannot_be_broken_out_of() -> None:
    value = render_links("/v1/articles", b'q=a>; rel="next"\r\nX: \xff', PageInfo(20))
    assert value == '</v1/articles?q=a%3E;%20rel=%22next%22%0D%0AX:%20%FF>; rel="first"'


def links(header: str) -> dict[str, str]:
    pairs = (link.split(">; rel=") for link in header.split(", "))
    return {rel.strip('"'): target.removeprefix("<") for target, rel in pairs}


def _raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
