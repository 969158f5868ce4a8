"""NITF and NewsML-G2: texts of agencies, with their states, people, places and pictures; other items are none."""

import io

import pytest
from hypothesis import given, strategies as st

from app.importers.document import (
    Document,
    DocumentBody,
    DocumentImage,
    Failure,
    Item,
    ParseContext,
    Remark,
    SourceDate,
    SourceDateline,
)
from app.importers.formats import detect
from app.importers.formats.registry import PARSERS

NITF = """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE nitf SYSTEM "nitf-3-6.dtd">
<nitf baselang="en-GB"><head><title>Fog</title>
<tobject><tobject.subject tobject.subject.type="Weather" tobject.subject.matter="Forecast"/></tobject>
<docdata management-status="{status}"><evloc city="Norfolk" iso-cc="US"/><doc-id id-string="port.1" regsrc="PORT"/>
<urgency ed-urg="3"/><date.issue norm="20250506T070809Z"/>{more}<du-key key="fog" generation="2"/>
<doc.copyright holder="Port Agency"/><key-list><keyword key="fog"/></key-list>
<identified-content><person>Bo Ek</person><org>Harbour Board</org></identified-content></docdata>
<pubdata position.section="Coast" ex-ref="https://port.example/fog"/></head>
<body><body.head><hedline><hl1>Fog over the harbour</hl1><hl2>Ships wait</hl2></hedline>
<byline>By Ann Lee and Bo Ek, <byttl>Staff Writers</byttl></byline><dateline><location>GENEVA</location></dateline>
<abstract><p>Nothing moved today.</p></abstract></body.head>
<body.content><block><p>Fog lay on the water, said <person>Bo Ek</person>.</p><hl2>Later</hl2>
<p>It cost <money>5&nbsp;euros &amp; more</money> & time.</p></block>
<media media-type="image"><media-reference source="https://port.example/s.jpg" width="200" mime-type="image/jpeg"/>
<media-reference source="https://port.example/l.jpg" width="900" mime-type="image/jpeg"/>
<media-caption>Fog at dawn.</media-caption><media-producer>Cy Dee</media-producer></media>
<table><tr><td>a</td><td>b</td></tr></table><pre>x
  y</pre></body.content><body.end><tagline>Edited by Di Em</tagline></body.end></body></nitf>"""

G2 = """<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="{guid}" version="{version}" xml:lang="en-US">
<rightsInfo><copyrightHolder><name>Port Agency</name></copyrightHolder>
<copyrightNotice>(c) Port Agency</copyrightNotice></rightsInfo>
<itemMeta><itemClass qcode="ninat:{kind}"/><provider literal="port.example"/>
<versionCreated>2025-05-07T09:00:00Z</versionCreated><firstCreated>2025-05-06T07:08:09Z</firstCreated>
{state}<edNote>Check figures</edNote>
<link rel="irel:seeAlso" href="https://port.example/ebb"><title>Ebb</title></link></itemMeta>
<contentMeta><urgency>4</urgency><located><name>Geneva, Switzerland</name></located>
<creator><name>Ann Lee</name></creator><by>By Ann Lee and Bo Ek</by><language tag="en-GB"/><slugline>FOG-PORT</slugline>
<subject type="cpnat:abstract" qcode="medtop:17000000"><name>weather</name></subject>
<subject type="cpnat:person"><name>Bo Ek</name></subject>
<subject type="cpnat:organisation"><name>Harbour Board</name></subject>
<subject type="cpnat:geoArea" qcode="city:x"><broader><name>France</name></broader></subject>
<headline role="hld:sub">Ships wait</headline><headline>Fog over the harbour</headline>
<description role="drol:summary">Nothing moved today.</description></contentMeta>
<contentSet>{content}
<remoteContent contenttype="image/jpeg" href="https://port.example/l.jpg" width="900"/></contentSet>
</newsItem>"""
XHTML = """<inlineXML contenttype="application/xhtml+xml"><h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title>x
</h:title></h:head><h:body><h:p>Fog lay <h:em>on</h:em> the water.</h:p></h:body></h:html></inlineXML>"""
INNER = """<inlineXML contenttype="application/nitf+xml"><nitf xmlns="http://iptc.org/std/NITF/2006-10-18/"><body>
<body.head><hedline><hl1>x</hl1></hedline></body.head><body.content><p>Fog lay on the water.</p></body.content></body>
</nitf></inlineXML>"""


def read(name: str, text: str | bytes) -> list[Item]:
    data = text if isinstance(text, bytes) else text.encode()
    assert detect.detect_format("x.xml", data) == name
    return list(PARSERS[name](io.BytesIO(data), "x.xml", ParseContext()))


def nitf(status: str = "usable", more: str = "") -> Document:
    [document] = read("nitf", NITF.replace("{status}", status).replace("{more}", more))
    assert isinstance(document, Document), document
    return document


def item(content: str = XHTML, **said: object) -> str:
    usual: dict[str, object] = {"state": "", "kind": "text", "guid": "urn:newsml:port.example:2025:1", "version": 1}
    return G2.format(content=content, **{**usual, **said})


def parse_one(text: str | bytes) -> Document:
    [document] = read("newsml", text)
    assert isinstance(document, Document), document
    return document


def test_nitf_document_is_an_article_with_its_parts_in_their_places() -> None:
    result = nitf()
    assert (result.external_id, result.origin, result.url) == ("port.1", "PORT", "https://port.example/fog")
    assert (result.title, result.standfirst, result.language) == ("Fog over the harbour", "Nothing moved today.", "en")
    assert (result.authors, result.sections, result.regions) == (("Ann Lee", "Bo Ek"), ("Coast",), ("US",))
    assert [(ref.name, ref.kind) for ref in result.tag_refs] == [
        ("Weather", "topic"),
        ("Forecast", "topic"),
        ("fog", "topic"),
        ("Bo Ek", "person"),
        ("Harbour Board", "organisation"),
    ]
    assert result.dateline == SourceDateline("GENEVA", "GENEVA")
    assert (result.source, result.signature, result.status) == ("Port Agency", "Edited by Di Em", "published")
    assert result.images == (DocumentImage("https://port.example/l.jpg", None, "Fog at dawn.", "Cy Dee", 900, None),)
    assert result.body
    assert result.body.content.startswith("<p>Fog lay on the water, said Bo Ek.</p><h3>Later</h3>")
    assert "<p>It cost 5\xa0euros &amp; more &amp; time.</p>" in result.body.content.replace("&nbsp;", "\xa0")
    assert "<table><tr><td>a</td><td>b</td></tr></table>" in result.body.content
    assert "x\n  y</pre>" in result.body.content
    assert result.extra["nitf"] == {
        "urgency": "3",
        "evloc": {"city": "Norfolk"},
        "du-key": {"key": "fog", "generation": "2"},
    }


@pytest.mark.parametrize(
    ("status", "more", "expected", "note"),
    [
        ("usable", "", "published", ""),
        ("withheld", "", "draft", "withheld"),
        ("embargoed", "", "draft", "embargo without an end"),
        ("canceled", "", "withdrawn", "retracted there"),
        ("weird", "", "draft", "weird"),
        ("usable", '<date.expire norm="20200101T000000Z"/>', "draft", "expires in the past"),
    ],
)
def test_state_of_a_nitf_document_is_kept(status: str, more: str, expected: str, note: str) -> None:
    result = nitf(status, more)
    assert result.status == expected
    assert note in " ".join(result.notes)


def test_release_of_a_nitf_document_is_its_date() -> None:
    result = nitf("embargoed", '<date.release norm="21990101T000000+0100"/>')
    assert result.published
    assert (result.status, result.published.instant) == ("published", 7226578800)


@pytest.mark.parametrize(
    "content", [XHTML, INNER, "<inlineData contenttype='text/plain'>Fog lay on the water.</inlineData>"]
)
def test_text_of_a_news_item_is_read_in_each_of_its_forms(content: str) -> None:
    document = parse_one(item(content))
    assert document.body
    assert document.body.content.replace("<em>on</em>", "on").strip() in (
        "<p>Fog lay on the water.</p>",
        "Fog lay on the water.",
    )


def test_news_item_is_an_article_with_its_parts_in_their_places() -> None:
    document = parse_one(item())
    assert (document.external_id, document.origin) == ("urn:newsml:port.example:2025:1", "port.example")
    assert (document.title, document.standfirst, document.language) == (
        "Fog over the harbour",
        "Nothing moved today.",
        "en",
    )
    assert (document.authors, document.regions, document.source) == (("Ann Lee", "Bo Ek"), ("France",), "Port Agency")
    assert [(ref.name, ref.kind) for ref in document.tag_refs] == [
        ("weather", "topic"),
        ("Bo Ek", "person"),
        ("Harbour Board", "organisation"),
    ]
    assert (document.dateline, document.signature) == (
        SourceDateline("Geneva, Switzerland", "Geneva"),
        "(c) Port Agency",
    )
    assert [(one.title, one.url) for one in document.related] == [("Ebb", "https://port.example/ebb")]
    assert [one.url for one in document.images] == ["https://port.example/l.jpg"]
    assert document.extra["newsml"] == {
        "slugline": "FOG-PORT",
        "urgency": "4",
        "version": "1",
        "headline": ["Ships wait"],
        "subject": ["medtop:17000000", "city:x"],
        "edNote": ["Check figures"],
    }


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("", "published"),
        ('<pubStatus qcode="stat:usable"/>', "published"),
        ('<pubStatus uri="http://cv.iptc.org/newscodes/pubstatusg2/withheld"/>', "draft"),
        ('<pubStatus qcode="stat:canceled"/>', "withdrawn"),
        ('<pubStatus qcode="stat:other"/>', "draft"),
        ("<embargoed/>", "draft"),
    ],
)
def test_state_of_a_news_item_is_kept(state: str, expected: str) -> None:
    assert parse_one(item(state=state)).status == expected


def test_embargo_of_a_news_item_is_its_date_unless_it_was_over_when_the_version_was_made() -> None:
    later, over = (
        parse_one(item(state=f"<embargoed>{day}</embargoed>"))
        for day in ("2199-01-01T00:00:00Z", "2025-05-07T08:00:00Z")
    )
    assert later.published
    assert over.published
    assert (later.published.instant, over.published.instant) == (7226582400, 1746515289)


def test_first_of_several_headlines_is_the_title_and_no_other_is_lost() -> None:
    ranked = '<headline rank="3">Coast</headline><headline rank="1">Fog over the harbour</headline>'
    text = item().replace("<headline>Fog over the harbour</headline>", ranked)
    document = parse_one(
        text.replace("</description>", '</description><description role="drol:caption">At dawn</description>')
    )
    assert document.title == "Fog over the harbour"
    assert document.extra["newsml"]["headline"] == ["Ships wait", "Coast"]  # type: ignore[index] # an object
    assert document.extra["newsml"]["description"] == ["At dawn"]  # type: ignore[index] # an object


def test_blocks_without_a_page_around_them_are_a_text_and_its_title_is_no_part_of_it() -> None:
    inline = "<inlineXML><h1>Fog over the harbour</h1><p>Fog lay.</p><ul><li>a</li></ul></inlineXML>"
    document = parse_one(item(inline))
    assert document.body == DocumentBody("html", "<p>Fog lay.</p><ul><li>a</li></ul>")


@pytest.mark.parametrize(
    ("date", "published", "note"),
    [
        ("20250506T070809Z", SourceDate(1746515289, "instant"), ""),
        ("6 mai 2025", SourceDate(1746489600, "day"), ""),
        ("20250506T070809", SourceDate(1746515289, "instant"), "no time zone given"),
        ("YYYYMMDD", None, "is no date"),
        ("12345", None, "is no date"),
    ],
)
def test_dates_of_news_items_are_read_or_left_out(date: str, published: SourceDate | None, note: str) -> None:
    text = f"""<nitf><head><docdata><doc-id id-string="a"/><date.issue norm="{date}"/></docdata></head><body><body.head>
    <hedline><hl1>Fog</hl1></hedline></body.head><body.content><p>Fog.</p></body.content></body></nitf>"""
    [result] = read("nitf", text)
    assert isinstance(result, Document)
    assert result.published == published
    assert note in " ".join(result.notes)
    assert dict(result.extra) == ({} if published else {"nitf": {"date.issue": date}})


def test_kill_without_content_takes_its_article_back_and_brings_none() -> None:
    guid = "urn:newsml:port.example:2025:1"
    news = f'''<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="{guid}"><itemMeta>
    <itemClass qcode="ninat:text"/><pubStatus qcode="stat:canceled"/></itemMeta></newsItem>'''
    old = f'<nitf><head><docdata management-status="canceled"><doc-id id-string="{guid}"/></docdata></head></nitf>'
    for kind, text in (("newsml", news), ("nitf", old)):
        [result] = read(kind, text)
        assert isinstance(result, Document), result
        assert (result.external_id, result.status, result.retracts) == (guid, "withdrawn", True)
        assert result.stated == ("status",)
    [failure] = read("newsml", news.replace("canceled", "usable"))
    assert isinstance(failure, Failure)


def test_message_holds_its_articles_and_counts_the_rest() -> None:
    items = [item(), item(version=3), item(guid="b", kind="picture"), item(guid="c"), '<packageItem guid="p"/>']
    message = '<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet>{}</itemSet></newsMessage>'
    document = read("newsml", message.format("".join(items)))
    assert [(one.external_id, one.where) for one in document if isinstance(one, Document)] == [
        ("urn:newsml:port.example:2025:1", "x.xml#2"),
        ("c", "x.xml#4"),
    ]
    assert [one.text for one in document if isinstance(one, Remark)] == [
        "left out: 1 older versions of items that are in it too",
        "left out: 1 items of the class picture",
        "left out: 1 packages, whose items count by themselves",
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("newsml", item(kind="video"), "class video"),
        ("newsml", '<planningItem xmlns="http://iptc.org/std/nar/2006-10-01/"/>', "plans"),
        ("newsml", item("<inlineXML><sports-content>x</sports-content></inlineXML>"), "<sports-content>"),
        ("newsml", "<newsItem><p></newsItem>", "broken at line 1"),
        ("nitf", "<nitf></nitf>", "neither a headline nor a text"),
        ("nitf", '<!DOCTYPE nitf [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><nitf><p>&c;</p></nitf>', "entities of its own"),
        ("nitf", '<!DOCTYPE nitf [<!ENTITY a SYSTEM "file:///etc/passwd">]><nitf>&a;</nitf>', "entities of its own"),
        ("nitf", "<nitf>" + "<block>" * 250 + "</block>" * 250 + "</nitf>", "levels deep"),
    ],
)
def test_what_is_no_article_or_means_harm_is_refused(name: str, text: str, said: str) -> None:
    [failure] = read(name, text)
    assert isinstance(failure, Failure)
    assert said in failure.reason


def test_encodings_and_controls_are_read_or_repaired() -> None:
    text = NITF.replace("{status}", "usable").replace("{more}", "").replace("Fog over", "Fóg\x08 over")
    for data in (
        text.encode(),
        text.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
        text.replace("UTF-8", "UTF-16").encode("utf-16"),
    ):
        [result] = PARSERS["nitf"](io.BytesIO(data), "x", ParseContext())
        assert isinstance(result, Document)
        assert result.title == "Fóg over the harbour"


@given(st.binary(max_size=40), st.integers(0, len(NITF)))
def test_spoilt_documents_are_read_or_refused(noise: bytes, place: int) -> None:
    for name, text in (("nitf", NITF), ("newsml", item())):
        data = text.encode()
        spoilt = data[: place % len(data)] + noise + data[place % len(data) :]
        assert list(PARSERS[name](io.BytesIO(spoilt), "x", ParseContext()))
