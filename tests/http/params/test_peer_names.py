"""Names that other APIs have: the error says which one is meant here; what advertisers add is ignored."""

import pytest
from conftest import Served

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("door", "name", "meant"),
    [
        ("articles", "per_page", "limit"),
        ("articles", "page_size", "limit"),
        ("articles", "page-size", "limit"),
        ("articles", "from_date", "published_from"),
        ("articles", "from-date", "published_from"),
        ("articles", "to_date", "published_to"),
        ("articles", "order_by", "sort"),
        ("articles", "orderby", "sort"),
        ("articles", "category", "section"),
        ("articles", "search", "/v1/search"),
        ("articles", "modified_after", "updated_from"),
        ("articles", "hitsPerPage", "limit"),
        ("articles", "lanugage", "language"),
        ("search", "search", "q"),
        ("search", "query", "q"),
        ("search", "category", "section"),
        ("tags", "category", "kind"),
        ("tags", "search", "q"),
        ("audit", "per_page", "limit"),
        ("changes", "last_event_id", "since"),
        ("key", "per_page", None),
    ],
)
async def test_error_says_which_parameter_is_meant(shared_api: Served, door: str, name: str, meant: str | None) -> None:
    response = await shared_api.editor.get(f"/v1/{door}?{name}=1")
    [error] = response.json()["errors"]
    assert (response.status_code, error["code"], error.get("did_you_mean")) == (422, "unknown_parameter", meant)


async def test_marks_of_advertisers_are_ignored_and_not_handed_on(api: Served) -> None:
    for number in range(2):
        await api.post(title=f"Leaders meet {number}")
    response = await api.public.get("/v1/articles?limit=1&gclid=a&fbclid=b&utm_source=c")
    assert response.status_code == 200
    assert "gclid" not in response.headers["link"]
    assert "fbclid" not in response.headers["link"]
    assert (await api.public.get("/v1/articles?gclid=a&gclid=b")).status_code == 200
    assert (await api.public.get("/v1/articles?gclidx=a")).status_code == 422
