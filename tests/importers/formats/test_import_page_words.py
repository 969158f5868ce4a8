"""What stands between the paragraphs of a web page, its pictures that load late, its bylines and its title."""

import io

import pytest
from selectolax.lexbor import LexborHTMLParser

from app.importers.document import Document, ParseContext
from app.importers.formats.pages import lost_text, web_page

TEXT = [
    "The harbour authority said on Monday that pilots would board every vessel above two hundred tonnes.",
    "Captains who refused would be turned back, the authority added, and their owners charged for the tug.",
    "Unions welcomed the decision, which they had asked for after a barge struck the ferry pier in the spring.",
    "The first boardings are planned for the coming month, and an inspector from the capital will watch them.",
]


def read(
    between: str = "", head: str = "", heading: str = "Pilots to board ships", behind: str = "", before: str = ""
) -> Document:
    first, *rest = (f"<p>{text}</p>" for text in TEXT)
    title = "<title>Pilots to board ships | Harbour Post</title>"
    body = f"<article><h1>{heading}</h1>{before}{first}{between}{''.join(rest)}{behind}</article>"
    page = (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'>{title}{head}</head><body><main>{body}</main></body></html>"
    )
    (result,) = web_page.parse(io.BytesIO(page.encode()), "p", ParseContext(address="https://hp.example/a"))
    assert isinstance(result, Document)
    return result


def body_of(between: str) -> str:
    document = read(between).body
    assert document is not None
    return document.content


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ("<p>One whole paragraph</p>Words in no paragraph at all.<p>Another one</p>", "Words in no paragraph at all."),
        ("Some <b>bold</b> words and <i>others</i> follow.", "<p>Some <b>bold</b> words and <i>others</i> follow.</p>"),
        ("<center>Words in the middle.</center>", "Words in the middle."),
        (
            "<section><h2>Tide tables</h2><p>They are to be printed anew by the port.</p></section>",
            "<h2>Tide tables</h2>",
        ),
        ("<fieldset><legend>Key</legend><p>Black is for ships.</p></fieldset>", "Black is for ships."),
    ],
)
def test_words_between_paragraphs_stay(between: str, expected: str) -> None:
    assert expected in body_of(between)


@pytest.mark.parametrize(
    "between",
    [
        '<span class="share">Share it with all friends</span>',
        "Advertisement",
    ],
)
def test_furniture_between_paragraphs_does_not(between: str) -> None:
    assert body_of(between) == body_of("")


def test_teasers_of_other_articles_within_one_are_left_out() -> None:
    teaser = (
        '<article class="card teaser"><h2>Other</h2><p>Words of another story that is in the list below.</p></article>'
    )
    assert "another story" not in str(read(behind=teaser).body)


def test_pictures_that_load_late_have_their_own_address_in_the_text_and_in_the_list() -> None:
    document = read(
        '<p><img src="/wait.gif" data-srcset="/s.jpg 400w, /l.jpg 1200w" alt="a"></p>'
        '<figure><img src="data:image/gif;base64,R0lG" data-src="/late.jpg" alt="b"></figure>'
        '<p><img src="/dance.gif" alt="c"></p>'
    )
    assert [image.url.rpartition("/")[2] for image in document.images] == ["l.jpg", "late.jpg", "dance.gif"]
    assert "wait.gif" not in str(document.body)


def test_bylines_in_meta_tags_and_with_a_place_are_names() -> None:
    assert read(head='<meta name="byl" content="By Ann Lee and Bo Ek">').authors == ("Ann Lee", "Bo Ek")
    byline = '<p class="byline">By <b>Ann Lee</b> in New Haven</p>'
    assert read(byline).authors == ("Ann Lee",)


def test_a_kicker_within_the_heading_does_not_keep_the_site_in_the_title() -> None:
    assert read(heading="<span>Ports</span> Pilots to board ships").title == "Pilots to board ships"


@pytest.mark.parametrize(
    "picture",
    [
        '<p><img src="/quay.jpg" alt="a"></p>',
        '<p><a href="/quay-large.jpg"><img src="/quay.jpg" alt="a"></a></p>',
        '<p><img src="/wait.gif" data-src="/quay.jpg" alt="a"></p>',
    ],
)
@pytest.mark.parametrize("place", ["before", "between", "behind"])
def test_picture_of_the_text_without_a_caption_is_kept(picture: str, place: str) -> None:
    images = [image.url.rpartition("/")[2] for image in read(**{place: picture}).images]
    assert images == ["quay.jpg"]


def test_a_formula_on_a_page_is_written_as_text() -> None:
    document = read("<p>The dam holds 10<math><msup><mi></mi><mn>6</mn></msup></math> litres in a dry year.</p>")
    assert document.body is not None
    assert "10^6 litres" in document.body.content
    assert "removed from the body: math (written as text)" in document.notes


FRAGMENTS = {
    "<aside><p>Built in 1962, the dam is 90 metres high.</p></aside>": "Built in 1962, the dam is 90 metres high.",
    "<div><time>09:00</time><p>The water rose above the wall of the port.</p></div>": "<time>09:00</time>",
    "<p>At <time>09:00</time> it ended.</p>": "At <time>09:00</time> it ended.",
    "<figure><blockquote><p>We are glad that it is over.</p></blockquote><figcaption>Jane Roe, engineer</figcaption>"
    "</figure>": "Jane Roe, engineer",
    "<table><caption>Votes</caption><tr><th>A</th><td><ul><li>one</li></ul></td></tr></table>": "<li>one</li>",
}
ALIKE = "In district {} the count ended late and the mayor {}."


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize(
    "did", ["spoke", "thanked the helpers", "thanked all the helpers who had stayed until midnight"]
)
def test_what_is_lost_among_paragraphs_that_are_much_alike_is_put_back(fragment: str, did: str) -> None:
    paragraphs = [f"<p>{ALIKE.format(number, did)}</p>" for number in range(1, 5)]
    article = "".join([*paragraphs[:2], fragment, *paragraphs[2:]])
    page = f"<!DOCTYPE html><title>Count</title><body><main><article><h1>Count</h1>{article}</article></main>"
    (document,) = web_page.parse(io.BytesIO(page.encode()), "p", ParseContext(address="https://hp.example/a"))
    assert isinstance(document, Document)
    assert document.body is not None
    assert FRAGMENTS[fragment] in document.body.content
    assert document.notes == ()


@pytest.mark.parametrize(
    "aside",
    [
        '<aside class="newsletter"><p>Get our letter each morning at six.</p></aside>',
        '<aside><p><a href="/b">The ferry pier is to be built anew.</a></p></aside>',
        "<aside><p>Read more: the ferry pier is to be built anew.</p></aside>",
        "<aside><form><p>Write to us about the port.</p><input></form></aside>",
        "<aside>About us. This paper was founded in 1890 by sailors.</aside>",
        "<aside><h3>About the author</h3><p>Jane Roe has written of ports since 1990.</p></aside>",
        "<aside><h3>Our newsletters</h3><p>All that the port does, each morning.</p></aside>",
        '<aside class="about-us"><p>We are a small paper with a history.</p></aside>',
        '<aside class="box_follow"><p>We are there on each of the networks.</p></aside>',
        "<div><p></p></div><aside><p>We are a small paper with a history.</p></aside>",
    ],
)
def test_an_aside_that_leads_elsewhere_is_no_part_of_the_text(aside: str) -> None:
    assert "<aside" not in body_of(aside)


@pytest.mark.parametrize(
    "aside",
    [
        "<aside><p>Authors of the plan say that it is <b>related</b> to the dam.</p></aside>",
        "<!-- box --><aside><h3>Key facts</h3><p>The dam is 90 metres high.</p></aside>",
        "<aside><p>The dam is 90 metres high.</p></aside> <aside><p>It was built in 1962.</p></aside>",
    ],
)
def test_an_aside_between_paragraphs_is_a_part_of_the_text(aside: str) -> None:
    assert body_of(aside).count("<aside") == aside.count("<aside")


def test_a_text_that_may_lack_words_says_so() -> None:
    extracted = [f"<p>{text}</p>" for text in TEXT]
    lost = "<p>It has much more in it that nobody found, and may be of another article.</p>" * 20
    page = LexborHTMLParser(f"<article>{extracted[0]}{lost}{''.join(extracted[1:])}</article>")
    restored = lost_text.restore_text(page, "".join(extracted))
    assert (restored.content, restored.may_lack_words) == (None, True)
    assert not lost_text.restore_text(LexborHTMLParser("".join(extracted)), "".join(extracted)).may_lack_words
