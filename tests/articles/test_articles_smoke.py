"""An article goes in, and comes out of every door."""

import pytest
from conftest import Served

pytestmark = pytest.mark.anyio


async def test_published_article_is_listed_read_and_found(api: Served) -> None:
    made = await api.post(
        title="How the Danube Commission keeps a river open",
        body={"text": "The commission sits in Budapest.\n\nIts rules cover navigation."},
        tags=["shipping"],
        regions=["hungary"],
    )
    listed = (await api.public.get("/v1/articles", params={"tag": "shipping", "region": "europe"})).json()
    assert [one["id"] for one in listed["data"]] == [made["id"]]
    assert listed["page"]["total"] == 1
    item = (await api.public.get(f"/v1/articles/{made['slug']}")).json()
    assert item["body"] == "<p>The commission sits in Budapest.</p>\n<p>Its rules cover navigation.</p>"
    body = (await api.public.get("/v1/search", params={"q": "navigation"})).json()
    assert [hit["article"]["id"] for hit in body["data"]] == [made["id"]]
