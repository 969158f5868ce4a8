"""Feeds that say things in odd places, or escape them wrongly: no name, text or address is cut, glued or made up."""

import io

from app.importers.document import Document, DocumentBody, ParseContext, Remark
from app.importers.formats.feeds import feed

MEDIA = 'xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"'


def rss(item: str) -> bytes:
    channel = f"<channel><title>W</title><link>https://w.example/</link><item>{item}</item></channel>"
    return f'<?xml version="1.0"?><rss version="2.0" {MEDIA}>{channel}</rss>'.encode()


def atom(entry: str) -> bytes:
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>W</title><entry>{entry}</entry></feed>'.encode()


def one(data: bytes) -> Document:
    (result,) = [item for item in feed.parse(io.BytesIO(data), "f", ParseContext()) if not isinstance(item, Remark)]
    assert isinstance(result, Document)
    return result


def test_a_name_beside_an_address_of_mail_is_whole_whatever_the_address_ends_in() -> None:
    said = (
        "<title>A</title><author>ann@paper.online (Ann Lee)</author><dc:creator>Bo Ek &lt;bo@x.museum&gt;</dc:creator>"
    )
    assert one(rss(said)).authors == ("Ann Lee", "Bo Ek")
    people = (
        "<author><name>Ann Lee</name><email>a@paper.online</email></author><author><email>o@x.online</email></author>"
    )
    assert one(atom(f"<id>1</id><title>A</title>{people}<author><name>Cy Dee</name></author>")).authors == (
        "Ann Lee",
        "Cy Dee",
    )


def test_an_entry_without_authors_has_those_of_the_feed_that_it_came_from() -> None:
    source = "<source><title>Elsewhere</title><author><name>Ann Lee</name></author></source>"
    assert one(atom(f"<id>1</id><title>A</title>{source}")).authors == ("Ann Lee",)


def test_the_description_of_a_picture_is_its_caption_and_no_text_of_the_entry() -> None:
    about = "<media:description>A boat</media:description>"
    picture = f'<media:content url="https://w.example/a.jpg" medium="image">{about}</media:content>'
    text = "<description>Words</description>"
    for said in (f"{text}{picture}", f"{picture}{text}"):
        document = one(rss(f"<title>A</title>{said}"))
        assert (document.body, document.standfirst, document.images[0].caption) == (
            DocumentBody("text", "Words"),
            None,
            "A boat",
        )
    film = '<media:group><media:content url="https://w.example/a.mp4"/><media:description>Said</media:description>'
    assert one(rss(f"<title>A</title>{film}</media:group>")).body == DocumentBody("text", "Said")


def test_a_plain_text_with_brackets_is_not_its_own_standfirst() -> None:
    document = one(atom('<id>1</id><title>A</title><content type="text">use &lt;b&gt; here</content>'))
    assert (document.standfirst, document.body) == (None, DocumentBody("text", "use <b> here"))


def test_html_that_was_escaped_twice_is_html_and_a_text_about_html_stays_text() -> None:
    twice = "&amp;lt;p&amp;gt;One.&amp;lt;/p&amp;gt;&amp;lt;p&amp;gt;Two.&amp;lt;/p&amp;gt;"
    assert one(rss(f"<title>A</title><description>{twice}</description>")).body == DocumentBody(
        "html", "<p>One.</p><p>Two.</p>"
    )
    about = "Write &amp;lt;p&amp;gt; before it"
    assert one(rss(f"<title>A</title><description>{about}</description>")).body == DocumentBody(
        "text", "Write <p> before it"
    )


def test_paths_as_links_are_addresses_within_the_site_and_ids_are_none() -> None:
    assert one(rss("<title>A</title><link>/2025/a</link>")).url == "https://w.example/2025/a"
    assert one(rss("<title>A</title><guid>abc</guid>")).url is None
    data = b'{"version":"https://jsonfeed.org/version/1","home_page_url":"https://w.example/x/","items":[{"id":"1",'
    assert one(data + b'"url":"/3","title":"A"}]}').url == "https://w.example/3"


def test_ampersands_and_names_of_characters_that_xml_does_not_know_lose_and_add_nothing() -> None:
    data = rss(
        "<title>AT&T &mdash; caf&eacute;</title><description><![CDATA[R&D <b>x</b>]]> &amp; &bogus;</description>"
    )
    remark, result = list(feed.parse(io.BytesIO(data), "f", ParseContext()))
    assert isinstance(remark, Remark)
    assert "repaired" in remark.text
    assert isinstance(result, Document)
    assert result.title == "AT&T — café"
    assert result.body == DocumentBody("html", "R&D <b>x</b> & &bogus;")


def test_content_that_is_no_text_stays_beside_the_article_with_a_note() -> None:
    content = "<content type='base64'>PHA+Rm9nPC9wPg==</content>"
    atom = f"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><title>T</title>{content}</entry></feed>"
    [document] = feed.parse(io.BytesIO(atom.encode()), "f", ParseContext())
    assert isinstance(document, Document)
    assert (document.body, document.extra) == (None, {"unread_content": ["<p>Fog</p>"]})
    assert document.notes == ("content of the type 'base64' is not read as a text, kept beside the article",)
