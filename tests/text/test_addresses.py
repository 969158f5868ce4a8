"""Every public address comes from one place, whole where settings say of which host, else as a path."""

import pytest

from app.settings import Settings
from app.text.addresses import Addresses

SITE, API = "https://news.example", "https://api.news.example"


@pytest.mark.parametrize("slash", ["", "/"])
def test_addresses_begin_with_what_is_set(slash: str) -> None:
    addresses = Addresses.read(Settings(site_url=SITE + slash, api_url=API + slash))
    assert addresses.home_page == SITE
    assert addresses.page("danube") == f"{SITE}/articles/danube"
    assert addresses.article_to_read("danube") == f"{SITE}/articles/danube"
    assert addresses.article(42) == f"{API}/v1/articles/42"
    assert addresses.feed("tags/nato", "atom", "content=full") == f"{API}/feeds/tags/nato.atom?content=full"
    assert addresses.sitemap("news.xml") == f"{SITE}/sitemaps/news.xml"
    assert addresses.name_thing("article/42") == "tag:api.news.example,2025:article/42"


def test_addresses_are_paths_where_nothing_is_set() -> None:
    addresses = Addresses.read(Settings(site_url="", api_url=""))
    assert addresses.page("danube") is None
    assert addresses.article_to_read("danube") == "/v1/articles/danube"
    assert addresses.feed("articles", "rss") == "/feeds/articles.rss"
    assert addresses.sitemap_index == "/sitemap.xml"
    assert addresses.name_thing("article/42") == "tag:localhost,2025:article/42"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:9000"])
def test_an_archive_that_is_tried_out_is_named_the_same_wherever_it_listens(host: str) -> None:
    addresses = Addresses.read(Settings(site_url="", api_url=f"http://{host}"))
    assert addresses.feed("articles", "rss") == f"http://{host}/feeds/articles.rss"
    assert addresses.name_thing("article/42") == "tag:localhost,2025:article/42"


def test_paths_begin_with_the_root_path_of_a_request_and_whole_addresses_do_not() -> None:
    paths = Addresses.read(Settings(site_url="", api_url=""))
    assert paths.below("/api").tag("nato") == "/api/v1/tags/nato"
    assert paths.below("/api").name_thing("article/1") == paths.name_thing("article/1")
    assert paths.below("") is paths
    whole = Addresses.read(Settings(site_url="", api_url=API))
    assert whole.below("/api") is whole
