"""A hub is told of feeds that have changed: of what the public sees, within bounds, and again where it fails."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest
from conftest import ENGINES, Served, serve
from support.websites import Site, make_handler, run_website

from app.importers.web.fetch import FetchError
from app.importers.web.http_fetcher import HttpFetcher
from app.settings import Settings
from app.sync.feeds import websub

ON = ENGINES
pytestmark = pytest.mark.anyio

API = "https://api.news.example"


@pytest.fixture(scope="module")
def hub() -> Iterator[Site]:
    with run_website() as site:
        site.pages["/hub"] = make_handler(204, b"")
        yield site


@pytest.fixture(scope="module")
async def api(hub: Site, shared_settings: Settings) -> AsyncIterator[Served]:
    named = {"api_url": API, "websub_hub": hub.url("/hub"), "import_private_addresses": True}
    async with serve(shared_settings.model_copy(update=named)) as running:
        yield running


async def list_told(hub: Site, enough: str) -> list[str]:
    """The feeds named in the first message that names this one."""
    for _ in range(500):
        for body in hub.posted:
            form = parse_qs(body.decode())
            if enough in form["hub.url"]:
                assert form["hub.mode"] == ["publish"]
                assert form["hub.topic"] == form["hub.url"]
                return form["hub.url"]
        await asyncio.sleep(0.02)
    pytest.fail(f"the hub was not told of {enough}")


async def test_feeds_name_the_hub(api: Served, hub: Site) -> None:
    response = await api.public.get("/feeds/articles.atom")
    links = ElementTree.fromstring(response.text).findall("{http://www.w3.org/2005/Atom}link")
    assert [link.attrib["href"] for link in links if link.attrib["rel"] == "hub"] == [hub.url("/hub")]
    assert f'<{hub.url("/hub")}>; rel="hub"' in response.headers["link"]
    assert f'<{API}/feeds/articles.atom>; rel="self"' in response.headers["link"]
    assert (await api.public.get("/feeds/articles.json")).json()["hubs"] == [{"type": "WebSub", "url": hub.url("/hub")}]


@pytest.mark.slow
async def test_hub_is_told_of_feeds_that_have_changed(api: Served, hub: Site) -> None:
    draft = {"title": "Draft", "body": "<p>x</p>", "tags": ["hidden-desk"]}
    assert (await api.editor.post("/v1/articles", json=draft)).status_code == 201
    await api.post(title="Told", body="<p>x</p>", tags=["told"], authors=["Ann Marlow"], regions=["chad"])
    told = await list_told(hub, f"{API}/feeds/tags/told.atom")
    for path in ("articles.rss", "articles.json?content=full", "authors/ann-marlow.rss", "regions/chad.json"):
        assert f"{API}/feeds/{path}" in told
    assert not any(b"hidden-desk" in body for body in hub.posted)


async def test_message_is_bounded(api: Served) -> None:
    before = (await api.app.state.archive.head()).public_seq
    for number in range(3):
        tags = [f"many-{number}-{i}" for i in range(20)]
        await api.post(title=f"Many {number}", body="<p>x</p>", tags=tags)
    archive = api.app.state.archive
    addresses = await websub.list_addresses(archive, before, await archive.head())
    assert len(addresses) == (websub.MOST_FEEDS + 1) * 6
    assert addresses[0] == f"{API}/feeds/articles.rss"


async def test_hub_that_refuses_is_told_again_and_then_given_up(api: Served) -> None:
    attempts: list[websub.Form] = []

    def refuse(url: str, form: websub.Form) -> None:
        attempts.append(form)
        raise websub.HubUnreachable("it is down")

    publisher = websub.HubPublisher(api.app.state.archive, refuse)
    head = await publisher.look(None)
    await api.post(title="Refused", body="<p>x</p>")
    for _ in range(websub.ATTEMPTS + 2):
        head = await publisher.look(head)
        publisher.hurry()
    assert len(attempts) == websub.ATTEMPTS
    assert {tuple(form) for form in attempts} == {tuple(attempts[0])}


@pytest.mark.parametrize(("status", "fails"), [(202, False), (400, True), (503, True)])
def test_form_is_sent_once_and_success_is_any_of_the_200s(hub: Site, status: int, fails: bool) -> None:
    hub.pages["/other"] = make_handler(status, b"no")
    sent = len(hub.posted)
    with HttpFetcher(allow_private=True) as fetcher:
        if fails:
            with pytest.raises(FetchError):
                fetcher.post_form(hub.url("/other"), [("a", "b c")])
        else:
            assert fetcher.post_form(hub.url("/other"), [("a", "b c")]) == status
    # The publisher of the server may have sent something meanwhile.
    assert [body for body in hub.posted[sent:] if b"hub.mode" not in body] == [b"a=b+c"]


def test_hub_of_a_private_network_is_guarded_like_any_address(hub: Site) -> None:
    with HttpFetcher(allow_private=False) as fetcher, pytest.raises(FetchError, match="public internet"):
        fetcher.post_form(hub.url("/hub"), [("guarded", "yes")])
    assert b"guarded=yes" not in hub.posted


def test_hub_needs_whole_addresses() -> None:
    with pytest.raises(ValueError, match="DATELINE_API_URL"):
        Settings(websub_hub="https://hub.example")
