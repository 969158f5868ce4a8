"""Search as clients meet it: reading, ranking, facets, highlights, suggestions, timelines, similar articles."""

import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from conftest import Served, serve

from app.settings import Settings

pytestmark = pytest.mark.anyio
# The index serves nearly all of it; what of it is SQL is tested on both engines elsewhere.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

RIVERS = (
    (
        "How the Danube Commission keeps a river open",
        "danube navigation rules",
        ["shipping"],
        ["hungary"],
        "2025-05-03",
    ),
    (
        "What the Montreux Convention allows",
        "bosporus navigation treaty",
        ["shipping", "treaties"],
        ["turkey"],
        "2025-03-10",
    ),
    ("Why the Mekong floods a lake every summer", "tonle sap reverses", ["water"], ["cambodia"], "2024-08-01"),
)


async def _rivers(api: Served) -> list[int]:
    made = [
        await api.post(title=title, body={"text": text}, tags=tags, regions=regions, published_at=at)
        for title, text, tags, regions, at in RIVERS
    ]
    return [int(str(one["id"])) for one in made]


@dataclass(frozen=True)
class Rivers:
    """An archive that tests only read from: the three, an article with a vague date, a draft."""

    public: httpx.AsyncClient
    ids: list[int]


@pytest.fixture(scope="module")
async def rivers(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rivers]:
    folder = tmp_path_factory.mktemp("rivers")
    shutil.copy(sqlite_template, folder / "dateline.db")
    async with serve(Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15)) as api:
        ids = await _rivers(api)
        await api.post(title="Known to the year only, this one", published_at="2025")
        await api.post(title="A draft about shipping", tags=["shipping", "shipyards"], status="draft")
        yield Rivers(api.public, ids)


async def test_phrase_not_and_field_find_what_they_say(rivers: Rivers) -> None:
    danube, montreux, mekong = rivers.ids

    async def find_ids(q: str, **more: str) -> list[int]:
        response = await rivers.public.get("/v1/search", params={"q": q, **more})
        assert response.status_code == 200, response.text
        return [hit["article"]["id"] for hit in response.json()["data"]]

    assert sorted(await find_ids("navigation")) == [danube, montreux]
    assert await find_ids("navigation -treaty") == [danube]
    assert await find_ids('"navigation treaty"') == [montreux]
    assert await find_ids("title:mekong OR title:danube", sort="published_at") == [mekong, danube]
    assert await find_ids("navig", prefix="true", sort="-published_at") == [danube, montreux]
    assert await find_ids("navigation", region="asia") == [montreux]
    assert await find_ids("navigtion", sort="-published_at") == [danube, montreux]
    assert await find_ids("navigtion", typo="off", match="all") == []


async def test_query_says_how_it_was_read(rivers: Rivers) -> None:
    shown = (await rivers.public.get("/v1/search", params={"q": 'mekonng "lake'})).json()["query"]
    assert shown["corrections"] == [{"word": "mekonng", "read_as": ["mekong"]}]
    assert shown["did_you_mean"] == "mekong lake"
    assert [note["code"] for note in shown["notes"]] == ["unclosed_quote"]
    headline = '"The Mekong and the Danube are not one lake"'
    shown = (await rivers.public.get("/v1/search", params={"q": headline})).json()["query"]
    assert shown["read_as"] == headline.strip('"')
    assert [note["code"] for note in shown["notes"]] == ["phrase_as_words"]


async def test_relaxed_search_is_said_and_filters_only_narrow(rivers: Rivers) -> None:
    danube, _, _ = rivers.ids
    everything = (await rivers.public.get("/v1/search", params={"q": "danube lake treaty"})).json()
    assert everything["query"]["relaxed"] is True
    narrowed = (await rivers.public.get("/v1/search", params={"q": "danube lake treaty", "tag": "shipping"})).json()
    ids = [hit["article"]["id"] for hit in narrowed["data"]]
    assert danube in ids
    assert set(ids) < {hit["article"]["id"] for hit in everything["data"]}


async def test_facet_ignores_its_own_filter_and_counts_what_a_click_gives(rivers: Rivers) -> None:
    response = await rivers.public.get(
        "/v1/search", params={"tag": "water", "facets": "tag,region,year", "region_level": "country"}
    )
    facets = response.json()["facets"]
    tags = {row["value"]: (row["count"], row["selected"]) for row in facets["tag"]}
    assert tags == {"shipping": (2, False), "treaties": (1, False), "water": (1, True)}
    assert [(row["value"], row["count"]) for row in facets["region"]] == [("cambodia", 1)]
    for slug, (count, _) in tags.items():
        clicked = await rivers.public.get("/v1/search", params={"tag": slug, "limit": 1})
        assert clicked.json()["page"]["total"] == count


async def test_facets_have_names_in_the_language_asked_for(rivers: Rivers) -> None:
    requested = {"tag": "water", "facets": "region", "region_level": "country", "names_in": "de"}
    response = await rivers.public.get("/v1/search", params=requested)
    assert [row["name"] for row in response.json()["facets"]["region"]] == ["Kambodscha"]


class _Marks(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)


HOSTILE = (
    "<img src=x onerror=alert(1)> danube </img>",
    "&lt;script&gt; danube",
    "<mark>danube</mark> \"'<b>",
    "dan<b>ube danube",
)


@on_sqlite
async def test_highlights_of_hostile_text_hold_no_markup_but_marks(api: Served) -> None:
    for text in HOSTILE:
        await api.post(title=f"A title {text}", standfirst=text, body={"text": text})
    params = {"q": "danube", "highlight": "title,standfirst,body"}
    hits = (await api.public.get("/v1/search", params=params)).json()["data"]
    assert len(hits) == len(HOSTILE)
    for hit in hits:
        fragments = [fragment for part in hit["highlights"].values() for fragment in part]
        assert any("<mark>danube</mark>" in fragment for fragment in fragments)
        parser = _Marks()
        parser.feed(" ".join(fragments))
        assert parser.tags <= {"mark"}
        assert not re.search(r"<(?!/?mark>)", " ".join(fragments))


async def _mark(api: Served, q: str = "danube") -> dict[int, object]:
    """The highlights by article."""
    response = await api.public.get("/v1/search", params={"q": q, "highlight": "title,standfirst,body"})
    assert response.status_code == 200, response.text
    return {hit["article"]["id"]: hit["highlights"] for hit in response.json()["data"]}


@on_sqlite
async def test_highlights_of_texts_in_memory_are_the_same_and_leave_it_with_their_article(api: Served) -> None:
    bodies = api.app.state.archive.cards.bodies
    texts = (
        "Danube, <b>10,000</b> boats.",
        "Der Wasserstand der Donau (Danube) fällt.",
        "多瑙河 Danube",
        "The U.S. — Danube.",
    )
    made = [await api.post(title=f"River {n}", body={"text": text}) for n, text in enumerate(texts)]
    ids = [int(str(one["id"])) for one in made]
    first = await _mark(api)
    assert set(first) == set(ids)
    assert all(bodies.find_text(id, 1) for id in ids)
    assert await _mark(api) == first
    anyhow = {"If-Match": "*"}
    changed = await api.editor.patch(f"/v1/articles/{ids[0]}", json={"body": "<p>Danube again.</p>"}, headers=anyhow)
    assert changed.is_success
    expected = {"title": [], "standfirst": [], "body": ["<mark>Danube</mark> again."]}
    assert [(await _mark(api))[ids[0]] for _ in range(2)] == [expected, expected]
    assert bodies.find_text(ids[0], 1) is None
    for id in ids[1:]:
        assert (await api.editor.delete(f"/v1/articles/{id}?purge=true", headers=anyhow)).is_success
    assert set(await _mark(api)) == {ids[0]}
    assert [bodies.find_text(id, 1) for id in ids[1:]] == [None] * 3


@on_sqlite
async def test_highlights_of_more_than_is_read_of_a_page_are_the_same_from_memory(api: Served) -> None:
    filler = "<p>Nothing of note happened here.</p>" * 1_000
    for n in range(6):
        await api.post(title=f"River {n}", body=f"<p>The Danube.</p>{filler}<p>And the Danube {n}.</p>")
    first = await _mark(api)
    assert len(first) == 6
    assert [await _mark(api) for _ in range(2)] == [first, first]


async def test_explained_parts_add_up_to_the_score(rivers: Rivers) -> None:
    [hit, *_] = (await rivers.public.get("/v1/search", params={"q": "danube rules", "explain": "true"})).json()["data"]
    assert {part["part"] for part in hit["explanation"]} >= {"danube", "rules"}
    assert sum(part["score"] for part in hit["explanation"]) == pytest.approx(hit["score"], rel=0.02)


@on_sqlite
async def test_pages_by_relevance_meet_every_hit_once(api: Served) -> None:
    made = [await api.post(title=f"River number {n} of seven", body={"text": "river " * n}) for n in range(1, 8)]
    met: list[int] = []
    params = {"q": "river", "limit": "3"}
    while True:
        response = (await api.public.get("/v1/search", params=params)).json()
        met += (hit["article"]["id"] for hit in response["data"])
        if response["page"]["next"] is None:
            break
        params["cursor"] = response["page"]["next"]
    assert sorted(met) == sorted(int(str(one["id"])) for one in made)


async def test_suggestions_forgive_a_typo_and_count_public_articles_only(rivers: Rivers) -> None:
    groups = {
        group["type"]: group["items"]
        for group in (await rivers.public.get("/v1/suggest", params={"q": "shipp"})).json()["groups"]
    }
    assert [(item["ref"], item["count"]) for item in groups["tag"]] == [("shipping", 2)]
    mistyped = (await rivers.public.get("/v1/suggest", params={"q": "hungery", "types": "region"})).json()
    assert [item["ref"] for item in mistyped["groups"][0]["items"]] == ["hungary"]
    titles = (await rivers.public.get("/v1/suggest", params={"q": "mekong fl", "types": "article"})).json()
    assert [item["text"] for item in titles["groups"][0]["items"]] == [RIVERS[2][0]]


async def test_timeline_fills_gaps_and_leaves_vague_dates_out(rivers: Rivers) -> None:
    params = {"interval": "month", "published_from": "2025-02", "published_to": "2025-05"}
    shown = (await rivers.public.get("/v1/timeline", params=params)).json()
    assert [bucket["count"] for bucket in shown["buckets"]] == [0, 1, 0, 1]
    yearly = (await rivers.public.get("/v1/timeline", params={"interval": "year", "group_by": "tag"})).json()
    assert [bucket["count"] for bucket in yearly["buckets"]][:2] == [1, 3]
    assert yearly["too_coarse"] == 0
    assert [(row["value"], row["total"]) for row in yearly["series"]] == [
        ("shipping", 2),
        ("treaties", 1),
        ("water", 1),
    ]
    monthly = (await rivers.public.get("/v1/timeline", params={"interval": "month"})).json()
    assert monthly["too_coarse"] == 1
    table = await rivers.public.get("/v1/timeline", params={**params, "format": "csv"})
    assert table.text.splitlines()[1] == '"2025-02-01T00:00:00Z","2025-03-01T00:00:00Z",0'


@on_sqlite
async def test_similar_articles_fill_up_behind_the_editors_own(api: Served) -> None:
    danube, montreux, _ = await _rivers(api)
    await api.post(title="How the Danube Commission keeps a river open", body={"text": "danube navigation rules"})
    made = await api.post(
        title="Rules of navigation on the Rhine", body={"text": "navigation rules danube treaty"}, tags=["shipping"],
        related=[{"article": montreux}, {"title": "An article that nobody has written yet"}],
    )  # fmt: skip
    rows = (await api.public.get(f"/v1/articles/{made['id']}/related")).json()["data"]
    assert [(row["kind"], row["status"]) for row in rows[:3]] == [
        ("editorial", "linked"),
        ("editorial", "unresolved"),
        ("similar", "linked"),
    ]
    ids = [row["article"]["id"] for row in rows if row["article"]]
    assert len(ids) == len(set(ids))
    assert made["id"] not in ids
    similar = [row for row in rows if row["kind"] == "similar"]
    assert similar[0]["article"]["id"] == danube
    assert similar[0]["reason"] == "shares tags shipping"
    only = (await api.public.get(f"/v1/articles/{made['id']}/related", params={"kind": "editorial"})).json()["data"]
    assert len(only) == 2


ODD = {
    "(" * 512: None,
    "(" * 513: "query_too_complex",
    '"': None,
    "title:": None,
    "😀 🚀": None,
    "مرحبا بالعالم": None,
    "the and of": None,
    "-danube -rhine": None,
    "a" * 512: None,
    "nul\0l": "invalid_value",
}


@on_sqlite
async def test_odd_query_gets_a_response_or_a_named_refusal(api: Served) -> None:
    await api.post(title="Something to search through")
    for q, code in ODD.items():
        response = await api.public.get("/v1/search", params={"q": q})
        assert response.status_code == (200 if code is None else 422), response.text
        assert response.json().get("code") == code


@on_sqlite
async def test_withdrawn_article_is_found_no_more_at_once(api: Served) -> None:
    from app.articles import service

    danube, _, _ = await _rivers(api)
    await api.db.write(service.withdraw, [danube], now=1_800_000_000)
    for address in ("/v1/search?q=danube&match=all", "/v1/articles?tag=shipping&region=hungary"):
        shown = (await api.public.get(address)).json()
        assert shown["data"] == []
        assert shown["page"]["total"] == 0


@on_sqlite
async def test_words_side_by_side_stand_before_words_far_apart(api: Served) -> None:
    filler = "and many other things were said at length about it " * 3
    apart = await api.post(title="First of two reports", body={"text": f"central {filler} bank {filler}"})
    beside = await api.post(title="Second of two reports", body={"text": f"{filler} the central bank {filler}"})
    hits = (await api.public.get("/v1/search", params={"q": "central bank", "recency": "off"})).json()["data"]
    assert [hit["article"]["id"] for hit in hits] == [beside["id"], apart["id"]]
    assert hits[0]["score"] > hits[1]["score"]


async def test_trends_of_another_zone_count_no_old_days(api: Served) -> None:
    for number in range(3):
        await api.post(title=f"Old {number}", body="Words", tags=["bygone"], published_at=f"2001-01-0{number + 1}")
    requested = {"window": "7d", "tz": "America/New_York"}
    response = await api.public.get("/v1/trending", params=requested)
    assert response.json()["data"] == []


@on_sqlite
async def test_similar_list_is_filled_up_and_says_what_is_hardly_alike(api: Served) -> None:
    text = {"text": "The lock of the canal is closed for repairs until the spring, and barges wait for the tide."}
    first = await api.post(title="Barges wait at the lock", body=text)
    await api.post(title="Barges wait at the lock", body=text)
    near = await api.post(
        title="Canal lock repairs", body={"text": "Repairs of the canal lock go on, and barges wait."}
    )
    far = await api.post(title="Tide tables", body={"text": "Tide tables for a harbour with many other words in it."})
    await api.post(title="Repairs", body={"text": "Repairs."}, status="draft")
    path = f"/v1/articles/{first['id']}/related?kind=similar&limit=5"
    rows = (await api.public.get(path)).json()["data"]
    assert [(row["article"]["id"], row["below_threshold"]) for row in rows] == [(near["id"], False), (far["id"], True)]
    # Asked again it is the same, until something changes.
    assert (await api.public.get(path, headers={"Cache-Control": "no-cache"})).json()["data"] == rows
    await api.editor.delete(f"/v1/articles/{near['id']}", headers={"If-Match": f'"{near["version"]}"'})
    rows = (await api.public.get(path)).json()["data"]
    assert [(row["article"]["id"], row["below_threshold"]) for row in rows] == [(far["id"], False)]
    sent_back = {"related": (await api.public.get(f"/v1/articles/{far['id']}/related")).json()["data"]}
    again = await api.editor.patch(
        f"/v1/articles/{far['id']}", json=sent_back, headers={"If-Match": f'"{far["version"]}"'}
    )
    assert again.status_code == 200
