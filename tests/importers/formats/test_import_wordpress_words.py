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


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[pullquote cite="Jane Roe"]It rains.[/pullquote]', "<p>It rains.</p>\n<p><cite>Jane Roe</cite></p>"),
        ('[su_quote cite="Jane Roe"]Yes.[/su_quote]', "<cite>Jane Roe</cite>"),
        ('[blockquote author="Jane Roe"]Yes.[/blockquote]', "<cite>Jane Roe</cite>"),
        ('[et_pb_testimonial author="Jane Roe" job_title="Mayor"]Yes.[/et_pb_testimonial]', "<cite>Mayor</cite>"),
        ('[button link="https://w.example/x" text="Press me"]', '<a href="https://w.example/x">Press me</a>'),
        ('[button link="https://w.example/x"]Press me[/button]', '<a href="https://w.example/x">Press me</a>'),
        ('[accordion-item title="Q1 title"]A1[/accordion-item]', "<p><strong>Q1 title</strong></p>\n<p>A1</p>"),
        ('[poll question="Who won?"]', "<strong>Who won?</strong>"),
        ('The [tip text="not &lt;b&gt;"]word[/tip] stays.', "<p>The word (not &lt;b&gt;) stays.</p>"),
        ('A [highlight color="yellow"]bright[/highlight] word', "<p>A <mark>bright</mark> word</p>"),
        ('[highlight lang="py"]x = 1[/highlight]', "<pre><code>x = 1</code></pre>"),
        ('[box title="no" align="center"]Words[/box]', "<p>Words</p>"),
        (
            '<!-- wp:acf/fact-box {"name":"acf/fact-box","data":{"title":"The dam","_title":"field_1",'
            '"text":"Built in 1962","height":"90","image":"12"},"mode":"preview"} /-->',
            "<p><strong>The dam</strong></p><p>Built in 1962</p>",
        ),
    ],
)
def test_readable_attributes_of_what_nobody_knows_are_words(content: str, expected: str) -> None:
    text = render_content(content)[0]
    assert expected in text
    assert "no</" not in text


@pytest.mark.parametrize(
    "furniture",
    [
        '<!-- wp:search {"label":"Search","buttonText":"Search"} /-->',
        '<!-- wp:query-title {"title":"All of the posts"} /-->',
        '[display-posts author="jane" title="Related" content="excerpt"]',
        '[ad label="Advertisement" source="google"]',
        '[related_posts title="More of this"][/related_posts]',
        '[search_button text="Find it here"]',
        '[chart title="Chart of the year" source="table_5"]',
        '<!-- wp:acf/columns {"data":{"layout":"two_columns","author":"12","_text":"Not for you","class":"a b",'
        '"fields":"field_1 a","list":"a:1:{i:0;s:1 b}"}} /-->',
    ],
)
def test_settings_of_what_a_site_computes_are_no_words(furniture: str) -> None:
    assert render_content(f"<p>Words.</p>{furniture}")[0] == "<p>Words.</p>"


def test_words_of_a_block_in_a_script_without_spaces_are_words() -> None:
    content = '<!-- wp:acf/quote {"data":{"text":"\u6c34\u4f4d\u4e0a\u5347"}} /-->'
    assert render_content(content)[0] == "<p>\u6c34\u4f4d\u4e0a\u5347</p>"


def test_pictures_of_a_gallery_that_are_not_there_are_said() -> None:
    assert render_content('A[gallery ids="20,21"]')[1] == [
        'shortcode [gallery ids="20,21"]: pictures of it are not in the export, left out'
    ]


def test_words_of_a_block_that_its_site_computes_are_said_to_be_kept() -> None:
    notes = render_content('<!-- wp:acf/quote {"data":{"text":"It rains"}} /-->')[1]
    assert notes == ["block [acf/quote] is kept as the words in it: its site computes what it shows"]


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


def test_a_link_to_a_footnote_leads_to_it() -> None:
    content = '<p>A<sup><a href="#u1">1</a></sup></p><!-- wp:footnotes /-->'
    notes = bodies.render_footnotes('[{"id": "u1", "content": "Low tide"}, {"id": "u2", "content": "Ebb"}]', content)
    text = bodies.convert_post(f"<!-- wp:paragraph -->{content}", MediaLibrary(), {"footnotes": notes}, "1", print)
    assert '<li id="u1">Low tide</li>\n<li>Ebb</li>' in text
