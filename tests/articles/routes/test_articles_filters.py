"""What each filter of the article list lets through, on both engines."""

import pytest
from support.newsroom import Newsroom, newsroom

__all__ = ["newsroom"]
pytestmark = pytest.mark.anyio

PUBLIC = ["summit", "grain", "cables", "uchaguzi", "kenya"]
FILTERS: list[tuple[dict[str, object], list[str]]] = [
    ({}, PUBLIC),
    ({"sort": "published_at"}, PUBLIC[::-1]),
    ({"sort": "title"}, ["grain", "cables", "kenya", "uchaguzi", "summit"]),
    ({"tag": "nato"}, ["summit", "grain"]),
    ({"tag": "nato,energy"}, ["summit", "grain", "cables"]),
    ({"tag": ["nato", "energy"]}, ["summit", "grain", "cables"]),
    ({"tag_all": "nato,shipping"}, ["grain"]),
    ({"tag_all": "nato,no-such-tag"}, []),
    ({"tag": "nato", "tag_not": "shipping"}, ["summit"]),
    ({"tag_not": "no-such-tag"}, PUBLIC),
    ({"tag": "no-such-tag"}, []),
    ({"tag": "ines-marlow"}, []),
    ({"tag": "world"}, ["summit"]),
    ({"author": "ines-marlow"}, ["summit"]),
    ({"author": "nato"}, []),
    ({"section": "world,business"}, ["summit", "cables"]),
    ({"section": "nato"}, []),
    ({"language": "EN"}, ["summit", "cables", "kenya"]),
    ({"language": "pt-BR,sw"}, ["grain", "uchaguzi"]),
    ({"source": "Herald, The"}, ["summit"]),
    ({"source": ["herald-the", "nobody"]}, ["summit"]),
    ({"source": "nobody"}, []),
    ({"external_id": "A,1"}, ["summit"]),
    ({"origin": "herald.example"}, ["summit"]),
    ({"slug": "the-summit,kenya,hidden"}, ["summit", "kenya"]),
    ({"region": "europe"}, ["summit", "cables"]),
    ({"region": "BE"}, ["summit"]),
    ({"region": "m49:056"}, ["summit"]),
    ({"region": "europe", "region_scope": "exact"}, []),
    ({"region": "ukraine"}, []),
    ({"region": "ukraine", "region_role": "mention"}, ["grain"]),
    ({"region_all": "estonia,latvia"}, ["cables"]),
    ({"region_not": "europe"}, ["grain", "uchaguzi", "kenya"]),
    ({"region_not": "europe", "region_role": "about,mention"}, ["uchaguzi", "kenya"]),
    ({"region": "nato"}, ["summit", "grain", "cables"]),
    ({"year": "2024"}, ["cables"]),
    ({"year": "2023,2024"}, ["cables", "uchaguzi", "kenya"]),
    ({"year": "2025", "tz": "Europe/Brussels"}, ["summit", "grain", "cables"]),
    ({"published_from": "2025"}, ["summit", "grain"]),
    ({"published_to": "2024"}, ["cables", "uchaguzi", "kenya"]),
    ({"published_to": "2024-12-31T23:30:00Z"}, ["uchaguzi", "kenya"]),
    ({"published_from": "2025-06-10T10:00:00+02:00"}, ["summit"]),
    ({"published_from": "2023-05", "published_to": "2023-05"}, ["uchaguzi"]),
    ({"dateline_from": "2025-06-15"}, ["summit"]),
    ({"dateline_from": "2025-07"}, []),
    ({"dateline_to": "2025-06-01"}, ["summit"]),
    ({"updated_to": "2001"}, []),
    ({"has": "image"}, ["summit"]),
    ({"has": "unresolved"}, ["cables"]),
    ({"has": "image,unresolved"}, []),
    ({"published_from": "2025", "language": "pt-br", "tag": "nato", "region": "asia"}, ["grain"]),
]


@pytest.mark.parametrize(("asked", "expected"), FILTERS, ids=lambda value: str(value)[:60])
async def test_filter_lists_exactly_what_fits(
    newsroom: Newsroom, asked: dict[str, object], expected: list[str]
) -> None:
    shown = await newsroom.get("/v1/articles", **asked)
    assert [row["slug"] for row in shown["data"]] == expected  # type: ignore[attr-defined]
    assert shown["page"]["total"] == len(expected)  # type: ignore[index]
    assert shown["page"]["total_is"] == "exact"  # type: ignore[index]


async def test_space_for_the_plus_of_an_offset_is_read_as_plus(newsroom: Newsroom) -> None:
    response = await newsroom.served.public.get("/v1/articles?published_from=2025-06-10T10:00:00+02:00")
    assert [row["slug"] for row in response.json()["data"]] == ["summit"]


async def test_translations_are_found_by_their_original(newsroom: Newsroom) -> None:
    assert await newsroom.slugs(translation_of=newsroom.ids["kenya"]) == ["uchaguzi"]


async def test_unknown_names_of_open_vocabularies_warn(newsroom: Newsroom) -> None:
    shown = await newsroom.get("/v1/articles", tag="nato,nope", author="nato", source="nope")
    result = [(one["code"], one["parameter"]) for one in shown["warnings"]]  # type: ignore[attr-defined]
    assert sorted(result) == [("unknown_author", "author"), ("unknown_source", "source"), ("unknown_tag", "tag")]


async def test_old_slug_in_a_filter_is_followed_with_a_warning(newsroom: Newsroom) -> None:
    shown = await newsroom.get("/v1/articles", slug="the-summit")
    assert shown["warnings"] == [
        {
            "code": "replaced_by",
            "parameter": "slug",
            "detail": "'the-summit' is 'summit' now.",
            "replaced_by": "summit",
        }
    ]


WRONG: list[tuple[str, str, str]] = [
    ("tagg=nato", "unknown_parameter", "tagg"),
    ("limit=101", "limit_too_large", "limit"),
    ("limit=0", "invalid_value", "limit"),
    ("limit=5&limit=6", "duplicate_parameter", "limit"),
    ("page=101&limit=100", "page_too_deep", "page"),
    ("page=1&cursor=x", "invalid_range", "page"),
    ("published_from=2025&published_to=2024", "invalid_range", "published_to"),
    ("published_from=2025-01-01T10:00:00", "offset_required", "published_from"),
    ("published_from=yesterday", "invalid_value", "published_from"),
    ("published_from=10000-01-01", "invalid_value", "published_from"),
    ("year=25", "invalid_value", "year"),
    ("year=2025a", "invalid_value", "year"),
    ("region=nowhere", "unknown_region", "region"),
    ("region_role=hero", "invalid_value", "region_role"),
    ("fields=titel", "unknown_field", "fields"),
    ("include=bodi", "unknown_field", "include"),
    ("sort=random", "invalid_value", "sort"),
    ("tag=", "invalid_value", "tag"),
    ("slug=%00", "invalid_value", "slug"),
    ("tag=%ff", "invalid_value", "tag"),
    ("min_seq=nonsense", "seq_unknown", "min_seq"),
    ("api_key=dl_1_x", "unknown_parameter", "api_key"),
]


@pytest.mark.parametrize(("query", "code", "parameter"), WRONG)
async def test_wrong_parameter_is_refused_by_name(newsroom: Newsroom, query: str, code: str, parameter: str) -> None:
    response = await newsroom.served.public.get(f"/v1/articles?{query}")
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    assert response.json()["errors"][0]["parameter"] == parameter


async def test_mistyped_region_and_parameter_get_a_suggestion(newsroom: Newsroom) -> None:
    response = await newsroom.served.public.get("/v1/articles?region=begium,Belgique&pubished_from=2025")
    guesses = [one.get("did_you_mean") for one in response.json()["errors"]]
    assert guesses == ["published_from"]
    response = await newsroom.served.public.get("/v1/articles?region=begium,belguim")
    assert [one["did_you_mean"] for one in response.json()["errors"]] == ["belgium", "belgium"]


async def test_campaign_parameters_are_ignored(newsroom: Newsroom) -> None:
    assert await newsroom.slugs(utm_source="letter", tag="shipping") == ["grain"]
