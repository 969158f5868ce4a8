"""WordPress exports: posts with all that they refer to, the text of both editors, broken files."""

import io
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from app.importers.document import Document, DocumentImage, Failure, Item, ParseContext, Remark, SourceDate
from app.importers.formats import detect, registry
from app.importers.formats.wordpress import bodies, export_file
from app.importers.formats.wordpress.shortcodes import MediaLibrary
from app.importers.text_parts import html_markup

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>Harbour Gazette</title><link>https://gazette.example</link><language>en-GB</language>
<wp:base_site_url>https://host.example</wp:base_site_url><wp:base_blog_url>https://gazette.example</wp:base_blog_url>
<wp:author><wp:author_login>ann</wp:author_login>
  <wp:author_display_name><![CDATA[Ann Lee]]></wp:author_display_name></wp:author>
<wp:category><wp:term_id>5</wp:term_id><wp:category_nicename>world</wp:category_nicename>
  <wp:cat_name><![CDATA[World]]></wp:cat_name></wp:category>
<wp:category><wp:term_id>6</wp:term_id><wp:category_nicename>ports</wp:category_nicename>
  <wp:category_parent>world</wp:category_parent><wp:cat_name><![CDATA[Ports]]></wp:cat_name></wp:category>
"""
FULL = """<item><title><![CDATA[Ships &amp; <em>tides</em>]]></title><link>https://gazette.example/ships/</link>
<dc:creator>ann</dc:creator><guid isPermaLink="false">https://gazette.example/?p=7</guid>
<content:encoded><![CDATA[One & all.

Two [caption id="a"]<img src="q.jpg"> At the quay[/caption]]]></content:encoded>
<excerpt:encoded><![CDATA[What the sea brought.]]></excerpt:encoded>
<wp:post_id>7</wp:post_id><wp:post_date>2024-03-02 10:00:00</wp:post_date>
<wp:post_date_gmt>2024-03-02 09:00:00</wp:post_date_gmt><wp:post_modified_gmt>2024-03-03 09:00:00</wp:post_modified_gmt>
<wp:post_name>%d0%ba%d0%be%d1%80%d0%b0%d0%b1%d0%bb%d1%8c</wp:post_name><wp:status>publish</wp:status>
<wp:post_type>post</wp:post_type><wp:is_sticky>1</wp:is_sticky>
<category domain="category" nicename="world">World</category>
<category domain="category" nicename="ports">Ports</category>
<category domain="category" nicename="uncategorized">Uncategorized</category>
<category domain="post_tag" nicename="tide"><![CDATA[Tide & time]]></category>
<category domain="desk" nicename="sea">Sea desk</category>
<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>30</wp:meta_value></wp:postmeta>
<wp:postmeta><wp:meta_key>_wp_old_slug</wp:meta_key><wp:meta_value>old-ships</wp:meta_value></wp:postmeta>
<wp:postmeta><wp:meta_key>_yoast_wpseo_title</wp:meta_key><wp:meta_value>Ships!</wp:meta_value></wp:postmeta>
<wp:postmeta><wp:meta_key>_yoast_wpseo_metadesc</wp:meta_key><wp:meta_value>%%excerpt%%</wp:meta_value></wp:postmeta>
<wp:postmeta><wp:meta_key>_yoast_wpseo_canonical</wp:meta_key><wp:meta_value>https://a.example/s</wp:meta_value></wp:postmeta>
<wp:postmeta><wp:meta_key>mood</wp:meta_key><wp:meta_value>calm</wp:meta_value></wp:postmeta>
</item>
"""
PICTURE = """<item><title>quay</title><wp:post_id>30</wp:post_id><wp:post_parent>7</wp:post_parent>
<wp:post_type>attachment</wp:post_type><wp:status>inherit</wp:status><excerpt:encoded>At dawn</excerpt:encoded>
<wp:attachment_url>https://gazette.example/quay.jpg</wp:attachment_url>
<wp:postmeta><wp:meta_key>_wp_attachment_image_alt</wp:meta_key><wp:meta_value>The quay</wp:meta_value></wp:postmeta>
<wp:postmeta><wp:meta_key>_wp_attachment_metadata</wp:meta_key>
<wp:meta_value>a:2:{s:5:"width";i:1200;s:6:"height";i:800;s:6:"credit";s:5:"Bo Ek";}</wp:meta_value></wp:postmeta>
</item>
"""
TAIL = "</channel></rss>"
DEFAULTS = {
    "title": "Ships",
    "post_id": "1",
    "post_type": "post",
    "status": "publish",
    "post_date_gmt": "2024-03-02 09:00:00",
}


def item(**fields: str) -> str:
    said = {**DEFAULTS, **fields}
    plain = ("title", "link", "guid")
    inside = "".join(
        f"<{name}>{text}</{name}>" if name in plain else f"<wp:{name}>{text}</wp:{name}>" for name, text in said.items()
    )
    return f"<item>{inside}<content:encoded>Text.</content:encoded></item>\n"


def parse(*parts: str | bytes, context: ParseContext | None = None) -> list[Item]:
    data = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return list(export_file.parse(io.BytesIO(data), "f", context or ParseContext()))


def post(*parts: str, context: ParseContext | None = None) -> Document:
    [result, *_] = parse(HEAD, *parts, TAIL, context=context)
    assert isinstance(result, Document), result
    return result


def html(content: str, library: MediaLibrary | None = None, reusable: Mapping[str, str] | None = None) -> str:
    return bodies.convert_post(content, library or MediaLibrary(), reusable or {}, "7", lambda _: None)


def test_export_is_told_by_its_content() -> None:
    assert detect.detect_format("posts.txt", (HEAD + FULL).encode()) == "wxr"
    assert len(list(registry.PARSERS["wxr"](io.BytesIO((HEAD + FULL + TAIL).encode()), "f", ParseContext()))) == 1


def test_post_has_all_that_it_refers_to_wherever_it_stands() -> None:
    result, left = parse(HEAD, FULL, PICTURE, TAIL)

    assert isinstance(result, Document)
    assert (result.where, result.external_id, result.origin, result.source) == (
        "f#7",
        "7",
        "gazette.example",
        "Harbour Gazette",
    )
    assert (result.title, result.standfirst, result.slug) == ("Ships & tides", "What the sea brought.", "корабль")
    assert result.authors == ("Ann Lee",)
    assert result.sections == ("Ports", "World")
    assert result.tags == ("Tide & time",)
    assert result.images == (
        DocumentImage("https://gazette.example/quay.jpg", "The quay", "At dawn", "Bo Ek", 1200, 800),
    )
    assert (result.published, result.updated) == (SourceDate(1709370000, "instant"), SourceDate(1709456400, "instant"))
    assert (result.previous_slugs, result.previous_urls) == (("old-ships",), ("https://gazette.example/?p=7",))
    assert (result.canonical_url, result.language) == ("https://a.example/s", "en")
    assert result.extra == {"sticky": True, "desk": ["Sea desk"], "meta": {"mood": "calm"}, "seo": {"title": "Ships!"}}
    assert result.body is not None
    assert result.body.content.startswith("<p>One & all.</p>\n<p>Two</p>\n<figure>")
    assert left == Remark("f", "left out: 1 of the type attachment")


def test_dateline_and_related_posts_leave_the_text() -> None:
    tail = "<h3>Read also</h3>\n<ul><li><a href='/tide/'>A tide</a></li></ul>"
    text = "OSTEND, 2 March 2024 (AFP) - The sea rose.\n\n" + tail

    result = post(item().replace("Text.", f"<![CDATA[{text}]]>"))

    assert result.dateline is not None
    assert (result.dateline.place, result.dateline.date) == ("OSTEND", "2024-03-02")
    assert result.body is not None
    assert result.body.content == "<p>The sea rose.</p>"
    assert [one.title for one in result.related] == ["A tide"]


@pytest.mark.parametrize(
    ("fields", "status", "note"),
    [
        ({"status": "draft"}, "draft", "status: 'draft': not public at its source, kept as a draft"),
        ({"status": "future"}, "future", None),
        ({"status": "private"}, "draft", "it is private there: kept as a draft"),
        ({"status": "pending"}, "draft", "it waits for review there: kept as a draft"),
        ({"post_password": "tide"}, "draft", "behind a password there: kept as a draft"),
    ],
)
def test_post_that_is_not_public_there_is_not_public_here(
    fields: dict[str, str], status: str, note: str | None
) -> None:
    result = post(item(**fields))

    assert result.status == status
    assert result.notes == ((note,) if note else ())


def test_what_is_no_article_is_counted_and_left_out() -> None:
    pages = item(post_type="page") * 2
    bin = item(status="trash")
    documents = parse(HEAD, pages, bin, item(post_type="nav_menu_item"), item(post_id="4"), TAIL)

    gone, kept = [one for one in documents if isinstance(one, Document)]
    assert (gone.status, gone.stated, gone.retracts) == ("withdrawn", ("status",), True)
    assert kept.where == "f#4"
    assert {one.text for one in documents if isinstance(one, Remark)} == {
        "left out: 2 of the type page",
        "left out: 1 of the type nav_menu_item",
    }


def test_draft_without_a_date_in_utc_has_the_sites_own() -> None:
    never = "0000-00-00 00:00:00"
    draft = item(status="draft", post_date_gmt=never, post_date="2024-03-02 10:00:00")

    result = post(draft, context=ParseContext(timezone=ZoneInfo("Europe/Brussels")))

    assert result.published == SourceDate(1709370000, "instant")
    assert result.notes[0] == "no time zone given, read as Europe/Brussels"


def test_a_post_without_a_time_in_utc_has_that_of_its_entry_in_the_feed() -> None:
    never, local = "0000-00-00 00:00:00", "2024-03-02 14:30:00"
    published = "<pubDate>Sat, 02 Mar 2024 09:00:00 +0000</pubDate></item>"
    result = post(item(post_date_gmt=never, post_date=local).replace("</item>", published))
    assert (result.published, result.notes) == (SourceDate(1709370000, "instant"), ())
    for broken in ("Mon, 30 Nov -0001 00:00:00 +0000", "Thu, 01 Jan 1970 00:00:00 +0000"):
        wrong = f"<pubDate>{broken}</pubDate></item>"
        result = post(item(post_date_gmt=never, post_date=local).replace("</item>", wrong))
        assert result.published == SourceDate(1709389800, "instant")
    assert post(item(post_date_gmt=never, post_date=never).replace("</item>", published)).published is None


def test_authors_of_a_plugin_for_several_go_before_the_account() -> None:
    guest = item(post_id="50", post_type="guest-author", title="Bo Ek", post_name="cap-bo")
    terms = "".join(f'<category domain="author" nicename="cap-{name}">x</category>' for name in ("ann", "bo"))

    result = post(FULL.replace("</item>", terms + "</item>"), guest)

    assert result.authors == ("Ann Lee", "Bo Ek")


def test_export_that_breaks_off_gives_what_stands_before() -> None:
    first, failed = parse(HEAD, item(post_id="1"), item(post_id="2")[:80])

    assert isinstance(first, Document)
    assert isinstance(failed, Failure)
    assert failed.reason.startswith("the file breaks off at line ")


def test_export_with_a_fault_gives_what_stands_before_and_says_where() -> None:
    first, failed = parse(HEAD, item(post_id="1"), "<item><title>a & b</title></item>\n", item(post_id="3"), TAIL)

    assert isinstance(first, Document)
    assert isinstance(failed, Failure)
    assert failed.reason.startswith("broken at line 14, column 16: ")


def test_controls_and_foreign_bytes_are_repaired_where_they_stand() -> None:
    first, second, third = parse(
        HEAD, item(title="Shi\x08ps"), b"<item><title>Caf\xe9</title><wp:post_id>2</wp:post_id></item>", item(), TAIL
    )

    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert isinstance(third, Document)
    assert (first.title, first.notes) == ("Ships", ("control characters removed",))
    assert (second.title, second.notes) == ("Café", ("not valid UTF-8, read as Windows-1252",))
    assert third.notes == ()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEAD.replace("<rss", '<!DOCTYPE rss [<!ENTITY a "b">]><rss'), "it defines entities of its own"),
        ("<html><p>no export", "no <rss> in its first 64 KB"),
        (HEAD.replace("UTF-8", "x-none", 1), "its encoding 'x-none' is not known"),
    ],
)
def test_file_that_is_no_export_is_one_failure(data: str, reason: str) -> None:
    [failed] = parse(data)

    assert isinstance(failed, Failure)
    assert failed.reason.startswith(reason)


def test_old_encoding_is_read_as_the_file_says() -> None:
    data = (HEAD.replace("UTF-8", "ISO-8859-1") + item(title="Café") + TAIL).encode("latin-1")

    [result] = parse(data)

    assert isinstance(result, Document)
    assert result.title == "Café"


def test_entry_beyond_measure_ends_the_reading() -> None:
    class Endless(io.RawIOBase):
        """A title that never ends."""

        def __init__(self) -> None:
            self.is_begun = False

        def read(self, size: int = -1) -> bytes:
            self.is_begun, head = True, b"" if self.is_begun else (HEAD + "<item><title>").encode()
            return head.ljust(size, b"x")

        def tell(self) -> int:
            return 0

        def seek(self, offset: int, whence: int = 0) -> int:
            self.is_begun = False
            return 0

    [failed] = export_file.parse(Endless(), "f", ParseContext())  # type: ignore[arg-type] # all of a stream that is read here

    assert isinstance(failed, Failure)
    assert failed.reason.startswith("an entry is larger than 64 MB")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("One\ntwo\n\nThree", "<p>One<br>\ntwo</p>\n<p>Three</p>"),
        ("<h2>Head</h2>Text\n\n<ul>\n<li>a</li>\n</ul>", "<h2>Head</h2>\n<p>Text</p>\n<ul>\n<li>a</li>\n</ul>"),
        ("<pre>a\n\nb [gallery]</pre>", "<pre>a\n\nb [gallery]</pre>"),
        ("Go [sic] on [Reuters said]", "<p>Go [sic] on [Reuters said]</p>"),
        ("[row a='1'][cell]In[/cell][/row] [[gallery]]", "<p>In [gallery]</p>"),
        ("https://t.example/1", '<p><a href="https://t.example/1">https://t.example/1</a></p>'),
        ("[embed]https://t.example/1[/embed]", '<p><a href="https://t.example/1">https://t.example/1</a></p>'),
        (
            '<!-- wp:paragraph {"a":1} --><p>A</p><!-- /wp:paragraph -->\nfree\n\nform',
            "<p>A</p><p>free</p>\n<p>form</p>",
        ),
        ('A<!-- wp:latest-posts /--><!-- wp:block {"ref":3} /-->', "<p>A</p><p>Shared</p>"),
        ("A<!-- wp:footnotes /-->", "<p>A</p><ol>\n<li>Low <em>tide</em></li>\n</ol>"),
        ("A<!--more-->B", "<p>A</p>\n<p>B</p>"),
        ("Unclosed [caption id=1]<img src=a> and on", "<p>Unclosed <img src=a> and on</p>"),
    ],
)
def test_text_of_both_editors_becomes_what_readers_saw(content: str, expected: str) -> None:
    notes = bodies.render_footnotes('[{"id": "a", "content": "Low <em>tide</em>"}]')
    shared = {"3": "<!-- wp:paragraph --><p>Shared</p><!-- /wp:paragraph -->", "footnotes": notes}

    assert html(content, reusable=shared) == expected


def test_gallery_shows_its_pictures_in_the_order_given() -> None:
    images = {
        number: DocumentImage(f"https://g.example/{number}.jpg", caption=f"No. {number}") for number in ("1", "2", "3")
    }
    library = MediaLibrary(images, {"7": ["3"]})

    shown = html("[gallery ids='2,1']", library)

    assert shown.index("2.jpg") < shown.index("No. 2") < shown.index("1.jpg")
    assert "3.jpg" not in shown
    assert "3.jpg" in html("[gallery]", library)


def test_players_become_links_and_late_pictures_get_their_address() -> None:
    frame = '<p>A</p><iframe src="//v.example/1" title="Ship <b>"></iframe><video><source src="https://v.example/2"></video>'
    late = '<img src="data:," data-src="https://v.example/3.jpg"><div class="sharedaddy">Share</div>'

    shown = html_markup.convert_markup(html(frame + late), None, lambda _: None)

    assert '<a href="https://v.example/1">Ship &lt;b&gt;</a>' in shown
    assert '<a href="https://v.example/2">' in shown
    assert 'src="https://v.example/3.jpg"' in shown
    assert "Share" not in shown


@given(
    st.lists(st.sampled_from(["[caption]", "[/caption]", "[a b='c']", "<!-- wp:p -->", "<pre>", "<img>", "x\n\n", "["]))
)
def test_no_text_whatever_fails_or_loses_its_words(parts: list[str]) -> None:
    assert html("".join(parts)).count("x") == parts.count("x\n\n")
