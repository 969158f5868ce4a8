"""What was public when a list was read, and is not when its cards are, is shown to nobody who may not see it."""

import time

import pytest
from conftest import Served

from app.articles import service
from app.context import AppContext

pytestmark = pytest.mark.anyio


async def test_card_of_an_article_withdrawn_in_between_is_left_out(api: Served) -> None:
    made = await api.post(title="Public for a moment only")
    id = int(str(made["id"]))
    await api.db.write(service.withdraw, [id], now=int(time.time()))
    context = api.app.state.archive
    assert isinstance(context, AppContext)
    from app.regions import service as regions

    head = await context.head()
    atlas = await regions.current(context.db, head.epoch, head.names_seq)
    assert await context.cards.get([(id, 1_000)], atlas, published=True) == {}
    assert set(await context.cards.get([(id, 1_001)], atlas)) == {id}


@pytest.mark.parametrize("address", ["https://example.org/a%00b", "http://[::bad"])
async def test_odd_address_resolves_to_nothing_and_is_no_crash(api: Served, address: str) -> None:
    response = await api.public.get("/v1/resolve", params={"url": address})
    assert response.status_code in (404, 422), response.text
