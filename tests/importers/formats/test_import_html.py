"""Web pages read as articles: what pages say in several places, text without what stands around it, odd input."""

import io
import json
from dataclasses import replace

import pytest

from app.articles.html import bodies, nesting_depth
from app.importers.document import (
    Document,
    DocumentImage,
    Failure,
    ParseContext,
    RelatedReference,
    SourceDate,
    SourceDateline,
)
from app.importers.formats import detect
from app.importers.formats.registry import PARSERS
from app.importers.text_parts import titles_and_authors

TEXT = (
    "<p>The harbour board voted on Monday to keep the old lighthouse lit through the winter, against the advice "
    "of its own engineers and of the insurers who had asked for it to go dark.</p>"
    "<p>Fishing crews had collected nine hundred names for the light, and read every one of them aloud in a "
    "meeting that lasted until the caretaker asked for his keys back.</p>"
    "<p>The lamp needs a new lens. The board will pay for half of it, and a fund started by the crews has promised "
    "to find the rest before the first storms of November.</p>"
)
LD = {
    "@context": "https://schema.org",
    "@graph": [
        {"@type": "Organization", "@id": "#paper", "name": "Coast Paper"},
        {"@type": "Person", "@id": "#ann", "name": "Ann Lee"},
        {
            "@type": ["NewsArticle"],
            "headline": "Lighthouse stays lit &amp; bright",
            "description": "A vote that nobody on the quay expected.",
            "author": [{"@id": "#ann"}, {"@type": "Person", "name": "By Bo Ek"}],
            "publisher": {"@id": "#paper"},
            "datePublished": "2025-11-03T18:20:00+01:00",
            "dateModified": "2025-11-04",
            "articleSection": "Harbour",
            "keywords": ["Lighthouses", "Coast Paper", "Fishing"],
            "image": {"@type": "ImageObject", "url": "/pics/lamp.jpg", "width": 1200, "height": {"value": "800"}},
            "inLanguage": "en-GB",
        },
    ],
}
PAGE = f"""<!DOCTYPE html><html lang="fr"><head><meta charset="utf-8">
<title>Lighthouse stays lit & bright | Coast Paper</title>
<link rel="canonical" href="https://coast.example/2025/11/03/lighthouse">
<meta property="og:title" content="Another title"><meta property="og:site_name" content="Coast Paper">
<script type="application/ld+json">{json.dumps(LD)}</script></head><body>
<nav><a href="/">Home</a> <a href="/sport">Sport</a></nav><article><h1>Lighthouse stays lit & bright</h1>
<figure><img src="/pics/lamp.jpg" alt="A lamp"><figcaption>The lamp in March. <span class="credit">Cy Dee</span>
</figcaption></figure><p>HARBOUR TOWN, 3 November 2025 — The light was <a href="/why">saved</a> late in the evening,
when the last of the members of the board came over to the side of the crews.</p>{TEXT}
<div style="display:none">Subscribe to read</div>
<h3>Read also</h3><ul><li><a href="https://coast.example/fog">Fog horns of the north coast</a></li></ul></article>
<footer>Imprint, contact, jobs</footer></body></html>"""


def read(page: str | bytes, context: ParseContext | None = None) -> Document | Failure:
    data = page if isinstance(page, bytes) else page.encode()
    [item] = PARSERS["html"](io.BytesIO(data), "a.html", context or ParseContext())
    assert isinstance(item, Document | Failure)
    return item


def article(page: str | bytes, context: ParseContext | None = None) -> Document:
    item = read(page, context)
    assert isinstance(item, Document), item
    return item


def render_text(document: Document) -> str:
    assert document.body
    return bodies.to_html(document.body.kind, document.body.content)


@pytest.fixture(scope="module")
def lighthouse() -> Document:
    return article(PAGE)


def test_page_with_json_ld_gives_every_field_of_it(lighthouse: Document) -> None:
    assert replace(lighthouse, body=None) == Document(
        "a.html",
        url="https://coast.example/2025/11/03/lighthouse",
        canonical_url="https://coast.example/2025/11/03/lighthouse",
        title="Lighthouse stays lit & bright",
        standfirst="A vote that nobody on the quay expected.",
        dateline=SourceDateline("HARBOUR TOWN, 3 November 2025 —", "HARBOUR TOWN", "2025-11-03", "day"),
        authors=("Ann Lee", "Bo Ek"),
        sections=("Harbour",),
        tags=("Lighthouses", "Fishing"),
        language="en",
        source="Coast Paper",
        published=SourceDate(1762190400, "instant"),
        updated=SourceDate(1762214400, "day"),
        related=(RelatedReference("Fog horns of the north coast", "https://coast.example/fog"),),
        images=(
            DocumentImage("https://coast.example/pics/lamp.jpg", "A lamp", "The lamp in March", "Cy Dee", 1200, 800),
        ),
    )


def test_body_is_the_text_and_nothing_around_it(lighthouse: Document) -> None:
    body = render_text(lighthouse)
    assert body.count("caretaker") == 1
    assert 'href="https://coast.example/why"' in body
    for gone in ("Home", "Imprint", "Subscribe", "Fog horns", "HARBOUR TOWN", "<h2>Lighthouse"):
        assert gone not in body


def test_meta_tags_alone_are_enough() -> None:
    document = article(
        "<html><head><title>x</title><meta property='og:title' content='Rain &amp;amp; wind - Coast Paper'>"
        "<meta property='og:site_name' content='Coast Paper'><meta name='author' content='Ann Lee, Coast Paper'>"
        "<meta property='article:published_time' content='2025-11'><meta property='og:locale' content='de_AT'>"
        "<meta property='article:tag' content='Rain'><meta property='article:tag' content='Wind'>"
        f"<meta property='og:description' content='The harbour board voted on Monday to keep the old'></head>{TEXT}"
    )
    assert (document.title, document.authors, document.tags) == ("Rain & wind", ("Ann Lee",), ("Rain", "Wind"))
    assert (document.published, document.language, document.standfirst) == (SourceDate(1761955200, "month"), "de", None)


def test_plain_page_gives_what_it_shows_and_invents_nothing() -> None:
    document = article(
        f"<title>Storm warning for the coast – Coast Paper</title>"
        f"<article><p class=byline>By Ann Lee</p>{TEXT}</article>"
    )
    assert (document.title, document.authors) == ("Storm warning for the coast", ("Ann Lee",))
    assert (document.published, document.language, document.url, document.source) == (None, None, None, None)


def test_byline_above_the_text_is_no_part_of_it() -> None:
    document = article(f"<title>Storm</title><p><em>By Ann Lee and Bo Ek</em></p>{TEXT}")
    assert document.authors == ("Ann Lee", "Bo Ek")
    assert "Ann" not in render_text(document)


def test_dateline_without_a_year_has_that_of_the_address() -> None:
    text = TEXT.replace("<p>The harbour", "<p>HARBOUR TOWN, 9 February — The harbour", 1)
    document = article(f"<title>Storm</title>{text}", ParseContext(address="https://coast.example/2024/2/9/storm"))
    assert document.dateline is not None
    assert (document.published, document.dateline.date) == (None, "2024-02-09")


DAY = SourceDate(1396656000, "day")
MOMENT = SourceDate(1396692000, "instant")
OTHERS = "<aside class=related><p>7 May 2015</p><p>The boats that came home late, and who waited for them</p></aside>"
PROSE = "The light went out, and nobody on the quay saw it before the boats came home. " * 3
FOOT = "<div class=comments><p>9 May 2016, Bo Ek</p></div><footer>© 2017 Coast Paper</footer>"


@pytest.mark.parametrize(
    ("near", "date"),
    [
        ("<time datetime='2014-04-05T10:00:00Z'>yesterday</time>", MOMENT),
        ("<p>Published: 5 April 2014 by Ann Lee</p>", DAY),
        ("<p>Ann Lee | 05.04.2014 | 3 comments</p>", DAY),
        ("<p>Von Ann Lee am 05.04.2014, 10:00 Uhr</p>", MOMENT),
        ("<div><span>Coast Paper</span> <span>April 5, 2014</span></div>", DAY),
        ("<p>Le 5 avril 2014 à 10h00</p>", MOMENT),
        ("<p>2014年4月5日</p>", DAY),
        ("<span itemprop='datePublished' content='2014-04-05'>last spring</span>", DAY),
        ("<span property='schema:datePublished' content='2014-04-05'></span>", DAY),
        ("<abbr class=published title='2014-04-05'>some time ago</abbr>", DAY),
        ("<p>Updated: 6 May 2014</p><p>Published: 5 April 2014</p>", DAY),
        ("<p>Created on 5 April 2014 · Last modified on 6 May 2014</p>", DAY),
        ("<p>تم نشره السبت 5 نيسان / أبريل 2014 10:00 صباحاً</p>", MOMENT),
        ("<p>16 فروردین 1393</p>", DAY),
        ("<p>৫ এপ্রিল ২০১৪</p>", DAY),
        ("<time datetime='2019-07-03T10:18:46Z'>Publié le 5 avril 2014</time>", DAY),
        ("<time datetime='2014-04-05T10:00:00Z'>5 April 2014</time>", MOMENT),
        ("<span property='schema:dateCreated' content='2014-04-05'></span>", DAY),
        (f"<p>(05.04.2014) {PROSE}</p>", DAY),
        (f"<p>Ghent, (05.04.2014). {PROSE}</p>", DAY),
        (f"<p>In the night (of 5 April 2014) {PROSE}</p>", None),
        ("<li itemprop='citation' itemscope><meta itemprop='datePublished' content='1988'></li>", None),
        (f"<p>{'The light was out. ' * 300}</p><p>5 April 2014</p>", None),
        ("<p>Updated: 6 May 2014</p>", None),
        ("<p>Stand: 06.05.2014</p>", None),
        ("<p>© Coast Paper, 5 April 2014</p>", None),
        ("<p>Member since 5 April 2014</p>", None),
        ("<p>03/04/2014</p>", None),
        ("<p>Ann Lee was born on 5 April 1974</p>", None),
        ("<p>The light went out in the night of 5 April 2014, and nobody on the quay saw who had done it.</p>", None),
    ],
)
def test_the_date_that_a_page_shows_near_its_headline_is_its_own(near: str, date: SourceDate | None) -> None:
    page = f"<title>Storm over the harbour</title><h1>Storm over the harbour</h1>{near}{TEXT}{OTHERS}{FOOT}"
    assert article(page).published == date


def test_language_of_an_xhtml_page_tells_the_order_of_its_dates() -> None:
    page = f"<h1>Storm over the harbour</h1><p>05/04/2014</p>{TEXT}"
    assert article(f"<html xml:lang='en-GB'><title>Storm</title>{page}").published == DAY
    assert article(f"<html><title>Storm</title>{page}").published is None


def test_a_change_that_a_page_shows_is_its_update() -> None:
    document = article(f"<title>Storm</title><h1>Storm over the harbour</h1><p>Updated: 5 April 2014</p>{TEXT}")
    assert (document.published, document.updated) == (None, DAY)


def test_an_address_tells_which_of_several_dates_is_the_articles() -> None:
    shown = "<h1>Storm over the harbour</h1><p>7 May 2015</p><p>5 April 2014, 10:00 UTC</p>"
    document = article(
        f"<title>Storm</title>{shown}{TEXT}", ParseContext(address="https://coast.example/2014/04/storm")
    )
    assert document.published == MOMENT


def test_a_date_in_the_data_that_cannot_be_read_gives_way_to_the_one_shown() -> None:
    meta = "<meta name=date content='11/01/2014'>"
    document = article(f"<title>Storm</title>{meta}<h1>Storm over the harbour</h1><p>5 April 2014</p>{TEXT}")
    assert document.published == DAY


@pytest.mark.parametrize("kind", ["WebPage", "Recipe"])
def test_a_page_that_is_no_article_has_the_date_of_its_data(kind: str) -> None:
    data = json.dumps({"@graph": [{"@type": kind, "datePublished": "2014-04-05", "name": "Storm"}]})
    script = f'<script type="application/ld+json">{data}</script>'
    assert article(f"<title>Storm</title>{script}{TEXT}").published == DAY


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("utf-8", "utf-8"),
        ("iso-8859-1", "utf-8"),
        ("iso-8859-1", "cp1252"),
        ("gb2312", "gb18030"),
        ("klingon", "cp1252"),
    ],
)
def test_charset_that_is_said_or_lied_about_is_found(said: str, written: str) -> None:
    title = "“海上” lighthouse" if written in ("utf-8", "gb18030") else "“Müller” lighthouse"
    page = f"<html><head><meta charset={said}><title>{title}</title></head><body>{TEXT}</body></html>"
    assert article(page.encode(written)).title == title


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("", "no text"),
        ("<html><body><script>alert(1)</script></body></html>", "no text"),
        (
            "<ul>" + "".join(f"<li><a href='/{n}'>Headline number {n} of today</a></li>" for n in range(60)) + "</ul>",
            "links",
        ),
        ("<html>" + " " * 4_000_000, "larger than 4 MB"),
    ],
    ids=["empty", "script", "index", "huge"],
)
def test_page_without_article_fails_with_the_reason(page: str, reason: str) -> None:
    item = read(page)
    assert isinstance(item, Failure)
    assert reason in item.reason


def test_page_of_elements_beyond_measure_is_read_without_its_inner_tags() -> None:
    item = read("<html><body>" + "<div>" * 60_000 + TEXT)
    assert isinstance(item, Document)
    assert nesting_depth.FLATTENED in item.notes
    assert item.body is not None


@pytest.mark.parametrize(
    "script",
    ["{", "[[[1]]]", '{"@graph": 7}', '{"@type": "Article", "headline": ["a"]}', "[" * 99_999],
    ids=["open", "lists", "number", "shape", "deep"],
)
def test_json_ld_that_is_broken_is_as_if_it_were_not_there(script: str) -> None:
    assert article(f"<title>Storm</title><script type=application/ld+json>{script}</script>{TEXT}").title == "Storm"


@pytest.mark.parametrize(
    "head", [b"\n<!DOCTYPE HTML>", b"<?xml version='1.0'?><!-- a --><html xmlns='x'>", b"<head><title>"]
)
def test_page_is_told_from_its_content(head: bytes) -> None:
    assert detect.detect_format("page", head) == "html"


@pytest.mark.parametrize(
    ("site", "authors"),
    [("Maria Holm", ("Maria Holm",)), ("Maria Holm Foundation for Rivers", ()), ("Coast Paper", ())],
)
def test_site_that_is_called_like_its_author_has_that_author(site: str, authors: tuple[str, ...]) -> None:
    assert titles_and_authors.list_authors([f"By {site}"], [site]) == authors
