"""POST /v1/articles: what is accepted, what is refused and how it is said, and requests that come twice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from conftest import Served, serve

from app.articles.input.payloads import EXAMPLE
from app.errors import CODES
from app.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk(sqlite_settings: Settings) -> AsyncIterator[Served]:
    async with serve(sqlite_settings) as api:
        yield api


async def post(api: Served, body: object, **headers: str) -> httpx.Response:
    return await api.editor.post("/v1/articles", json=body, headers=headers)


async def raw(api: Served, body: bytes, kind: str = "application/json") -> httpx.Response:
    return await api.editor.post("/v1/articles", content=body, headers={"Content-Type": kind})


async def test_new_article_is_a_draft_with_its_address_and_tag(api: Served) -> None:
    response = await post(api, EXAMPLE)
    assert response.status_code == 201
    made = response.json()
    assert response.headers["location"] == f"/v1/articles/{made['slug']}"
    assert (made["status"], made["published_at"], made["first_published_at"]) == ("draft", None, None)
    assert (made["version"], response.headers["etag"][:5]) == (1, 'W/"1-')  # packed
    assert response.headers["cache-control"] == "no-store"
    assert made["title"] == EXAMPLE["title"]
    assert [tag["kind"] for tag in made["tags"]] == ["topic", "organisation"]
    assert [region["slug"] for region in made["regions"]] == ["hungary", "europe"]
    assert made["related"][0]["status"] == "unresolved"
    assert (await api.public.get(response.headers["location"])).status_code == 404
    again = await api.editor.get(response.headers["location"])
    assert (again.json(), again.headers["etag"]) == (made, response.headers["etag"])
    assert (await api.editor.get(f"/v1/articles?min_seq={response.headers['x-seq']}")).status_code == 200


async def test_read_shape_is_accepted_back(api: Served) -> None:
    target = await api.post(title="The first of two articles", slug="first-of-two")
    made = await api.post(
        title="The second of two articles",
        standfirst="A line.",
        body={"markdown": "# Head\n\nSome *words*."},
        dateline={"text": "Paris, 3 May 2024", "region": "france", "date": "2024-05-03"},
        tags=["economy", {"name": "World", "kind": "section"}],
        authors=[{"name": "Ines Marlow"}],
        regions=[{"slug": "france", "roles": ["about", "mention"]}],
        related=[{"article": "first-of-two"}, {"title": "Not written yet at all"}],
        images=[{"url": "https://a.example/x.jpg", "alt": "X"}],
        source={"name": "Herald", "url": "https://a.example/x"},
        seo={"title": "S"},
        signature="Ed.",
        language="fr",
        translation_of=target["id"],
    )
    refused = await post(api, made)
    assert refused.status_code == 422
    assert {one["code"] for one in refused.json()["errors"]} == {"read_only_field"}
    wrong = {one["pointer"][1:] for one in refused.json()["errors"]}
    assert wrong == {
        "id", "version", "word_count", "reading_minutes", "published_precision", "first_published_at", "updated_at",
        "created_at",
    }  # fmt: skip
    copied = {name: value for name, value in made.items() if name not in wrong and name != "slug"}
    response = await post(api, copied)
    assert response.status_code == 201, response.text
    copy = response.json()
    assert copy["slug"] == f"{made['slug']}-2"
    assert {name: copy[name] for name in copied} == copied


async def test_body_comes_as_html_markdown_or_text_and_is_made_safe(desk: Served) -> None:
    for body, expected in (
        ("<p onclick=x>Hi<script>alert(1)</script></p>", "<p>Hi</p>"),
        ({"html": '<h1>T</h1><a href="javascript:x">y</a>'}, '<h2>T</h2><a rel="noopener noreferrer">y</a>'),
        ({"markdown": "**b**"}, "<p><strong>b</strong></p>"),
        ({"text": "a < b\n\nc"}, "<p>a &lt; b</p>\n<p>c</p>"),
    ):
        response = await post(desk, {"title": "T", "body": body})
        assert (response.status_code, response.json()["body"]) == (201, expected)
    untitled = (await post(desk, {"body": {"text": "Words that begin it."}})).json()
    assert untitled["title"] == "Words that begin it."


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({}, "invalid_value", "/title"),
        ({"title": " "}, "invalid_value", "/title"),
        ({"title": 5}, "invalid_value", "/title"),
        ({"title": "x" * 501}, "invalid_value", "/title"),
        ({"title": "x", "colour": "red"}, "unknown_field", "/colour"),
        ({"title": "x", "tags": [{"nme": "x"}]}, "unknown_field", "/tags/0/nme"),
        ({"title": "x", "tags": ["a", ["b"]]}, "invalid_value", "/tags/1"),
        ({"title": "x", "tags": [{}]}, "invalid_value", "/tags/0"),
        ({"title": "x", "tags": [{"slug": "a", "roles": ["about"]}]}, "unknown_field", "/tags/0/roles"),
        ({"title": "x", "tags": [{"name": "a", "kind": "colour"}]}, "invalid_value", "/tags/0/kind"),
        ({"title": "x", "tags": [424242]}, "invalid_value", "/tags/0"),
        ({"title": "x", "tags": [{"id": 2**63}]}, "invalid_value", "/tags/0"),
        ({"title": "x", "tags": ["t"] * 10_000}, "invalid_value", "/tags"),
        ({"title": "x", "authors": [{"name": "A", "kind": "topic"}]}, "invalid_value", "/authors/0/kind"),
        ({"title": "x", "body": {"html": "a", "text": "b"}}, "invalid_value", "/body"),
        ({"title": "x", "body": {"txt": "a"}}, "unknown_field", "/body/txt"),
        ({"title": "x", "body": 7}, "invalid_value", "/body"),
        ({"title": "x", "regions": ["belgium", "atlantis"]}, "unknown_region", "/regions/1"),
        ({"title": "x", "dateline": {"text": "X", "region": "nowhere"}}, "unknown_region", "/dateline/region"),
        ({"title": "x", "dateline": {"text": "X", "date": "2025-13"}}, "invalid_value", "/dateline/date"),
        (
            {"title": "x", "dateline": {"text": "X", "date": "2025", "precision": "day"}},
            "invalid_value",
            "/dateline/precision",
        ),
        ({"title": "x", "related": [{}]}, "invalid_value", "/related/0"),
        ({"title": "x", "related": [{"article": {}}]}, "invalid_value", "/related/0"),
        ({"title": "x", "related": [{"article": "nope"}]}, "invalid_value", "/related/0/article"),
        ({"title": "x", "related": [{"article": {"id": "7"}}]}, "invalid_value", "/related/0/article/id"),
        ({"title": "x", "translation_of": 999}, "invalid_value", "/translation_of"),
        ({"title": "x", "translation_of": "7"}, "invalid_value", "/translation_of"),
        ({"title": "x", "images": [{"url": "javascript:x"}]}, "invalid_value", "/images/0/url"),
        ({"title": "x", "slug": "2025"}, "invalid_value", "/slug"),
        ({"title": "x", "slug": "A B"}, "invalid_value", "/slug"),
        ({"title": "x", "language": "english"}, "invalid_value", "/language"),
        ({"title": "x", "status": "withdrawn"}, "invalid_value", "/status"),
        ({"title": "x", "status": "scheduled"}, "invalid_value", "/published_at"),
        ({"title": "x", "status": "scheduled", "published_at": "2001"}, "invalid_value", "/published_at"),
        ({"title": "x", "status": "published", "published_at": "2199-01-01"}, "invalid_value", "/published_at"),
        ({"title": "x", "published_at": "2025-01-01T10:00:00"}, "offset_required", "/published_at"),
        ({"title": "x", "published_at": "10000-01-01T00:00:00Z"}, "invalid_value", "/published_at"),
        ({"title": "x", "published_at": "now-1d"}, "invalid_value", "/published_at"),
        ({"title": "x", "id": 7}, "read_only_field", "/id"),
        ({"title": "x", "a/b~c": 1}, "unknown_field", "/a~1b~0c"),
    ],
    ids=lambda value: str(value)[:50],
)
async def test_mistake_is_refused_with_its_place(desk_once: Served, body: object, code: str, pointer: str) -> None:
    response = await post(desk_once, body)
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert code in CODES
    first = response.json()["errors"][0]
    assert (first["code"], first["pointer"], response.json()["code"]) == (code, pointer, code)
    assert "(object)" not in response.text
    assert (await desk_once.editor.get("/v1/articles?status=draft,published")).json()["data"] == []


@pytest.fixture(scope="module")
async def desk_once(sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """For requests that leave nothing behind."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "dateline.db").write_bytes(sqlite_template.read_bytes())
    async with serve(Settings(data_dir=folder, index_heap_mb=15)) as api:
        yield api


async def test_dates_and_regions_are_told_beside_all_other_mistakes(desk_once: Served) -> None:
    wrong: dict[str, Any] = {
        "title": "x", "language": "?", "id": 4, "published_at": "yesterday", "regions": ["belgum", "spain", "qqq"],
        "dateline": {"text": "X", "region": "nowhere"}, "tags": [424242, "river", 434343],
    }  # fmt: skip
    understood = [
        ("/dateline/region", None), ("/regions/0", "belgium"), ("/regions/2", None), ("/published_at", None),
    ]  # fmt: skip

    def list_mistakes(response: httpx.Response) -> list[tuple[str, str | None]]:
        assert response.status_code == 422, response.text
        return [(one["pointer"], one.get("did_you_mean")) for one in response.json()["errors"]]

    assert list_mistakes(await post(desk_once, wrong)) == [("/id", None), ("/language", None), *understood]
    # What the database has to be asked for is told with them, where the shape of the whole is right.
    del wrong["language"], wrong["id"]
    looked_up = {("/tags/0", None), ("/tags/2", None), *understood}
    assert set(list_mistakes(await post(desk_once, wrong))) == looked_up


async def test_region_and_date_of_a_change_are_told_beside_its_other_mistakes(api: Served) -> None:
    made = (await post(api, {"title": "x"})).json()
    patch = {"language": "?", "regions": ["belgum"], "published_at": "yesterday"}
    response = await api.editor.patch(f"/v1/articles/{made['id']}", json=patch, headers={"If-Match": "*"})
    assert [one["pointer"] for one in response.json()["errors"]] == ["/language", "/regions/0", "/published_at"]
    many = await api.editor.patch(
        f"/v1/articles/{made['id']}", json={"regions": [f"atlantis {n}" for n in range(200)]}, headers={"If-Match": "*"}
    )
    assert (many.status_code, len(many.json()["errors"])) == (422, 50)


async def test_date_of_an_article_is_not_told_to_move_with_the_clock(desk_once: Served) -> None:
    for published_at in ("yesterday", "now-7d"):
        [error] = (await post(desk_once, {"title": "x", "published_at": published_at})).json()["errors"]
        assert error["detail"] == (
            "Expected a date (2025-12-01, 2025-12 or 2025) or an RFC 3339 time with an offset (2025-12-01T10:00:00Z)."
        )


async def test_all_mistakes_are_told_at_once_up_to_a_bound(desk_once: Served) -> None:
    response = await post(desk_once, {"titel": "x", "id": 4, "language": "?"})
    assert [(one["code"], one.get("did_you_mean")) for one in response.json()["errors"]] == [
        ("read_only_field", None), ("invalid_value", None), ("unknown_field", "title"),
    ]  # fmt: skip
    many = await post(desk_once, {f"field-{n}": n for n in range(5_000)})
    assert (many.status_code, len(many.json()["errors"])) == (422, 50)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_json"),
        (b"{", 400, "malformed_json"),
        (b"[]", 400, "malformed_json"),
        (b'"title"', 400, "malformed_json"),
        (b'{"title": "\xff"}', 400, "malformed_json"),
        (b'{"title": "\\ud800"}', 400, "malformed_json"),
        (b'{"title": NaN}', 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b'{"a":' * 100_000, 400, "malformed_json"),
        (
            b'{"title": "x", "related": [{"article": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}]}",
            422,
            "invalid_value",
        ),
        (b" " * 50_000_000, 413, "body_too_large"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_body_that_cannot_be_read_is_a_problem(desk_once: Served, body: bytes, status: int, code: str) -> None:
    response = await raw(desk_once, body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"


async def test_body_without_a_length_is_cut_off_too(desk_once: Served) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield b" " * 1_000_000

    response = await desk_once.editor.post("/v1/articles", content=chunks())
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


async def test_other_content_types_are_refused(desk_once: Served) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        response = await raw(desk_once, b"{}", kind)
        assert (response.status_code, response.json()["allowed"]) == (415, ["application/json"])


async def test_odd_characters_are_cleaned_on_the_way_in(api: Served) -> None:
    response = await post(
        api,
        {
            "title": "A\u0000B\u0007  C\ufeff\n D",
            "body": "<p>x\u0000y</p>",
            "tags": ["nu\u0000l", {"slug": "s\u0000l", "name": "n\u0000"}],
            "authors": ["\u0000A"],
            "external_id": "e\u00001",
            "origin": "o\u0000",
            "signature": "\u0000",
            "dateline": {"text": "P\u0000", "place": "P\u0000"},
            "source": {"name": "S\u0000", "url": "https://a.example/\u0000x"},
            "related": [{"title": "t\u0000 a b", "url": "https://a.example/r\u0000"}],
            "seo": {"title": "\u0000"},
            "images": [{"url": "https://a.example/y", "alt": "\u0000"}],
            "previous_slugs": ["old\u0000er"],
            "previous_urls": ["https://a.example/z\u0000"],
            "regions": ["belgium\u0000"],
            "standfirst": "Cafe\u0301",
        },
    )
    assert response.status_code == 201, response.text
    made = response.json()
    assert "\\u0000" not in response.text
    assert (made["title"], made["external_id"], made["standfirst"]) == ("AB C D", "e1", "Café")
    assert made["signature"] is None


async def test_references_find_what_there_is_by_slug_id_and_name(api: Served) -> None:
    made = await api.post(
        title="Makes the tags", tags=[{"name": "World", "kind": "section"}, "Energy"], authors=["Jon Abara"]
    )
    ids = {tag["slug"]: tag["id"] for tag in (await api.public.get("/v1/tags")).json()["data"]}
    for tags, authors in (
        (["world", "energy"], ["jon-abara"]),
        ([{"slug": "world"}, {"slug": "energy"}], [{"slug": "jon-abara"}]),
        ([ids["world"], {"id": ids["energy"]}], [ids["jon-abara"]]),
        ([{"name": "World", "kind": "section"}, "Energy"], ["Jon Abara"]),
    ):
        again = await api.post(title="Uses them", tags=tags, authors=authors)
        assert (again["tags"], again["authors"]) == (made["tags"], made["authors"])
    wrong = await post(api, {"title": "x", "tags": [ids["jon-abara"]]})
    assert wrong.json()["errors"][0]["pointer"] == "/tags/0"


async def test_taken_slug_and_external_id_are_conflicts(api: Served) -> None:
    await api.post(title="One of them", slug="one", external_id="7")
    taken = await post(api, {"title": "Two", "slug": "one"})
    assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")
    assert taken.json()["errors"][0]["pointer"] == "/slug"
    known = await post(api, {"title": "Two", "external_id": "7"})
    assert (known.status_code, known.json()["code"]) == (409, "external_id_taken")
    assert (await post(api, {"title": "Two", "external_id": "7", "origin": "other"})).status_code == 201
    assert (await api.post(title="One"))["slug"] == "one-2"


async def test_published_dates_keep_their_precision(desk: Served) -> None:
    for value, at, precision in (
        ("2024", "2024-01-01T00:00:00Z", "year"),
        ("2024-05", "2024-05-01T00:00:00Z", "month"),
        ("2024-05-03", "2024-05-03T00:00:00Z", "day"),
        ("2024-05-03T10:00:00+02:00", "2024-05-03T08:00:00Z", "instant"),
        ("1789-07-14", "1789-07-14T00:00:00Z", "day"),
        ("0001", "0001-01-01T00:00:00Z", "year"),
    ):
        made = await desk.post(title="T", published_at=value)
        assert (made["published_at"], made["published_precision"], made["first_published_at"]) == (at, precision, at)
    later = await post(desk, {"title": "T", "status": "scheduled", "published_at": "2199-12-31"})
    assert (later.status_code, later.json()["status"]) == (201, "scheduled")
    assert (await desk.public.get(later.headers["location"])).status_code == 404


async def test_repeated_request_gets_the_same_response(api: Served) -> None:
    body = {"title": "Once only"}
    first = await post(api, body, **{"Idempotency-Key": "k1"})
    again = await post(api, body, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json(), again.headers["location"]) == (first.json(), first.headers["location"])
    other = await post(api, {"title": "Another"}, **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_conflict")
    broken = await post(api, {"title": "Another", "x": 1}, **{"Idempotency-Key": "k2"})
    assert broken.status_code == 422
    assert (await post(api, {"title": "Another"}, **{"Idempotency-Key": "k2"})).status_code == 201
    someone = await api.key("write")
    theirs = await api.public.post("/v1/articles", json=body, headers=someone | {"Idempotency-Key": "k1"})
    assert theirs.json()["id"] != first.json()["id"]
    for key in ("", "x" * 201, "\x7f"):
        assert (await post(api, body, **{"Idempotency-Key": key})).status_code == 422


async def test_concurrent_requests_with_one_key_make_one_article(api: Served) -> None:
    responses = await asyncio.gather(*(post(api, {"title": "Race"}, **{"Idempotency-Key": "r"}) for _ in range(12)))
    assert {response.status_code for response in responses} == {201}
    assert len({response.json()["id"] for response in responses}) == 1
    assert len((await api.editor.get("/v1/articles?status=draft")).json()["data"]) == 1


async def test_min_seq_waits_for_the_index_and_knows_its_own_log(api: Served) -> None:
    for n in range(3):
        made = await post(api, {"title": f"Number {n}", "status": "published"})
        seq = made.headers["x-seq"]
        for path in ("/v1/articles", "/v1/search", "/v1/tags", "/v1/regions?include=counts"):
            joint = "&" if "?" in path else "?"
            response = await api.public.get(f"{path}{joint}min_seq={seq}")
            assert response.status_code == 200
        listed = await api.public.get(f"/v1/articles?min_seq={seq}")
        assert listed.json()["page"]["total"] == n + 1
        assert listed.headers["x-seq"] == seq
    for wrong in ("x", seq[:-4] + "AAAA", "A" * 32):
        refused = await api.public.get("/v1/articles", params={"min_seq": wrong})
        assert (refused.status_code, refused.json()["code"]) == (422, "seq_unknown")


@pytest.mark.slow
async def test_index_that_never_comes_is_waited_for_two_seconds(sqlite_settings: Settings) -> None:
    async with serve(sqlite_settings.model_copy(update={"index_interval": 30.0})) as api:
        first = await post(api, {"title": "One", "status": "published"})
        await asyncio.sleep(0.3)
        late = await post(api, {"title": "Two", "status": "published"})
        response = await api.public.get("/v1/articles", params={"min_seq": late.headers["x-seq"]})
        assert first.status_code == 201
        assert (response.status_code, response.json()["code"]) == (503, "index_behind")
        assert response.headers["retry-after"] == "1"
        assert response.headers["cache-control"] == "no-store"
        current = await api.public.get("/v1/articles", params={"count": "none"})
        assert len(current.json()["data"]) == 2
