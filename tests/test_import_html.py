"""Web pages read as articles: what pages say in several places, text without what stands around it, odd input."""

import io
import json
from dataclasses import replace

import pytest

from app.articles import bodies, nesting
from app.importers import detect, page_names
from app.importers.document import Context, Dateline, Document, Failure, Image, RelatedPost, SourceDate
from app.importers.formats import PARSERS

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


def read(page: str | bytes, context: Context | None = None) -> Document | Failure:
    data = page if isinstance(page, bytes) else page.encode()
    [item] = PARSERS["html"](io.BytesIO(data), "a.html", context or Context())
    assert isinstance(item, Document | Failure)
    return item


def article(page: str | bytes, context: Context | None = None) -> Document:
    item = read(page, context)
    assert isinstance(item, Document), item
    return item


def shown(document: Document) -> str:
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
        dateline=Dateline("HARBOUR TOWN, 3 November 2025 —", "HARBOUR TOWN", "2025-11-03", "day"),
        authors=("Ann Lee", "Bo Ek"),
        sections=("Harbour",),
        tags=("Lighthouses", "Fishing"),
        language="en",
        source="Coast Paper",
        published=SourceDate(1762190400, "instant"),
        updated=SourceDate(1762214400, "day"),
        related=(RelatedPost("Fog horns of the north coast", "https://coast.example/fog"),),
        images=(Image("https://coast.example/pics/lamp.jpg", "A lamp", "The lamp in March", "Cy Dee", 1200, 800),),
    )


def test_body_is_the_text_and_nothing_around_it(lighthouse: Document) -> None:
    body = shown(lighthouse)
    assert body.count("caretaker") == 1
    assert 'href="https://coast.example/why"' in body
    for gone in ("Home", "Imprint", "Subscribe", "Fog horns", "HARBOUR TOWN", "<h2>Lighthouse"):
        assert gone not in body


def test_meta_tags_alone_are_enough() -> None:
    found = article(
        "<html><head><title>x</title><meta property='og:title' content='Rain &amp;amp; wind - Coast Paper'>"
        "<meta property='og:site_name' content='Coast Paper'><meta name='author' content='Ann Lee, Coast Paper'>"
        "<meta property='article:published_time' content='2025-11'><meta property='og:locale' content='de_AT'>"
        "<meta property='article:tag' content='Rain'><meta property='article:tag' content='Wind'>"
        f"<meta property='og:description' content='The harbour board voted on Monday to keep the old'></head>{TEXT}"
    )
    assert (found.title, found.authors, found.tags) == ("Rain & wind", ("Ann Lee",), ("Rain", "Wind"))
    assert (found.published, found.language, found.standfirst) == (SourceDate(1761955200, "month"), "de", None)


def test_plain_page_gives_what_it_shows_and_invents_nothing() -> None:
    found = article(
        f"<title>Storm warning for the coast – Coast Paper</title>"
        f"<article><p class=byline>By Ann Lee</p>{TEXT}</article>"
    )
    assert (found.title, found.authors) == ("Storm warning for the coast", ("Ann Lee",))
    assert (found.published, found.language, found.url, found.source) == (None, None, None, None)


def test_byline_above_the_text_is_no_part_of_it() -> None:
    found = article(f"<title>Storm</title><p><em>By Ann Lee and Bo Ek</em></p>{TEXT}")
    assert found.authors == ("Ann Lee", "Bo Ek")
    assert "Ann" not in shown(found)


def test_date_in_address_is_a_day() -> None:
    found = article(f"<title>Storm</title>{TEXT}", Context(address="https://coast.example/2024/2/9/storm"))
    assert (found.published, found.url) == (SourceDate(1707436800, "day"), "https://coast.example/2024/2/9/storm")


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
    assert nesting.FLATTENED in item.notes
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
    assert detect.detect("page", head) == "html"


@pytest.mark.parametrize(
    ("site", "authors"),
    [("Maria Holm", ("Maria Holm",)), ("Maria Holm Foundation for Rivers", ()), ("Coast Paper", ())],
)
def test_site_that_is_called_like_its_author_has_that_author(site: str, authors: tuple[str, ...]) -> None:
    assert page_names.authors([f"By {site}"], [site]) == authors
