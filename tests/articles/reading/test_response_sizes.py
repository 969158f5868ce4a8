"""What one response may hold of bodies: lists refuse before anything is rendered, followers get shorter pages."""

from collections.abc import AsyncIterator

import httpx
import pytest
from support.listening import Listening, listen

from app.articles.reading import response_size
from app.articles.reading.queries import ListRow
from app.settings import Settings

pytestmark = pytest.mark.anyio

WORDS = 38_400
LARGE = f"<p>{'word ' * 50}</p>" * (WORDS // 50)
"""Of 247 kB one fits with all its forms, two with the body, its text and its Markdown."""
COUNT = 4


@pytest.fixture
async def large(sqlite_settings: Settings) -> AsyncIterator[Listening]:
    """A server with four large articles that lead to one another."""
    async with listen(sqlite_settings.model_copy(update={"enrich": False})) as served:
        for number, language in enumerate(("en", "fr", "de", "nl")):
            story: dict[str, object] = {
                "title": f"Dredging {number}", "slug": f"dredging-{number}", "body": LARGE, "language": language,
                "status": "published", "published_at": f"2020-01-0{number + 1}T12:00:00Z",
                "related": [{"article": f"dredging-{other}"} for other in range(number)],
            }  # fmt: skip
            made = await served.editor.post("/v1/articles", json=story | ({"translation_of": 1} if number else {}))
            assert made.status_code == 201, made.text
        for _ in range(5):  # the index takes its time over long bodies
            ready = await served.public.get(f"/v1/search?limit=1&min_seq={made.headers['x-seq']}")
            if ready.status_code == 200:
                break
        yield served


LISTS = {
    "/v1/articles?{}": "limit",
    "/v1/articles?id=1,2,3,4&{}": "limit",
    "/v1/articles?format=csv&{}": "limit",
    "/v1/search?q=dredging&{}": "limit",
    "/v1/search?q=dredging&highlight=body&explain=true&{}": "limit",
    "/v1/articles/dredging-3/related?kind=editorial&{}": "limit",
    "/v1/articles/dredging-1/neighbours?{}": "include",
    "/v1/articles/dredging-0/translations?{}": "include",
}
EVERYTHING = "include=body,body_text,body_markdown,body_blocks"


@pytest.mark.slow
async def test_lists_refuse_more_bodies_than_a_response_holds_and_name_what_to_lower(large: Listening) -> None:
    for path, parameter in LISTS.items():
        refused = await large.public.get(path.format(EVERYTHING))
        assert refused.status_code == 422, path
        [error] = refused.json()["errors"]
        assert (error["code"], error["parameter"]) == ("response_too_large", parameter), path
        assert len(refused.content) < 2_000
        assert (await large.public.get(path.format("include=related"))).status_code == 200, path

    # The limit that a refusal names fits, and so does one article.
    some = "/v1/articles?include=body,body_text"
    assert "A limit of 2 fits" in (await large.public.get(some)).json()["detail"]
    assert len((await large.public.get(f"{some}&limit=2")).json()["data"]) == 2
    for path, parameter in LISTS.items():
        if parameter == "limit":
            response = await large.public.get(path.format(f"{EVERYTHING}&limit=1"))
            assert response.status_code == 200, path
            assert len(response.content) > len(LARGE)
    item = await large.public.get(f"/v1/articles/dredging-0?{EVERYTHING}")
    assert len(item.json()["body_text"].split()) == WORDS

    # Fields that ask for bodies count like include.
    refused = await large.public.get(
        "/v1/articles/dredging-1/neighbours?fields=title,body,body_text,body_markdown,body_blocks"
    )
    assert refused.json()["errors"][0]["parameter"] == "fields"
    assert (await large.public.get("/v1/articles/dredging-1/neighbours?fields=title,body")).status_code == 200


async def changes(client: httpx.AsyncClient, since: str, limit: int) -> dict[str, object]:
    query = f"since={since}&limit={limit}&include=article,related,{EVERYTHING[8:]}"
    response = await client.get(f"/v1/changes?{query}")
    assert response.status_code == 200, response.text[:500]
    body: dict[str, object] = response.json()
    return body


@pytest.mark.slow
async def test_followers_get_shorter_pages_and_streams_lose_nothing(large: Listening) -> None:
    for limit in (1, 1000):
        met: list[object] = []
        since, more = "0", True
        while more:
            page = await changes(large.public, since, limit)
            told = page["data"]
            assert isinstance(told, list)
            assert len(told) == 1  # whole, however large, but never two of them
            # The first one is told of again, as having a copy, once there is the second.
            met += [one["card"]["slug"] for one in told if one["event"] != "linked"]
            since, more = str(page["next"]), bool(page["has_more"])
        assert met == [f"dredging-{number}" for number in range(COUNT)]

    # The event stream loses nothing where its batches are cut, nor does an export.
    seen: list[bytes] = []
    async with large.public.stream("GET", f"/v1/changes/stream?since=0&include=article,{EVERYTHING[8:]}") as response:
        assert response.status_code == 200
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                seen.append(line[6:60].encode())
            if len(seen) == COUNT:
                break
    assert len(set(seen)) == COUNT

    response = await large.public.get(f"/v1/export?{EVERYTHING}")
    lines = response.text.splitlines()
    assert len(lines) == COUNT + 1
    assert all(line.count("word ") > WORDS for line in lines[:-1])


def test_pieces_hold_what_fits_and_one_at_least() -> None:
    entries = [ListRow(number, 1, None) for number in range(7)]
    costs = {0: 10 * response_size.MAX_COST, 1: response_size.MAX_COST // 2, 2: response_size.MAX_COST // 2, 3: 1}
    pieces = [[entry.id for entry in piece] for piece in response_size.split(entries, costs, 2)]
    assert pieces == [[0], [1, 2], [3, 4], [5, 6]]
