"""Tags over HTTP: the vocabulary with its counts, and where old and merged slugs lead."""

from typing import Any

import pytest
from conftest import Served
from sqlalchemy import insert, select, update
from sqlmodel import Session
from support.newsroom import Newsroom, newsroom, slugs_of

from app.changes import log
from app.models import ArticleTag, Tag, TagName, TagSlug, table

__all__ = ["newsroom"]
pytestmark = pytest.mark.anyio
TAG = table(Tag)


async def test_list_has_kinds_counts_and_orders(newsroom: Newsroom) -> None:
    shown: Any = await newsroom.get("/v1/tags")
    assert [(row["slug"], row["kind"], row["article_count"]) for row in shown["data"]] == [
        ("business", "section", 1),
        ("elections", "topic", 1),
        ("energy", "topic", 1),
        ("ines-marlow", "contributor", 1),
        ("jon-abara", "contributor", 1),
        ("nato", "organisation", 2),
        ("shipping", "topic", 1),
        ("world", "section", 1),
    ]
    assert shown["page"]["total"] == 8
    assert slugs_of(await newsroom.get("/v1/tags", sort="-name")) == slugs_of(shown)[::-1]
    assert slugs_of(await newsroom.get("/v1/tags", sort="-article_count"))[0] == "nato"
    assert slugs_of(await newsroom.get("/v1/tags", sort="article_count"))[-1] == "nato"
    assert slugs_of(await newsroom.get("/v1/tags", min_articles=2)) == ["nato"]
    refused = await newsroom.served.public.get("/v1/tags?min_articles=2&max_articles=1")
    assert [error["parameter"] for error in refused.json()["errors"]] == ["min_articles", "max_articles"]
    assert slugs_of(await newsroom.get("/v1/tags", kind="section,contributor", q="in")) == ["ines-marlow"]
    assert slugs_of(await newsroom.get("/v1/tags", q="?!")) == []


async def test_pages_by_count_meet_each_tag_once(newsroom: Newsroom) -> None:
    met: list[str] = []
    asked: dict[str, object] = {"sort": "-article_count", "limit": 3}
    page: Any = {"next": None}
    while True:
        shown: Any = await newsroom.get("/v1/tags", **asked)
        met += slugs_of(shown)
        page = shown["page"]
        if not page["next"]:
            break
        asked["cursor"] = page["next"]
    assert sorted(met) == slugs_of(await newsroom.get("/v1/tags"))
    back: Any = await newsroom.get("/v1/tags", **{**asked, "cursor": page["previous"]})
    assert slugs_of(back) == met[3:6]


async def test_tag_is_found_by_id_and_slug(newsroom: Newsroom) -> None:
    shown: Any = await newsroom.get("/v1/tags/nato")
    assert {**shown, "id": 0} == {
        "slug": "nato", "name": "NATO", "kind": "organisation", "id": 0, "names": {}, "aliases": [],
        "article_count": 2,
    }  # fmt: skip
    assert await newsroom.get(f"/v1/tags/{shown['id']}") == shown
    for ref in ("no-such-tag", "99999", "9" * 30, "x%00"):
        assert (await newsroom.served.public.get(f"/v1/tags/{ref}")).status_code == 404


def _merge(session: Session, taken: str, into: str) -> None:
    """As an editor would: the links move, the old slug stays known, a French name and an alias are added."""
    connection = session.connection()
    ids = {row.slug: row.id for row in connection.execute(select(TAG.c.slug, TAG.c.id))}
    links = table(ArticleTag)
    connection.execute(update(links).where(links.c.tag_id == ids[taken]).values(tag_id=ids[into]))
    connection.execute(update(TAG).where(TAG.c.slug == taken).values(merged_into=ids[into]))
    connection.execute(insert(table(TagSlug)), [{"slug": f"old-{into}", "tag_id": ids[into]}])
    names = [("fr", "OTAN", False), ("und", "the Alliance", True)]
    rows = [
        {"tag_id": ids[into], "language": language, "name": name, "name_key": name.lower(), "alias": alias}
        for language, name, alias in names
    ]
    connection.execute(insert(table(TagName)), rows)
    log.record(session, log.LogEntry("tag", ids[into], "tag_renamed", public=True))


async def test_old_and_merged_slugs_lead_to_the_tag_of_today(api: Served) -> None:
    await api.post(title="One", tags=["nato"])
    await api.post(title="Two", tags=["atlantic-alliance"])
    await api.db.write(_merge, "atlantic-alliance", "nato")
    for old in ("atlantic-alliance", "old-nato"):
        response = await api.public.get(f"/v1/tags/{old}?names_in=fr")
        assert (response.status_code, response.headers["location"]) == (308, "/v1/tags/nato?names_in=fr")
        listed = (await api.public.get(f"/v1/articles?tag={old}")).json()
        assert len(listed["data"]) == 2
        assert [(one["code"], one["replaced_by"]) for one in listed["warnings"]] == [("replaced_by", "nato")]
    shown = (await api.public.get("/v1/tags/nato?names_in=fr")).json()
    assert (shown["name"], shown["aliases"]) == ("OTAN", ["the Alliance"])
    assert slugs_of((await api.public.get("/v1/tags?q=the all")).json()) == ["nato"]
    assert len((await api.public.get("/v1/tags")).json()["data"]) == 1


async def test_tag_of_drafts_is_told_to_nobody_but_a_writer_who_names_it(api: Served) -> None:
    """The third exception in SECURITY.md: the archive has one tag for a name."""
    await api.post(title="Hidden", tags=["quuxtag"], status="draft")
    writer = await api.key("write")
    for headers in ({}, writer):
        response = await api.public.get("/v1/tags/quuxtag", headers=headers)
        assert response.status_code == 404
        assert "quuxtag" not in (await api.public.get("/v1/tags?q=quux", headers=headers)).text
    made = await api.public.post("/v1/articles", json={"title": "Probe", "tags": ["QUUXTAG"]}, headers=writer)
    assert made.status_code == 201
    assert [(tag["slug"], tag["name"]) for tag in made.json()["tags"]] == [("quuxtag", "quuxtag")]
    assert (await api.public.get("/v1/tags/quuxtag", headers=writer)).status_code == 404
