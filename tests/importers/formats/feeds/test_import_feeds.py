"""Feeds of every kind as documents, and addresses that are imported from again and again."""

import io
from collections.abc import Iterator
from datetime import datetime

import pytest
from support.websites import Site, make_handler, run_website

from app.articles.html import nesting_depth
from app.db.database import Database
from app.importers import pipeline, sources
from app.importers.document import (
    Document,
    DocumentImage,
    Failure,
    Item,
    ParseContext,
    RelatedReference,
    Remark,
    SourceDate,
)
from app.importers.formats.feeds import feed
from app.importers.pipeline import ImportOptions, ImportReport
from app.importers.web.http_fetcher import HttpFetcher

NOW = 1_764_752_400
NAMESPACES = " ".join(
    f'xmlns:{name}="{address}"'
    for name, address in {
        "atom": "http://www.w3.org/2005/Atom",
        "content": "http://purl.org/rss/1.0/modules/content/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "media": "http://search.yahoo.com/mrss/",
    }.items()
)


def rss(items: str, channel: str = "<title>The Harbour Wire</title><link>https://harbour.example/</link>") -> bytes:
    return f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel>{channel}{items}</channel></rss>'.encode()


def atom(entries: str, head: str = "<title>The Harbour Wire</title>") -> bytes:
    return f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="fr">{head}{entries}</feed>'.encode()


def parse_items(data: bytes, context: ParseContext | None = None) -> list[Item]:
    return list(feed.parse(io.BytesIO(data), "f", context or ParseContext()))


def one(data: bytes, context: ParseContext | None = None) -> Document:
    (item,) = parse_items(data, context)
    assert isinstance(item, Document), item
    return item


def instant(date: str) -> int:
    return int(datetime.fromisoformat(date).timestamp())


FULL = """<item><title>Ferries &amp;amp; fog</title><link>https://harbour.example/fog</link>
  <guid isPermaLink="false">wire-7</guid><pubDate>Wed, 03 Dec 2025 10:00:00 +0100</pubDate>
  <dc:creator>Ann Lee</dc:creator><dc:creator>Bo Ek</dc:creator><category>Ports</category>
  <category>Weather, sea</category>
  <description>Why the port stood still.</description>
  <content:encoded><![CDATA[<p>Fog lay on the water.</p><p>Nothing moved.</p>
    <h3>See also</h3><ul><li><a href="https://harbour.example/tide">High tide</a></li></ul>]]></content:encoded>
  <media:content url="https://harbour.example/fog.jpg" medium="image" width="640" height="480">
    <media:credit>Pat Moor</media:credit></media:content>
  <enclosure url="https://harbour.example/fog.mp3" type="audio/mpeg" length="1"/>
  <atom:link rel="related" href="https://harbour.example/fleet" title="The fleet"/>
  <comments>https://harbour.example/fog#comments</comments></item>"""


def test_an_rss_item_comes_through_whole() -> None:
    document = one(
        rss(FULL, "<title>The Harbour Wire</title><link>https://harbour.example/</link><language>en-gb</language>")
    )
    assert (document.where, document.title, document.standfirst) == (
        "f#1",
        "Ferries & fog",
        "Why the port stood still.",
    )
    assert (document.external_id, document.url) == ("wire-7", "https://harbour.example/fog")
    assert document.published
    assert document.published.instant == instant("2025-12-03T09:00:00+00:00")
    assert (document.updated, document.language) == (None, "en-gb")
    assert (document.authors, document.tags) == (("Ann Lee", "Bo Ek"), ("Ports", "Weather, sea"))
    assert (document.source, document.source_url) == ("The Harbour Wire", "https://harbour.example/")
    assert document.images == (
        DocumentImage("https://harbour.example/fog.jpg", credit="Pat Moor", width=640, height=480),
    )
    assert document.related == (
        RelatedReference("The fleet", "https://harbour.example/fleet"),
        RelatedReference("High tide", "https://harbour.example/tide"),
    )
    assert document.body
    assert (document.body.kind, "Nothing moved" in document.body.content, "High tide" in document.body.content) == (
        "html",
        True,
        False,
    )
    assert document.extra == {
        "comments": "https://harbour.example/fog#comments",
        "enclosures": ["https://harbour.example/fog.mp3"],
    }


def test_an_atom_entry_comes_through_with_what_it_inherits() -> None:
    document = one(
        atom(
            "<entry><id>tag:1</id><title type='html'>Ebb &lt;i&gt;tide&lt;/i&gt;</title>"
            "<updated>2025-12-04T00:00:00Z</updated>"
            "<published>2025-12-03T08:00:00+01:00</published><link href='https://harbour.example/ebb'/>"
            "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>Low water.</p></div></content></entry>",
            "<title>Wire</title><author><name>Desk</name></author><link href='https://harbour.example/'/>",
        )
    )
    assert (document.title, document.authors, document.language, document.external_id) == (
        "Ebb tide",
        ("Desk",),
        "fr",
        "tag:1",
    )
    assert document.published
    assert document.updated
    assert (document.published.instant, document.updated.instant) == (
        instant("2025-12-03T07:00:00+00:00"),
        instant("2025-12-04T00:00:00+00:00"),
    )
    assert document.body
    assert "<p>Low water.</p>" in document.body.content


def test_an_rdf_item_with_a_day_keeps_the_day() -> None:
    document = one(
        b"<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' "
        b"xmlns:dc='http://purl.org/dc/elements/1.1/'><item rdf:about='https://harbour.example/1'>"
        b"<title>Spring tide</title>"
        b"<link>https://harbour.example/1</link><dc:date>2025-12</dc:date></item></rdf:RDF>"
    )
    assert document.published
    assert (document.published.precision, document.external_id, document.updated) == (
        "month",
        "https://harbour.example/1",
        None,
    )


def parse_dated(*texts: str, channel: str = "<title>W</title>", context: ParseContext | None = None) -> list[Document]:
    items = "".join(f"<item><guid>{n}</guid><title>T</title><pubDate>{t}</pubDate></item>" for n, t in enumerate(texts))
    return [item for item in parse_items(rss(items, channel), context) if isinstance(item, Document)]


def test_enclosures_are_resolved_or_noted() -> None:
    files = (
        '<enclosure url="fog.mp3" type="audio/mpeg"/><enclosure url="/fog.jpg" type="image/jpeg"/>'
        '<media:content url="//cdn.example/quay.jpg" medium="image"/><media:thumbnail url="small.jpg"/>'
    )
    item = f"<item><guid>a</guid><title>Fog</title><link>https://harbour.example/2025/fog</link>{files}</item>"
    [result] = feed.parse(io.BytesIO(rss(item)), "f", ParseContext())
    assert isinstance(result, Document)
    assert result.extra == {"enclosures": ["https://harbour.example/2025/fog.mp3"]}
    assert [one.url for one in result.images] == ["https://cdn.example/quay.jpg", "https://harbour.example/fog.jpg"]
    assert result.notes == ()
    alone = f"<item><guid>a</guid><title>Fog</title>{files}</item>"
    [result] = feed.parse(io.BytesIO(rss(alone, "<title>T</title>")), "f", ParseContext())
    assert isinstance(result, Document)
    assert (dict(result.extra), [one.url for one in result.images]) == ({}, ["https://cdn.example/quay.jpg"])
    lost = {note for note in result.notes if note.startswith("enclosure ")}
    assert lost == {
        f"enclosure '{name}' leads to nothing on the web: left out" for name in ("fog.mp3", "/fog.jpg", "small.jpg")
    }
    [result] = feed.parse(
        io.BytesIO(rss(alone, "<title>T</title>")), "f", ParseContext(address="https://e.example/feed")
    )
    assert isinstance(result, Document)
    assert result.extra == {"enclosures": ["https://e.example/fog.mp3"]}


@pytest.mark.parametrize(
    "text", ["2025-13-01", "-0001-11-30T00:00:00+00:00", "12345", "10:00", "1751796000", "tomorrow"]
)
def test_a_date_that_cannot_be_read_is_left_out_and_kept(text: str) -> None:
    (result,) = parse_dated(text)
    assert (result.published, result.extra) == (None, {"published_at": text})
    assert any(repr(text) in note for note in result.notes)


def test_a_date_in_another_script_is_that_day_and_not_the_month_of_the_import() -> None:
    assert [one.published for one in parse_dated("2025年7月6日", "2025년 7월 6일", "٦ يوليو ٢٠٢٥")] == [
        SourceDate(instant("2025-07-06T00:00:00Z"), "day")
    ] * 3


def test_what_could_be_two_days_is_told_by_the_other_dates_of_the_feed() -> None:
    reported, _ = parse_dated("03/04/2025", "25/12/2024")
    assert reported.published == SourceDate(instant("2025-04-03T00:00:00Z"), "day")
    assert reported.notes == ("published_at: '03/04/2025': the day stands first, as other dates of the source show",)
    assert parse_dated("03/04/2025")[0].published is None
    assert [one.published is None for one in parse_dated("03/04/2025", "25/12/2024", "12/25/2024")] == [
        True,
        False,
        False,
    ]


def test_what_several_zones_are_called_is_told_by_the_language_of_the_feed() -> None:
    date, feeds = "Sun, 06 Jul 2025 10:00:00 IST", "<title>W</title><language>en-IN</language>"
    (reported,) = parse_dated(date, channel=feeds)
    (untold,) = parse_dated(date)
    assert reported.published == SourceDate(instant("2025-07-06T04:30:00Z"), "instant")
    assert untold.published == SourceDate(instant("2025-07-06T00:00:00Z"), "day")
    assert any("IST" in note for note in untold.notes)


def test_the_date_of_the_feed_is_taken_only_where_it_was_asked_for() -> None:
    channel = "<title>W</title><pubDate>Sun, 06 Jul 2025 10:00:00 GMT</pubDate>"
    for requested in (False, True):
        (result,) = parse_dated("tomorrow", channel=channel, context=ParseContext(source_dates=requested))
        expected = SourceDate(instant("2025-07-06T10:00:00Z"), "instant") if requested else None
        assert (result.published, result.source_date) == (None, expected)


@pytest.mark.parametrize(
    "summary",
    [
        "Fog lay on the &amp;hellip;",
        "Fog lay on the water. [&amp;#8230;]",
        "Fog lay on the water",
        "Fog lay... Continue reading",
    ],
)
def test_a_summary_that_is_the_texts_beginning_is_no_standfirst(summary: str) -> None:
    text = "<content:encoded>&lt;p&gt;Fog lay on the water.&lt;/p&gt;</content:encoded>"
    assert one(rss(f"<item><title>t</title><description>{summary}</description>{text}</item>")).standfirst is None


def test_a_description_alone_is_the_body() -> None:
    document = one(rss("<item><title>t</title><description>Fog &amp;amp; rain.</description></item>"))
    assert document.body
    assert (document.body.kind, document.body.content, document.standfirst) == ("text", "Fog & rain.", None)


def test_an_advertisement_of_the_system_is_no_part_of_the_text() -> None:
    text = (
        "&lt;p&gt;Fog.&lt;/p&gt;&lt;p&gt;The post &lt;a href='x'&gt;Fog&lt;/a&gt; appeared first on "
        "&lt;a href='y'&gt;Wire&lt;/a&gt;.&lt;/p&gt;"
    )
    document = one(rss(f"<item><title>t</title><description>{text}</description></item>"))
    assert document.body
    assert document.body.content == "<p>Fog.</p>"


@pytest.mark.parametrize(
    ("byline", "names"),
    [
        ("Ann Lee, Bo Ek", ("Ann Lee", "Bo Ek")),
        ("By Ann Lee and Bo Ek", ("Ann Lee", "Bo Ek")),
        ("Lee, Ann", ("Lee, Ann",)),
        ("desk@harbour.example (Ann Lee)", ("Ann Lee",)),
        ("desk@harbour.example", ()),
    ],
)
def test_a_byline_gives_its_names(byline: str, names: tuple[str, ...]) -> None:
    assert one(rss(f"<item><title>t</title><author>{byline}</author></item>")).authors == names


def test_an_entry_without_an_address_belongs_to_the_feeds_host() -> None:
    assert one(rss("<item><title>t</title><guid>7</guid></item>")).origin == "harbour.example"


def test_relative_links_count_from_the_address_of_the_feed() -> None:
    item = "<entry><title>t</title><link href='/fog'/><content type='html'>{}</content></entry>"
    document = one(
        atom(item.format("&lt;a href='tide'&gt;x&lt;/a&gt;")), ParseContext(address="https://harbour.example/news/feed")
    )
    assert document.body
    assert (document.url, document.body.content) == (
        "https://harbour.example/fog",
        '<a href="https://harbour.example/news/tide">x</a>',
    )


PLAIN = "<rss><channel><item><title>{}</title></item></channel></rss>"
SAYING = "<?xml version='1.0' encoding='windows-1251'?>" + PLAIN


@pytest.mark.parametrize(
    ("data", "charset", "title"),
    [
        (PLAIN.format("Fjørd").encode(), "iso-8859-1", "Fjørd"),
        (PLAIN.format("Fjørd").encode("latin-1"), "iso-8859-1", "Fjørd"),
        (PLAIN.format("Порт").encode("koi8-r"), "koi8-r", "Порт"),
        (SAYING.format("Порт").encode("cp1251"), "utf-8", "Порт"),
    ],
)
def test_bytes_say_their_charset_before_the_header_does(data: bytes, charset: str, title: str) -> None:
    documents = [item for item in parse_items(data, ParseContext(charset=charset)) if isinstance(item, Document)]
    assert [document.title for document in documents] == [title]


def test_a_broken_feed_is_read_as_far_as_it_goes_and_that_is_said() -> None:
    remark, first, second = parse_items(rss("<item><title>One</title></item><item><title>Two</title><b></item>"))
    assert isinstance(remark, Remark)
    assert "XML is broken" in remark.text
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert (first.title, second.title) == ("One", "Two")


def test_json_feed_comes_through() -> None:
    document = one(
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "Wire", "home_page_url": "https://harbour.example/",'
        b'"language": "de", "authors": [{"name": "Desk"}], "items": [{"id": 7, "url": "https://harbour.example/7",'
        b'"external_url": "https://other.example/", "title": "Flut",'
        b'"content_html": "<p>Wasser.</p>", "summary": "Kurz.",'
        b'"image": "https://harbour.example/7.jpg", "date_published": "2025-12-03T10:00:00+01:00", "tags": ["See"],'
        b'"_own": {"a": 1}}]}'
    )
    assert (document.external_id, document.url, document.title, document.standfirst) == (
        "7",
        "https://harbour.example/7",
        "Flut",
        "Kurz.",
    )
    assert (document.authors, document.tags, document.language) == (("Desk",), ("See",), "de")
    assert document.images == (DocumentImage("https://harbour.example/7.jpg"),)
    assert document.related == (RelatedReference(None, "https://other.example/"),)
    assert document.extra == {"_own": {"a": 1}}


LAUGHS = b"<!DOCTYPE l [<!ENTITY a '%s'>%s]><rss version='2.0'><channel><title>&l5;</title></channel></rss>" % (
    b"a" * 10_000,
    b"".join(b"<!ENTITY l%d '%s'>" % (n, (b"&l%d;" % (n - 1) if n else b"&a;") * 20) for n in range(6)),
)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<!DOCTYPE html><html><title>x</title></html>", "a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no feed"),
        (b"", "no feed"),
        (b"\0" * 100, "no feed"),
        (b"<rss>" + b"<a>" * 200 + b"</a>" * 200 + b"</rss>", "201 levels deep"),
        (b"<rss>" + b"<a" * 200_001, "too large"),
        (LAUGHS, "grow without end"),
        (b" " * (feed.MAX_BYTES + 1), "more than 16 MB"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": ' + b"[" * 5_000, "not valid JSON"),
        (b'{"items": []}', "no feed"),
    ],
)
def test_what_is_no_feed_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    (item,) = parse_items(data)
    assert isinstance(item, Failure)
    assert reason in item.reason


@pytest.mark.parametrize(
    "piece", ["&lt;div>", "&lt;div>&lt;object>&lt;/div>&lt;/object>", "&lt;div>&lt;table>&lt;/div>&lt;/table>"]
)
def test_a_text_of_elements_without_end_is_made_flat_and_keeps_its_words(piece: str) -> None:
    text = f"{piece * 4_000}words within"
    deep, fine = parse_items(
        rss(f"<item><title>t</title><description>{text}</description></item><item><title>u</title></item>")
    )
    assert isinstance(deep, Document)
    assert nesting_depth.FLATTENED in deep.notes
    assert deep.body is not None
    assert "words within" in deep.body.content
    assert isinstance(fine, Document)


def test_a_long_text_of_elements_that_end_is_read() -> None:
    text = "&lt;div>&lt;p>One &lt;b>two&lt;/b>&lt;br>&lt;/div>" * 3_000
    assert one(rss(f"<item><title>t</title><description>{text}</description></item>")).body


def test_a_json_entry_of_too_many_levels_is_refused_and_the_next_is_read() -> None:
    deep = b'{"id": 1, "_x": ' + b"[" * 200 + b"]" * 200 + b"}"
    first, second = parse_items(
        b'{"version": "https://jsonfeed.org/version/1", "items": [' + deep + b', {"title": "u"}]}'
    )
    assert isinstance(first, Failure)
    assert isinstance(second, Document)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with run_website() as site:
        yield site


def import_paths(db: Database, *value: str, origin: str | None = None, dry_run: bool = False) -> ImportReport:
    with HttpFetcher(allow_private=True) as fetch:
        result = sources.find_sources(value, io.BytesIO())
        return pipeline.run_import(db, result, ImportOptions(origin=origin, dry_run=dry_run), lambda: NOW, fetch=fetch)


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.created, report.updated, report.unchanged, len(report.failures)


def test_a_feed_that_has_not_changed_is_not_downloaded_again(db: Database, site: Site) -> None:
    site.asked.clear()
    site.pages["/feed"] = make_handler(body=rss(FULL), etag='"one"', content_type="application/rss+xml")
    assert counts(import_paths(db, site.url("/feed"))) == (1, 0, 0, 0)
    site.pages["/feed"] = make_handler(304, b"")
    again = import_paths(db, site.url("/feed"))
    assert (counts(again), again.notes) == (
        (0, 0, 0, 0),
        {"not changed since it was imported": [site.url("/feed")]},
    )
    assert [headers.get("if-none-match") for _, headers in site.asked] == [None, '"one"']


def test_a_feed_is_read_again_for_another_origin(db: Database, site: Site) -> None:
    site.asked.clear()
    site.pages["/feed"] = make_handler(body=rss(FULL), etag='"one"')
    import_paths(db, site.url("/feed"))
    assert counts(import_paths(db, site.url("/feed"), origin="elsewhere")) == (1, 0, 0, 0)
    assert [headers.get("if-none-match") for _, headers in site.asked] == [None, None]


def test_a_feed_with_a_bad_entry_is_read_again(db: Database, site: Site) -> None:
    site.asked.clear()
    site.pages["/feed"] = make_handler(body=rss(FULL + "<item><guid>8</guid></item>"), etag='"one"')
    assert counts(import_paths(db, site.url("/feed"))) == (1, 0, 0, 1)
    assert counts(import_paths(db, site.url("/feed"))) == (0, 0, 1, 1)
    assert [headers.get("if-none-match") for _, headers in site.asked] == [None, None]


def test_a_dry_run_remembers_nothing(db: Database, site: Site) -> None:
    site.asked.clear()
    site.pages["/feed"] = make_handler(body=rss(FULL), etag='"one"')
    assert counts(import_paths(db, site.url("/feed"), dry_run=True)) == (1, 0, 0, 0)
    assert counts(import_paths(db, site.url("/feed"))) == (1, 0, 0, 0)


def test_a_text_on_the_web_has_its_address(db: Database, site: Site) -> None:
    site.pages["/story"] = make_handler(body=b"# Low tide\n\nWater.", content_type="text/markdown; charset=utf-8")
    (source,) = sources.find_sources([site.url("/story#top")], io.BytesIO())
    with HttpFetcher(allow_private=True) as fetch:
        document, _ = sources.read_items(source, None, ParseContext(), sources.WebAccess(fetch, lambda _: {}))
    assert isinstance(document, Document)
    assert (document.title, document.url) == ("Low tide", site.url("/story"))


def test_an_address_that_cannot_be_read_fails_and_the_rest_is_imported(db: Database, site: Site) -> None:
    site.pages["/gone"], site.pages["/feed"] = make_handler(410, b""), make_handler(body=rss(FULL))
    report = import_paths(db, site.url("/gone"), site.url("/feed"))
    assert counts(report) == (1, 0, 0, 1)
    assert report.failures == [(site.url("/gone"), "the server answers 410 Gone")]


EMPTY = {
    "rss": rss(""),
    "rss 0.91": b'<rss version="0.91"><channel><title>W</title></channel></rss>',
    "rdf": b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
    b"<channel><title>W</title></channel></rdf:RDF>",
    "atom": atom(""),
    "json": b'{"version": "https://jsonfeed.org/version/1.1", "title": "W", "items": []}',
    "json without items": b'{"version": "https://jsonfeed.org/version/1.1", "title": "W"}',
}


@pytest.mark.parametrize("name", EMPTY)
def test_feed_without_entries_is_a_feed_and_says_so(name: str) -> None:
    assert parse_items(EMPTY[name]) == [Remark("f", "a feed without entries")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<html><body>Hello</body></html>", "a web page and not a feed"),
        (b"<opml><body/></opml>", "no feed and no other XML that is read: neither RSS, RDF nor Atom, but <opml>"),
        (b'{"items": []}', "no feed: its `version` is no address at jsonfeed.org"),
    ],
)
def test_what_is_no_feed_fails_and_is_no_empty_one(data: bytes, reason: str) -> None:
    assert parse_items(data) == [Failure("f", reason)]


def test_entries_of_a_feed_of_no_known_version_are_read() -> None:
    (item,) = parse_items(
        b"<rss><channel><item><title>Ships wait</title><description>Below.</description></item></channel></rss>"
    )
    assert isinstance(item, Document)
    assert item.title == "Ships wait"


@pytest.mark.parametrize(
    "said",
    ["Yesterday", "N/A", "garbage", "TBA", "25:00:00", "12:30", "Il y a 3 jours", "no", "0", "null", "false", "true"],
)
def test_entry_is_public_whatever_stands_in_the_place_of_its_date(said: str) -> None:
    listed = one(rss(f"<item><title>Fog</title><guid>a</guid><pubDate>{said}</pubDate></item>"))
    in_json = one(
        f'{{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{{"id": "a", "title": "Fog", '
        f'"content_text": "Fog.", "date_published": "{said}"}}]}}'.encode()
    )
    for document in (listed, in_json):
        assert (document.status, document.published) == (None, None)
        assert [note for note in document.notes if note.startswith(f"published_at: '{said}' is no date")]
        assert not [note for note in document.notes if "draft" in note]


def test_entry_without_a_date_is_public_and_one_that_is_a_draft_is_not() -> None:
    assert one(rss("<item><title>Fog</title><guid>a</guid></item>")).status is None
    json = b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "a", "title": "Fog", "draft": true}]}'
    assert one(json).status == "draft"
    assert one(json.replace(b'"draft": true', b'"date_published": null')).status is None
