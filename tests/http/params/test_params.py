"""The strict reader of query strings, through the parameters of an imagined list."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FieldError, InvalidInput
from app.http.params import parser
from app.http.params.times import Range
from app.http.params.typed import Params, TimeRange

NOW = 1_764_583_200
STATES = ("draft", "published", "withdrawn")


class QueryListParams(Params):
    """Of an imagined list."""

    tag = parser.refs("tag", "Any of these tags.", "nato")
    region = parser.refs("region", "In any of these regions.")
    external_id = parser.strings("external_id", "Ids of the source.")
    id = parser.ids("id", "Ids.")
    status = parser.choices("status", "States.", STATES)
    sort = parser.choice("sort", "Order.", ("-published_at", "published_at"), "-published_at")
    q = parser.text("q", "Words.", may_be_empty=True, excess="query_too_complex")
    event = parser.text("event", "An event.")
    prefix = parser.flag("prefix", "Unfinished.")
    fields = parser.fields("fields", "Kept.", ("title", "slug", "tags.name"))
    published_from = parser.time("published_from", "Not before.")
    published_to = parser.time("published_to", "Not after.")
    published = TimeRange("published")
    tz = parser.TZ
    limit = parser.limit()
    page = parser.PAGE
    cursor = parser.CURSOR


class UrlParams(Params):
    """Of what needs a parameter."""

    url = parser.text("url", "An address.", required=True)


def read(query: str) -> QueryListParams:
    return QueryListParams.parse(query.encode(), NOW)


def errors(query: str | bytes) -> list[FieldError]:
    with pytest.raises(InvalidInput) as refused:
        QueryListParams.parse(query.encode() if isinstance(query, str) else query, NOW)
    return list(refused.value.errors)


def codes(query: str | bytes) -> list[tuple[str, str | None]]:
    return [(error.code, error.parameter) for error in errors(query)]


def test_nothing_given_means_the_defaults() -> None:
    parsed = read("")
    assert (parsed.tag, parsed.q, parsed.sort, parsed.limit) == (
        (),
        None,
        "-published_at",
        20,
    )
    assert (parsed.given_names, parsed.canonical, parsed.uses_now) == (frozenset(), (), False)
    assert parsed.published == Range()


@pytest.mark.parametrize("query", ["tag=eu,nato", "tag=eu&tag=nato", "tag=eu%2Cnato", "tag=eu,+nato&tag=eu"])
def test_list_means_the_same_by_commas_and_repeated(query: str) -> None:
    assert read(query).tag == ("eu", "nato")
    assert read(query).canonical == (("tag", ("eu", "nato")),)


def test_external_ids_are_never_split() -> None:
    assert read("external_id=a,b&external_id=c").external_id == ("a,b", "c")


def test_ids_keep_their_order() -> None:
    assert read("id=7,3&id=9").id == (7, 3, 9)


def test_given_values_come_typed() -> None:
    parsed = read("status=draft&sort=published_at&q=caf%C3%A9+au%20lait&prefix=true&limit=100&fields=title,tags.name")
    assert parsed.status == ("draft",)
    assert parsed.sort == "published_at"
    assert parsed.q == "café au lait"
    assert parsed.prefix is True
    assert parsed.limit == 100
    assert parsed.fields == ("title", "tags.name")


def test_decomposed_letters_are_composed() -> None:
    assert read("tag=" + quote("cafe\u0301")).tag == ("caf\u00e9",)


def test_unknown_parameter_names_the_nearest_and_all_allowed() -> None:
    [error] = errors("tga=nato")
    assert (error.code, error.parameter, error.did_you_mean) == ("unknown_parameter", "tga", "tag")
    assert error.allowed is not None
    assert {"tag", "limit", "published_from"} <= set(error.allowed)


def test_campaign_parameters_are_ignored() -> None:
    assert read("utm_source=mail&utm_campaign=%FF&tag=eu").given_names == {"tag"}


def test_all_mistakes_are_told_at_once_in_their_order() -> None:
    assert codes("limit=101&tga=x&status=Draft&q=%00&limit=1&published_from=2025-01-01T10:00:00") == [
        ("duplicate_parameter", "limit"),
        ("unknown_parameter", "tga"),
        ("invalid_value", "status"),
        ("invalid_value", "q"),
        ("offset_required", "published_from"),
    ]


@pytest.mark.parametrize(
    ("query", "code", "parameter"),
    [
        ("limit=101", "limit_too_large", "limit"),
        ("limit=0", "invalid_value", "limit"),
        ("limit=-1", "invalid_value", "limit"),
        ("limit=abc", "invalid_value", "limit"),
        ("limit=", "invalid_value", "limit"),
        ("limit=1.0", "invalid_value", "limit"),
        ("limit=+5", "invalid_value", "limit"),
        ("limit=" + "9" * 31, "limit_too_large", "limit"),
        ("limit=" + quote("５"), "invalid_value", "limit"),
        ("limit=20&limit=20", "duplicate_parameter", "limit"),
        ("id=99999999999999999999", "invalid_value", "id"),
        ("id=9223372036854775808", "invalid_value", "id"),
        ("id=a", "invalid_value", "id"),
        ("tag=", "invalid_value", "tag"),
        ("tag", "invalid_value", "tag"),
        ("tag=a,,b", "invalid_value", "tag"),
        ("tag=a%0Ab", "invalid_value", "tag"),
        ("external_id=", "invalid_value", "external_id"),
        ("tag=" + ",".join(map(str, range(101))), "invalid_value", "tag"),
        ("event=", "invalid_value", "event"),
        ("event=a%1Fb", "invalid_value", "event"),
        ("q=" + "a" * 513, "query_too_complex", "q"),
        ("q=%ED%A0%80", "invalid_value", "q"),
        ("q=%FF", "invalid_value", "q"),
        ("q=a%C2%85b", "invalid_value", "q"),
        ("prefix=1", "invalid_value", "prefix"),
        ("fields=titel", "unknown_field", "fields"),
        ("published_from=soon", "invalid_value", "published_from"),
        ("published_from=2025&published_to=2024", "invalid_range", "published_to"),
        ("tz=Mars", "invalid_value", "tz"),
        ("page=501", "page_too_deep", "page"),
        ("page=101&limit=100", "page_too_deep", "page"),
        ("page=0", "invalid_value", "page"),
        ("page=2&cursor=abc", "invalid_range", "page"),
        ("%FF=1", "unknown_parameter", "%FF"),
        ("=1", "unknown_parameter", ""),
        ("tag=" + "a" * 20_000, "invalid_value", "query string"),
        ("&".join(f"x{n}=1" for n in range(101)), "unknown_parameter", "query string"),
    ],
)
def test_wrong_input_is_refused_by_name(query: str, code: str, parameter: str) -> None:
    assert codes(query) == [(code, parameter)]


def test_raw_bytes_that_are_not_utf8_are_refused() -> None:
    assert codes(b"q=\xff") == [("invalid_value", "q")]


def test_page_reaches_exactly_to_the_bound() -> None:
    assert read("page=500").page == 500
    assert read("page=100&limit=100").page == 100


def test_wrong_case_of_a_closed_list_is_refused_with_a_suggestion() -> None:
    [error] = errors("status=Published")
    assert (error.did_you_mean, error.allowed) == ("published", STATES)


def test_missing_required_parameter_is_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        UrlParams.parse(b"", NOW)
    assert [(error.code, error.parameter) for error in refused.value.errors] == [("invalid_value", "url")]


def test_bad_percent_encoding_is_text() -> None:
    assert read("q=100%&event=%ZZ").q == "100%"
    assert read("event=%ZZ").event == "%ZZ"


def test_line_ends_in_a_pasted_query_are_spaces() -> None:
    assert read("q=one%0D%0Atwo%09three").q == "one  two three"


def test_periods_begin_in_the_zone_wherever_it_stands() -> None:
    assert read("published_from=2025&tz=Europe/Brussels").published.from_ == 1_735_686_000
    assert read("tz=Europe/Brussels&published_from=2025").published.from_ == 1_735_686_000
    assert read("published_from=2025").published.from_ == 1_735_689_600


def test_wrong_zone_does_not_hide_the_next_mistake() -> None:
    assert codes("tz=Mars&published_to=x") == [("invalid_value", "tz"), ("invalid_value", "published_to")]


def test_relative_time_says_that_it_moves() -> None:
    parsed = read("published_from=now-1h")
    assert parsed.published == Range(NOW - 3600, None, uses_now=True, calendar=(NOW - 3600, None))
    assert parsed.uses_now is True
    assert parsed.canonical == (("published_from", ("now-1h",)),)


def test_signature_holds_filters_and_sort_but_not_what_pages_may_change() -> None:
    signature = read("tag=eu,nato&q=x").signature
    assert read("q=x&tag=nato&tag=eu&sort=-published_at&tz=UTC").signature == signature
    assert read("tag=eu,nato&q=x&limit=5&fields=title&cursor=abc").signature == signature
    assert read("tag=eu,nato&q=y").signature != signature
    assert read("tag=eu,nato&q=x&sort=published_at").signature != signature
    assert read("id=3,7").signature != read("id=7,3").signature


def test_openapi_shows_lists_as_exploded_arrays_and_numbers_with_bounds() -> None:
    shown = {str(item["name"]): item for item in QueryListParams.openapi()}
    assert shown["tag"]["explode"] is True
    assert "For example `nato`." in str(shown["tag"]["description"])
    assert shown["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 100}
    assert str(shown["limit"]["description"]).endswith("`20` unless given.")
    assert shown["status"]["schema"] == {
        "type": "array",
        "items": {"type": "string", "enum": list(STATES)},
        "minItems": 1,
        "maxItems": 100,
    }


def names_of(query: bytes) -> set[str | None]:
    """The names read, or those complained about."""
    try:
        return set(QueryListParams.parse(query, NOW).given_names)
    except InvalidInput as refused:
        return {error.parameter for error in refused.errors} or {"an error without its errors"}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_an_error_of_ours(query: bytes) -> None:
    assert "an error without its errors" not in names_of(query)


@given(st.lists(st.tuples(st.sampled_from(sorted(QueryListParams.declared.specs)), st.text(max_size=12)), max_size=5))
def test_any_values_are_read_or_refused_under_a_declared_name(pairs: list[tuple[str, str]]) -> None:
    query = urlencode(pairs, errors="surrogatepass").encode()
    assert names_of(query) <= {name for name, _ in pairs} | {"published_to"}


@given(st.lists(st.text("abcé-_.:", min_size=1, max_size=8), min_size=1, max_size=20, unique=True))
def test_order_of_a_list_changes_neither_canonical_form_nor_signature(refs: list[str]) -> None:
    first = read(urlencode({"tag": ",".join(refs)}))
    second = read(urlencode([("tag", ref) for ref in reversed(refs)]))
    assert first.canonical == second.canonical
    assert first.signature == second.signature


def test_fields_below_the_article_of_a_hit_are_told_without_it() -> None:
    [title, slip] = errors("fields=article.title,article.tilte")
    assert (title.did_you_mean, slip.did_you_mean) == ("title", None)


def test_only_the_first_of_many_wrong_words_are_guessed_at() -> None:
    reported = errors(
        "fields=" + ",".join(f"titl{n}" for n in range(50)) + "&" + "&".join(f"tagg{n}=1" for n in range(50))
    )
    assert len(reported) == 100
    guessed = [error for error in reported if error.did_you_mean or error.allowed]
    assert [error.code for error in guessed] == ["unknown_field"] * 5 + ["unknown_parameter"] * 5


@pytest.mark.parametrize(
    ("query", "code", "detail"),
    [
        ("limit=0", "invalid_value", "0 is below the smallest value, 1."),
        ("limit=-1", "invalid_value", "-1 is below the smallest value, 1."),
        ("id=3,-7", "invalid_value", "-7 is below the smallest value, 0."),
        ("limit=101", "limit_too_large", "101 is above the largest value, 100."),
        (f"limit={10**19}", "limit_too_large", f"{10**19} is above the largest value, 100."),
        (f"limit=-{'9' * 9000}", "invalid_value", f"-{'9' * 63} is below the smallest value, 1."),
        ("limit=-0", "invalid_value", "Expected a whole number, in digits."),
        ("limit=1.5", "invalid_value", "Expected a whole number, in digits."),
    ],
)
def test_whole_number_out_of_range_is_told_from_what_is_none(query: str, code: str, detail: str) -> None:
    [error] = errors(query)
    assert (error.code, error.detail) == (code, detail)
