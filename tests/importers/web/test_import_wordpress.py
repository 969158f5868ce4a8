"""WordPress: a site's API as it responds and misbehaves, and replies that were saved as files."""

import io
from collections.abc import Mapping

import orjson
import pytest
from hypothesis import given, strategies as st
from support.wordpress_blog import BlogServer, post

from app.importers.document import Bookmark, Document, DocumentImage, Failure, Item, ParseContext, Remark, SourceDate
from app.importers.formats import detect, registry
from app.importers.web import wordpress_site
from app.importers.web.fetch import FetchedPage

URL = "https://gazette.example"


def read(blog: BlogServer, state: Mapping[str, object] | None = None) -> list[Item]:
    return list(wordpress_site.read_site(URL, blog.front_page(), blog, state or {}, ParseContext()))


def documents(items: list[Item]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


def failures(items: list[Item]) -> list[str]:
    return [item.reason for item in items if isinstance(item, Failure)]


def test_post_of_a_site_has_all_that_it_refers_to() -> None:
    [result] = documents(read(BlogServer([post(4)])))

    assert (result.external_id, result.origin, result.source) == ("4", "gazette.example", "Gazette")
    assert (result.title, result.slug, result.url) == ("Ship no. 4 – home again", "ship-4", f"{URL}/ship-4/")
    assert result.authors == ("Ann Lee",)
    assert result.sections == ("Arts & Letters", "World")  # the one that says more exactly where stands first
    assert result.tags == ("Tide 14",)
    assert result.images == (DocumentImage(f"{URL}/quay.jpg", "The quay", "At dawn", "Bo Ek", 1200, 800),)
    assert result.published == SourceDate(1709370000, "instant")
    assert result.standfirst is None  # it was cut from the text
    assert result.language == "fr"
    assert result.previous_urls == (f"{URL}/?p=4",)
    assert result.status == "publish"


def test_site_of_several_pages_is_read_whole_and_the_place_kept() -> None:
    items = read(BlogServer([post(number) for number in range(1, 251)]))

    assert [one.external_id for one in documents(items)] == [str(number) for number in range(1, 251)]
    kept = [dict(item.state) for item in items if isinstance(item, Bookmark)]
    began = "2024-03-10T11:55:00Z"
    assert kept == [{"page": 1, "began": began}, {"page": 2, "began": began}, {"since": began}]


def test_interrupted_reading_goes_on_at_its_page() -> None:
    items = read(BlogServer([post(number) for number in range(1, 251)]), {"page": 2, "began": "2024-03-01T00:00:00Z"})

    assert len(documents(items)) == 150
    assert items[-1] == Bookmark(URL, {"since": "2024-03-01T00:00:00Z"})


def test_second_reading_asks_only_for_what_changed() -> None:
    blog = BlogServer([post(1), post(2, modified_gmt="2024-03-11T00:00:00"), post(3)])

    items = read(blog, {"since": "2024-03-10T12:00:00Z"})

    assert [one.external_id for one in documents(items)] == ["2"]
    assert blog.asked.count("wp/v2/posts") == 2


def test_users_that_nobody_is_told_of_are_asked_for_once() -> None:
    blog = BlogServer([post(number) for number in range(1, 251)], users=False)

    assert {one.authors for one in documents(read(blog))} == {()}
    assert blog.asked.count("wp/v2/users") == 1
    assert blog.asked.count("wp/v2/categories") == 1


def test_site_that_fails_over_its_tags_is_asked_again_the_next_time() -> None:
    class Failing(BlogServer):
        def respond(self, url: str) -> tuple[int, dict[str, str], bytes]:
            return (503, {}, b"") if "/tags" in url else super().respond(url)

    items = read(Failing([post(number) for number in range(1, 251)]))

    assert {one.tags for one in documents(items)} == {()}
    assert failures(items) == ["answered 503: posts have no tags from here on; import again to get them"]
    assert not any(isinstance(item, Bookmark) for item in items)


def test_post_over_which_the_site_fails_costs_its_neighbours_only() -> None:
    blog = BlogServer([post(number) for number in range(1, 251)], broken=frozenset({123}))

    items = read(blog)

    assert len(documents(items)) == 240
    assert failures(items) == ["posts 121 to 130: answered 500"]
    assert not any("since" in item.state for item in items if isinstance(item, Bookmark))


def test_site_that_big_pages_are_too_much_for_is_read_in_small_ones() -> None:
    class Small(BlogServer):
        def respond(self, url: str) -> tuple[int, dict[str, str], bytes]:
            result = super().respond(url)
            return (500, {}, b"") if "per_page=100&page" in url else result

    blog = Small([post(number) for number in range(1, 251)])

    items = read(blog)

    assert len(documents(items)) == 250
    assert isinstance(items[-1], Bookmark)
    assert blog.asked.count("wp/v2/posts") == 1 + 25


def test_paging_that_repeats_ends_with_a_reason() -> None:
    items = read(BlogServer([post(number) for number in range(1, 101)], repeats=True))

    assert len(documents(items)) == 100
    assert failures(items) == ["page 2 repeats what came before: the rest was not read"]


class Closed(BlogServer):
    """A site whose API responds with this and nothing else."""

    reply: tuple[int, dict[str, str], bytes] = (403, {}, b"{}")

    def respond(self, url: str) -> tuple[int, dict[str, str], bytes]:
        return self.reply if "wp-json" in url or "rest_route" in url else (200, {}, b"<html>")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ((403, {}, b'{"code":"rest_forbidden"}'), "its API is closed to the public (403)"),
        ((404, {}, b"<html>"), "no API of WordPress was found there"),
        ((200, {}, b"<!doctype html><title>Just a moment"), "answered HTML instead of JSON"),
        ((200, {}, b'{"hello": 1}'), "no API of WordPress was found there"),
    ],
)
def test_site_without_an_open_api_is_one_clear_failure(reply: tuple[int, dict[str, str], bytes], reason: str) -> None:
    site = Closed([])
    site.reply = reply

    [failed] = failures(read(site))

    assert failed.startswith(reason)


def test_address_of_one_post_brings_that_post() -> None:
    blog = BlogServer([post(1), post(2)])
    link = f'<link rel="alternate" type="application/json" href="{URL}/wp-json/wp/v2/posts/2">'
    page = FetchedPage(f"{URL}/ship-2/", 200, {"link": f'<{URL}/wp-json/>; rel="https://api.w.org/"'}, link.encode())

    class OfOne(BlogServer):
        def respond(self, url: str) -> tuple[int, dict[str, str], bytes]:
            return (200, {}, orjson.dumps(post(2))) if "posts/2" in url else blog.respond(url)

    [result] = wordpress_site.read_site(page.url, page, OfOne([]), {}, ParseContext())

    assert isinstance(result, Document)
    assert result.external_id == "2"


def test_saved_reply_is_read_and_pages_are_left_out() -> None:
    embedded = {
        "author": [{"id": 7, "name": "Ann Lee"}],
        "wp:term": [[], [{"id": 12, "name": "Tide", "taxonomy": "post_tag"}]],
    }
    links = {"self": [{"href": f"{URL}/news/wp-json/wp/v2/posts/2"}]}
    saved = orjson.dumps([post(2, _embedded=embedded, _links=links), post(3, type="page"), {"id": 5}])
    assert detect.detect_format("posts.json", saved) == "wordpress"

    first, second, third = registry.PARSERS["wordpress"](io.BytesIO(saved), "f", ParseContext())

    assert isinstance(first, Document)
    assert (first.where, first.origin, first.authors, first.tags) == (
        "f#1",
        "gazette.example/news",
        ("Ann Lee",),
        ("Tide",),
    )
    assert second == Remark("f#2", "left out: of the type page")
    assert isinstance(third, Failure)


def test_post_behind_a_password_is_left_out() -> None:
    hidden = post(1, content={"rendered": "", "protected": True})

    [item, _] = read(BlogServer([hidden]))

    assert item == Remark(f"{URL}/ship-1/", "left out: behind a password")


def test_written_excerpt_and_changed_seo_come_through() -> None:
    seo = {"title": "Home at last", "description": "A ship.", "canonical": "https://elsewhere.example/ship"}
    said = post(1, excerpt={"rendered": "<p>She was late.</p>\n"}, yoast_head_json=seo)

    [result] = documents(read(BlogServer([said])))

    assert result.standfirst == "She was late."
    assert result.extra["seo"] == {"title": "Home at last", "description": "A ship."}
    assert result.canonical_url == "https://elsewhere.example/ship"


def test_address_of_an_api_that_is_none_is_passed_over() -> None:
    blog = BlogServer([post(1)])
    page = FetchedPage(URL, 200, {"link": '<http://[::/>; rel="https://api.w.org/"'}, b"")

    assert len(documents(list(wordpress_site.read_site(URL, page, blog, {}, ParseContext())))) == 1


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "0000", "x\x00", "<b", "2024-13-01"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "rendered", "name"]), inner, max_size=2)
    ),
    max_leaves=3,
)


@given(st.dictionaries(st.sampled_from(sorted({*post(1), "_embedded", "yoast_head_json"})), ODD, max_size=6))
def test_post_of_any_shape_is_read_or_refused(odd: dict[str, object]) -> None:
    [item, *_] = read(BlogServer([{**post(1), **odd, "id": 1, "modified_gmt": "2024-03-03T09:00:00"}]))

    assert isinstance(item, Document | Failure | Remark)
