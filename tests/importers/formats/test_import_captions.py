"""Captions of pictures in web pages: none is lost, wherever it stands and however its page marks it."""

import io

import pytest
import test_import_page_words as page_words

from app.importers.document import Document, ParseContext
from app.importers.formats.pages import web_page
from bench.lost_words import find_lost, read_text

TEXT = [
    "The harbour authority said on Monday that pilots would board every vessel above two hundred tonnes.",
    "Captains who refused would be turned back, the authority added, and their owners charged for the tug.",
    "Unions welcomed the decision, which they had asked for after a barge struck the ferry pier in the spring.",
    "The first boardings are planned for the coming month, and an inspector from the capital will watch them.",
]
CAPTION = "A pilot boat leaves the old quay before dawn in April"
IMG = '<img src="https://hp.example/pictures/quay.jpg" alt="">'
SHAPES = {
    "figure": f"<figure>{IMG}<figcaption>{CAPTION}</figcaption></figure>",
    "class with the word caption": f'<figure class="media no-caption">{IMG}<figcaption>{CAPTION}</figcaption></figure>',
    "caption in an element of its own": f'<figure>{IMG}</figure><figcaption class="small">{CAPTION}</figcaption>',
    "WordPress": f'<div class="wp-caption"><a href="/b">{IMG}</a><p class="wp-caption-text">{CAPTION}</p></div>',
    "span": f'<div class="inline-photo">{IMG}<br> <span class="pb-caption">{CAPTION}</span></div>',
    "wrapped": f'<div><figure>{IMG}<figcaption><span class="caption">{CAPTION}</span></figcaption></figure></div>',
    "credit": f'<div class="photo">{IMG}<div class="caption">{CAPTION}<span class="credit">Ann Lee</span></div></div>',
    "far": f'<div><div><figure><span>{IMG}</span></figure></div><div class="x--caption"><figcaption><em>{CAPTION}</em>'
    "</figcaption></div></div>",
}


def read(inside: str, head: str = "") -> Document:
    page = (
        f"<!DOCTYPE html><html><head><meta charset='utf-8'><title>Pilots to board ships</title>{head}</head>"
        f"<body><main><article><h1>Pilots to board ships</h1>{inside}</article></main></body></html>"
    )
    (document,) = web_page.parse(io.BytesIO(page.encode()), "p", ParseContext(address="https://hp.example/a"))
    assert isinstance(document, Document)
    return document


def place(shape: str, at: int) -> Document:
    blocks = [f"<p>{text}</p>" for text in TEXT]
    return read("".join([*blocks[:at], shape, *blocks[at:]]))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("at", [0, 2, len(TEXT)], ids=["before", "between", "behind"])
def test_a_caption_stays(shape: str, at: int) -> None:
    document = place(shape, at)
    assert not find_lost(CAPTION, read_text(document))
    kept = [one for one in document.images if one.url.endswith("quay.jpg")]
    assert all(one.caption == CAPTION for one in kept)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_picture_that_the_page_names_has_its_caption(shape: str) -> None:
    text = "".join(f"<p>{one}</p>" for one in TEXT)
    document = read(shape + text, '<meta property="og:image" content="https://hp.example/pictures/quay.jpg">')
    assert [one.caption for one in document.images] == [CAPTION]


@pytest.mark.parametrize("source", ["", 'src="data:image/gif;base64,R0lGODlhAQABAAAAACw="'])
def test_a_caption_without_a_picture_is_noted_or_text(source: str) -> None:
    figure = f"<figure><img {source}><figcaption>{CAPTION}</figcaption></figure>"
    for at in (0, 2):
        assert not find_lost(CAPTION, read_text(place(figure, at)))


def test_another_caption_than_the_data_has_is_noted() -> None:
    data = (
        '{"@type": "NewsArticle", "headline": "Pilots to board ships", '
        '"image": {"@type": "ImageObject", "url": "https://hp.example/pictures/quay.jpg", "caption": "The quay"}}'
    )
    text = "".join(f"<p>{one}</p>" for one in TEXT)
    document = read(SHAPES["figure"] + text, f'<script type="application/ld+json">{data}</script>')
    assert [one.caption for one in document.images] == ["The quay"]
    assert f"caption of a picture left out: {CAPTION!r}" in document.notes


def test_a_caption_is_that_of_the_picture_it_stands_under() -> None:
    line = '<img src="https://hp.example/pictures/line.png" alt="">'
    film = f"<figure><iframe src='https://films.example/1'></iframe><figcaption>{CAPTION}</figcaption></figure>"
    document = place(line + film, 2)
    assert [one.caption for one in document.images] == [None]
    assert not find_lost(CAPTION, read_text(document))


@pytest.mark.parametrize("at", [0, len(TEXT)])
def test_short_paragraphs_at_both_ends_stay(at: int) -> None:
    body = place("<p>Nobody objected.</p>", at).body
    assert body is not None
    assert "Nobody objected." in body.content


def test_headings_of_the_first_level_within_stay() -> None:
    body = place("<h1>What the owners of tugs say</h1>", 2).body
    assert body is not None
    assert "What the owners of tugs say" in body.content


def test_pictures_of_a_list_of_articles_are_not_taken_from_it() -> None:
    box = "".join(
        f'<article class="box"><figure><img src="https://hp.example/{n}.jpg"><figcaption>Photo: Ann Lee, the Post, {n}'
        f'</figcaption></figure><h3><a href="/{n}">Another story {n}</a></h3></article>'
        for n in range(3)
    )
    assert place(f'<div class="related">{box}</div>', 2).images == ()


@pytest.mark.parametrize(
    "film",
    [
        '<figure><iframe src="https://video.example/embed/1"></iframe><figcaption>{}</figcaption></figure>',
        '<figure><video src="https://video.example/1.mp4"></video><figcaption>{}</figcaption></figure>',
        '<div><div><iframe src="https://video.example/embed/1"></iframe></div><p class="caption">{}</p></div>',
    ],
)
@pytest.mark.parametrize("place", ["before", "between", "behind"])
def test_film_of_the_article_and_its_caption_are_kept(film: str, place: str) -> None:
    body = str(page_words.read(**{place: film.format("The pilots board a ship at dawn.")}).body)
    assert "The pilots board a ship at dawn." in body
    assert "https://video.example/" in body


def test_frame_without_a_caption_outside_of_the_text_is_no_part_of_it() -> None:
    assert "ads.example" not in str(
        page_words.read(behind='<div><iframe src="https://ads.example/1"></iframe></div>').body
    )
