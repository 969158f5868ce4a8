"""Many new articles in one go: each under its own id, and nothing in a column that it may not hold."""

from typing import Any

import pytest
from conftest import ENGINES, Served

from app.articles import service
from app.articles.manuscript import Manuscript

both = pytest.mark.parametrize("database_url", ENGINES, indirect=True)


def manuscript(title: str, **fields: Any) -> Manuscript:
    known = {"origin": "wire", "identity": f"id:{title}", "external_id": title} | fields
    return Manuscript(title=title, body=f"<p>{title}</p>", word_count=1, language="en", **known)


def save_all(api: Served, *manuscripts: Manuscript) -> list[service.Saved]:
    return api.db.write_now(service.upsert, manuscripts, now=1_760_000_000, site_url="").value


@both
@pytest.mark.anyio
async def test_articles_of_several_origins_get_their_own_ids(api: Served) -> None:
    values = [manuscript("One"), manuscript("One", origin="desk"), manuscript("Two"), manuscript("Three", identity="x")]
    for some in (values, [manuscript("Four", identity=None), manuscript("Five")]):
        ids = [one.id for one in save_all(api, *some)]
        shown = [(await api.editor.get(f"/v1/articles/{id}")).json() for id in ids]
        assert [one["title"] for one in shown] == [one.title for one in some]
        assert ids == sorted(ids)


@pytest.mark.anyio
async def test_instant_out_of_bounds_is_refused(api: Served) -> None:
    with pytest.raises(ValueError, match="outside the years"):
        save_all(api, manuscript("One"), manuscript("Two", updated_at=10**12))
    assert [one.outcome for one in save_all(api, manuscript("One"), manuscript("Three"))] == ["created", "created"]
