"""Words and addresses in the shortcodes and blocks of WordPress: each is kept, or a note says what was left out."""

import pytest

from app.importers.document import Document, ParseContext
from app.importers.formats.wordpress import bodies
from app.importers.formats.wordpress.posts import WordPressBlog, WordPressPost, build_document
from app.importers.formats.wordpress.shortcodes import MediaLibrary


def render_content(content: str) -> tuple[str, list[str]]:
    notes: dict[str, None] = {}
    return bodies.convert_post(content, MediaLibrary(), {}, "1", notes.setdefault), list(notes)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[cc lang="c"]if (a<b) { x[0]; }[/cc]', "if (a&lt;b) { x[0]; }"),
        ("Call [code]f(<x>)[/code] now.", "<p>Call <code>f(&lt;x&gt;)</code> now.</p>"),
        ("[vimeo 123456]", 'href="https://vimeo.com/123456"'),
        ('[youtube id="abc-DEF_123"]', 'href="https://www.youtube.com/watch?v=abc-DEF_123"'),
        ("[googlemaps https://maps.example/?q=x]", 'href="https://maps.example/?q=x"'),
        ('[tab title="Morning &amp; noon"]Tides[/tab]', "<p><strong>Morning &amp; noon</strong></p>\n<p>Tides</p>"),
        ('[et_pb_blurb title="Where"]Here[/et_pb_blurb]', "<p><strong>Where</strong></p>\n<p>Here</p>"),
        ('[vc_btn title="Go" link="url:https%3A%2F%2Fw.example%2Fb||"]', '<a href="https://w.example/b">Go</a>'),
        ('[vc_custom_heading text="Head words"]', "<strong>Head words</strong>"),
    ],
)
def test_what_readers_see_of_a_shortcode_is_kept(content: str, expected: str) -> None:
    assert expected in render_content(content)[0]


def test_the_title_of_a_form_is_for_editors() -> None:
    assert render_content('Before. [contact-form-7 id="1" title="Form"]') == (
        "<p>Before.</p>",
        ["shortcode [contact-form-7] removed"],
    )


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("[tweet 12345]", "shortcode [tweet 12345] removed"),
        ('[playlist ids="1,2"]', 'shortcode [playlist ids="1,2"] removed'),
        ('<!-- wp:block {"ref":77} /-->', "block [block] is not in the export, left out"),
        ("<!-- wp:acf/quote {} /-->", "block [acf/quote] left out: its site computes what it shows"),
    ],
)
def test_what_cannot_be_kept_is_said(content: str, note: str) -> None:
    assert render_content(f"<p>Words.</p>{content}")[1] == [note]


def test_blocks_that_show_nothing_need_no_note() -> None:
    assert render_content("<!-- wp:paragraph --><p>A</p><!-- /wp:paragraph --><!-- wp:spacer /-->") == ("<p>A</p>", [])


def test_paragraphs_of_an_excerpt_stay_apart() -> None:
    document = build_document(
        WordPressPost("1", title="A", body="<p>Text.</p>", excerpt="<p>One.</p><p>Two.</p>"),
        WordPressBlog(),
        "w",
        ParseContext(),
    )
    assert isinstance(document, Document)
    assert document.standfirst == "One. Two."
