"""What is said of a body that is wrong: in words of this API, with the values that there are, never in pydantic's."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from app.articles.bulk.payloads import BulkEdit
from app.articles.input.payloads import ArticleCreate, RelatedReplace
from app.errors import FieldError
from app.http.body import to_field_errors, translate_errors
from app.importers.jobs.submission import ImportAddress
from app.search.saved_searches.payloads import SearchCreate
from app.tags.payloads import TagCreate

STATES = ("draft", "scheduled", "published")
SLUG = (
    "Expected small letters from a to z and digits, with single hyphens between words and a letter somewhere, such as "
    "grain-exports-2025."
)
NAME_LANGUAGE = "Expected the code of a language in two or three small letters, such as fr."


def validate(model: type[BaseModel], value: object) -> list[FieldError]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    return to_field_errors(caught.value, model.model_fields)


@pytest.mark.parametrize(
    ("model", "value", "pointer", "detail"),
    [
        (ArticleCreate, {"slug": "Bad Slug!"}, "/slug", SLUG),
        (
            ArticleCreate,
            {"language": "x!"},
            "/language",
            "Expected the code of a language in two or three letters, and of a script or country: en, pt-BR.",
        ),
        (
            ArticleCreate,
            {"dateline": {"text": "A", "date": "May"}},
            "/dateline/date",
            "Expected a day, a month or a year, such as 2025-12-01, 2025-12 or 2025.",
        ),
        (ArticleCreate, {"standfirst": 3}, "/standfirst", "A text belongs here."),
        (ArticleCreate, {"gone": "yes"}, "/gone", "True or false belongs here."),
        (ArticleCreate, {"seo": []}, "/seo", "An object belongs here."),
        (ArticleCreate, {"tags": "x"}, "/tags", "A list belongs here."),
        (ArticleCreate, {"tags": [{"id": "7"}]}, "/tags/0/id", "A whole number belongs here."),
        (ArticleCreate, {"tags": [None]}, "/tags/0", "Expected a text, a whole number or an object."),
        (ArticleCreate, {"dateline": 7}, "/dateline", "Expected a text or an object."),
        (ArticleCreate, {"related": [{"score": "x"}]}, "/related/0/score", "A number belongs here."),
        (ArticleCreate, {"images": [{}]}, "/images/0/url", "url is required here."),
        (
            ArticleCreate,
            {"images": [{"url": None, "width": 0}]},
            "/images/0/width",
            "0 is below the smallest value, 1.",
        ),
        (ArticleCreate, {"title": "x" * 501}, "/title", "At most 500 characters; 501 were given."),
        (ArticleCreate, {"slug": "x" * 81}, "/slug", "At most 80 characters; 81 were given."),
        (ArticleCreate, {"previous_slugs": ["x"] * 51}, "/previous_slugs", "At most 50 entries; 51 were given."),
        (ArticleCreate, {"body": {"htl": "x"}}, "/body/htl", "There is no field 'htl' here."),
        (BulkEdit, {"ids": []}, "/ids", "It must not be empty."),
        (BulkEdit, {"ids": [2**63]}, "/ids/0", f"{2**63} is above the largest value, {2**63 - 1}."),
        (BulkEdit, {"language": "fr"}, "", "Name the articles by either ids or filter."),
        (
            BulkEdit,
            {"filter": {"tag": {}}},
            "/filter/tag",
            "Expected a text, a whole number, true or false or a list.",
        ),
        (TagCreate, {"name": " "}, "/name", "It must not be empty."),
        (TagCreate, {"name": "x", "names": {"EN": "y"}}, "/names/EN", NAME_LANGUAGE),
        (
            TagCreate,
            {"name": "x", "names": {"und": "y"}},
            "/names/und",
            "A name that is of no language is an alias, or the name itself.",
        ),
        (
            SearchCreate,
            {"slug": "x", "filters": {str(n): "y" for n in range(41)}},
            "/filters",
            "At most 40 entries; 41 were given.",
        ),
        (ImportAddress, {"origin": "x"}, "/url", "url is required here."),
        (RelatedReplace, "x", "", "Expected a list or an object."),
    ],
)
def test_mistake_is_told_in_plain_words(model: type[BaseModel], value: object, pointer: str, detail: str) -> None:
    [error] = validate(model, value)
    assert (error.pointer, error.detail) == (pointer, detail)


def test_value_of_a_closed_list_is_told_with_all_that_there_are() -> None:
    wrong: dict[str, Any] = {"title": "x", "status": "publishd", "tags": [{"name": "a", "kind": 5}]}
    kind, status = validate(ArticleCreate, wrong)
    assert (status.detail, status.allowed, status.did_you_mean) == (
        "Expected one of draft, scheduled, published.", STATES, "published",
    )  # fmt: skip
    assert kind.pointer == "/tags/0/kind"
    assert (kind.allowed or ())[:2] == ("topic", "section")
    assert kind.did_you_mean is None


def test_what_pydantic_says_itself_is_never_shown() -> None:
    row = {"type": "date_parsing", "loc": ("body", "at"), "msg": "Input should be a date"}
    [error] = translate_errors([row]).errors
    assert (error.pointer, error.detail) == ("/at", "This value is not what belongs here.")
