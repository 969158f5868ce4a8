"""What imports keep of a body, whatever its format: no word, frame, picture or address is lost without a note."""

import io
import json
from collections.abc import Callable

import pytest
from conftest import Served

from app.articles.html import bodies
from app.importers.document import Document, DocumentBody, ParseContext
from app.importers.formats.pages.json_ld import BROKEN, PAYWALLED, REPAIRED
from app.importers.formats.registry import PARSERS
from app.importers.formats.wordpress import bodies as wordpress_bodies, shortcodes
from app.importers.prepare import convert_body
from app.importers.text_parts import html_markup

FRAME = '<iframe src="https://v.example/film" title="A film of the mole"></iframe>'
LINK = '<a href="https://v.example/film" rel="noopener noreferrer">A film of the mole</a>'
FIRST = (
    "The harbour authority said on Monday that pilots would board every vessel above two hundred tonnes before it "
    "passed the outer mole, a rule that shipping lines had resisted for two years."
)
LAST = (
    "Unions welcomed the decision, which they had asked for after a barge struck the ferry pier in the spring and "
    "closed it for three weeks, at a cost that nobody has wanted to bear."
)


def page(inside: str, before: str = "", behind: str = "", head: str = "") -> str:
    return (
        f"<html><head><title>Pilots to board</title>{head}</head><body><nav><a href='/'>Home</a></nav><main><article>"
        f"<h1>Pilots to board</h1>{before}<p>{FIRST}</p>{inside}<p>{LAST}</p>{behind}</article></main></body></html>"
    )


def read(kind: str, data: str, address: str | None = None) -> Document:
    result = PARSERS[kind](io.BytesIO(data.encode()), "x", ParseContext(address=address))
    [item] = [one for one in result if isinstance(one, Document)]
    return item


def convert_and_clean(kind: str, data: str, address: str | None = "https://a.example/b/c") -> str:
    return convert_body(read(kind, data, address))[0]


def rss(description: str) -> str:
    text = f"<description><![CDATA[{description}]]></description>"
    item = f"<item><title>T</title><link>https://a.example/b/c</link>{text}</item>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>F</title>{item}</channel></rss>'


def wxr(content: str) -> str:
    spaces = " ".join(
        f'xmlns:{name}="{address}"'
        for name, address in (
            ("content", "http://purl.org/rss/1.0/modules/content/"),
            ("wp", "http://wordpress.org/export/1.2/"),
        )
    )
    text = f"<content:encoded><![CDATA[{content}]]></content:encoded>"
    fields = f"<wp:post_id>1</wp:post_id><wp:status>publish</wp:status>{text}"
    item = f"<item><title>T</title><link>https://a.example/b/c</link>{fields}<wp:post_type>post</wp:post_type></item>"
    head = "<wp:wxr_version>1.2</wp:wxr_version>"
    return f'<?xml version="1.0"?><rss version="2.0" {spaces}><channel><title>W</title>{head}{item}</channel></rss>'


FORMATS: dict[str, Callable[[str], str]] = {
    "html": page,
    "feed": lambda text: rss(f"<p>{FIRST}</p>{text}"),
    "wxr": lambda text: wxr(f"<p>{FIRST}</p>{text}"),
    "ndjson": lambda text: json.dumps(
        {"title": "T", "body_html": f"<p>{FIRST}</p>{text}", "url": "https://a.example/b/c"}
    ),
    "markdown": lambda text: f"---\ntitle: T\nurl: https://a.example/b/c\n---\n{FIRST}\n\n{text}\n",
    "ninjs": lambda text: json.dumps(
        {"uri": "https://a.example/b/c", "type": "text", "headline": "T", "body_html": f"<p>{FIRST}</p>{text}"}
    ),
}


@pytest.mark.parametrize("kind", FORMATS)
def test_frame_is_a_link_with_its_title_in_every_format(kind: str) -> None:
    assert LINK in convert_and_clean(kind, FORMATS[kind](FRAME))


@pytest.mark.parametrize("frame", ['<iframe src="https://v.example/film">', '<iframe src="https://v.example/film"/>'])
@pytest.mark.parametrize("kind", ["feed", "wxr", "ndjson", "markdown", "ninjs"])
def test_iframe_that_nobody_closed_swallows_nothing(kind: str, frame: str) -> None:
    body = convert_and_clean(
        kind, FORMATS[kind](f"{frame}<p>{LAST}</p>{frame}<p>The mole has been mended twice since it was built.</p>")
    )
    assert body.count(LAST) == 1
    assert body.count("https://v.example/film") == 4
    assert body.endswith("<p>The mole has been mended twice since it was built.</p>")


@pytest.mark.parametrize("tag", ["iframe", "video", "object"])
def test_words_for_readers_who_do_not_see_a_frame_are_noted(tag: str) -> None:
    markup = f'<{tag} src="https://v.example/1"><p>Your browser shows no film.</p></{tag}><p>After.</p>'
    body, notes = convert_body(Document("x", body=DocumentBody("html", markup)))
    assert "browser" not in body
    assert body.endswith("<p>After.</p>")
    assert html_markup.FALLBACK.format(tag, "Your browser shows no film.") in notes


@pytest.mark.parametrize("kind", ["html", "feed", "wxr", "ndjson", "markdown"])
def test_relative_addresses_count_from_where_the_item_stands(kind: str) -> None:
    body = convert_and_clean(
        kind, FORMATS[kind]('<p>See <a href="/d">this page</a> here</p><p><img src="e.jpg" alt="E"></p>')
    )
    assert 'href="https://a.example/d"' in body
    assert 'src="https://a.example/b/e.jpg"' in body


def test_relative_address_without_a_base_is_left_out_with_a_note() -> None:
    body, notes = convert_body(
        Document("x", body=DocumentBody("html", '<p><a href="/d">word</a><img src="e.jpg"></p>'))
    )
    assert body == '<p><a rel="noopener noreferrer">word</a></p>'
    assert [*notes] == [html_markup.DROPPED.format("/d"), html_markup.DROPPED.format("e.jpg")]


@pytest.mark.parametrize(
    ("markup", "address", "title"),
    [
        ('<video src="https://v.example/1" poster="p.jpg">old</video>', "https://v.example/1", None),
        ('<audio><source src="//v.example/2"></audio>', "https://v.example/2", None),
        ('<object data="https://v.example/3" title="Map"></object>', "https://v.example/3", "Map"),
        ('<object><param name="movie" value="https://v.example/4"></object>', "https://v.example/4", None),
        ('<embed src="https://v.example/5">', "https://v.example/5", None),
        ('<lite-youtube videoid="x1"></lite-youtube>', "https://www.youtube.com/watch?v=x1", None),
        ('<iframe data-src="https://v.example/6" src="about:blank"></iframe>', "https://v.example/6", None),
    ],
)
def test_player_of_any_kind_is_a_link(markup: str, address: str, title: str | None) -> None:
    assert f'<a href="{address}">{title or address}</a>' in html_markup.convert_markup(markup, None, lambda _: None)


def test_frame_that_nobody_sees_and_what_the_sanitiser_removes_are_noted() -> None:
    hidden = '<iframe src="https://t.example" width="0"></iframe><script>x</script><p onclick="y" class="z">word</p>'
    body, notes = convert_body(Document("x", body=DocumentBody("html", hidden)))
    assert body == "<p>word</p>"
    assert [*notes] == [
        html_markup.LOST.format("iframe"), "removed from the body: script", "removed from the body: onclick of p",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "markup",
    [
        '<img data-src="https://a.example/w.jpg" src="data:image/gif;base64,R0">',
        '<img data-lazy-src="https://a.example/w.jpg">',
        '<img srcset="https://a.example/n.jpg 300w, https://a.example/w.jpg 1200w, https://a.example/h.jpg 4000w">',
        '<picture><source srcset="https://a.example/w.jpg 2x"><img alt="a"></picture>',
        '<img src="/placeholder.png" data-original="https://a.example/w.jpg">',
        '<img src="data:x"><noscript><img src="https://a.example/w.jpg"></noscript>',
    ],
)
def test_picture_that_loads_late_has_its_address(markup: str) -> None:
    body, _ = convert_body(Document("x", body=DocumentBody("html", f"<p>words {markup}</p>")))
    assert 'src="https://a.example/w.jpg"' in body
    assert body.count("<img") == 1


@pytest.mark.parametrize(
    "inside",
    [
        '<p><a href="https://a.example/x"><strong>On Friday three captains denied the charge.</strong></a></p>',
        "<p>On <time>Saturday</time> the <label>harbour</label> said <q>so</q> in <code>x</code>, <nobr>AP</nobr>.</p>",
        "<ol><li>first</li><li>second</li></ol>",
        "<table><tbody><tr><td><ul><li>one</li><li>two</li></ul></td><td>three</td></tr></tbody></table>",
        "<pre><code>a = 1\n    b = 2</code></pre>",
        "<details><summary>In short</summary><p>What was said.</p></details>",
        '<div class="row"><div class="col">one</div><div class="col">Beta</div></div>',
        "<dl><dt>Mole</dt><dd>A wall in the sea</dd></dl>",
    ],
)
def test_page_keeps_what_stands_between_its_paragraphs(inside: str) -> None:
    body = convert_and_clean("html", page(inside))
    expected = bodies.to_text(bodies.to_html("html", inside))
    result = bodies.to_text(body)
    assert expected in result
    assert bodies.to_html("html", inside).split(">")[0] in body


def test_page_leaves_out_what_stands_around_its_article() -> None:
    around = '<div class="share-buttons">Share this</div>'
    body = convert_and_clean(
        "html", page(f'{around}<ul class="related"><li><a href="/y">Yet another one</a></li></ul>')
    )
    assert "Share" not in body
    assert "nother" not in body


def test_frames_at_the_head_and_the_end_of_an_article_are_kept() -> None:
    assert convert_and_clean("html", page("", FRAME, '<video src="/end.mp4"></video>')).count("<a ") == 2


def test_place_that_a_link_of_the_body_leads_to_keeps_its_name_as_the_bodys_own() -> None:
    markup = '<p>See<a href="#n1">1</a>.</p><p id="n1">Note</p><p id="other">x</p><a name="n2">y</a><a href="#n2">z</a>'
    body = bodies.to_html("html", markup)
    assert 'href="#content-n1"' in body
    assert '<p id="content-n1">' in body
    assert 'id="content-n2"' in body
    assert "other" not in body
    assert bodies.to_html("html", body) == body


def test_markdown_notes_tasks_and_captions_keep_their_words() -> None:
    markup = "A[^1] b[^n], `[^1]`.\n\n- [ ] todo\n- [x] done\n\n[^1]: word\n[^n]: Two *words*\n    more\n\n[^u]: unused"
    body = bodies.to_html("markdown", markup)
    assert '<a href="#content-fn-1" rel="noopener noreferrer">1</a>' in body
    assert '<li id="content-fn-1">\n<p>word</p>' in body
    assert "<em>words</em>\nmore" in body
    assert "<code>[^1]</code>" in body
    assert "☐ todo" in body
    assert "☑ done" in body
    assert "[^u]: unused" in body
    caption = '[caption id="x"]![al](https://a.example/i.jpg) What it [shows](https://a.example)[/caption] [caption] z'
    figure = bodies.to_html("markdown", shortcodes.render_captions(caption))
    assert '<figure><img src="https://a.example/i.jpg" alt="al"><figcaption>What it' in figure
    assert "[caption] z" in figure


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (
            '[sourcecode language="js"]for (i=0;i<n;i++){ a[i] = b[i]; }[/sourcecode]',
            "for (i=0;i&lt;n;i++){ a[i] = b[i]; }",
        ),
        ("[code]<p>Hello <script>alert(1)</script></p>[/code]", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("[php]if ($a &lt; 1) [b] {}[/php]", "if ($a &lt; 1) [b] {}"),
    ],
)
def test_code_between_brackets_is_text_to_its_end(markup: str, expected: str) -> None:
    made = wordpress_bodies.convert_post(f"{markup}\n\nAfter.", shortcodes.MediaLibrary(), {}, "1", lambda _: None)
    body = bodies.to_html("html", made)
    assert f"<pre><code>{expected}</code></pre>" in bodies.to_html("html", made) or expected in body
    assert "<p>After.</p>" in body


@pytest.mark.parametrize(
    "markup",
    [
        "[et_pb_text]one[/et_pb_text][et_pb_text]Beta[/et_pb_text]",
        "[vc_row][vc_column]one[/vc_column][/vc_row][vc_row][vc_column]Beta[/vc_column][/vc_row]",
        '[part a="1"]one[/part][part a="2"]Beta[/part]',
        "[one_half]one[/one_half][one_half_last]Beta[/one_half_last]",
    ],
)
def test_parts_of_a_page_builder_stay_apart(markup: str) -> None:
    made = wordpress_bodies.convert_post(markup, shortcodes.MediaLibrary(), {}, "1", lambda _: None)
    assert bodies.to_text(bodies.to_html("html", made)).split() == ["one", "Beta"]


def test_a_letter_between_brackets_stays_in_its_word() -> None:
    made = wordpress_bodies.convert_post(
        "[dropcap]T[/dropcap]he end", shortcodes.MediaLibrary(), {}, "1", lambda _: None
    )
    assert bodies.to_text(made) == "The end"


SUMMARIES = [
    ("", None),
    (f"&lt;p&gt;{FIRST}&lt;/p&gt;&lt;p&gt;{LAST}&lt;/p&gt;", None),
    (FIRST[:80] + " […]", None),
    (FIRST[:80] + "…", None),
    (f"{FIRST[:80]} ... &lt;a href='https://a.example'&gt;Continue reading&lt;/a&gt;", None),
    (f"{FIRST} {LAST}", None),
    ("What pilots will do from June", "What pilots will do from June"),
]


@pytest.mark.parametrize(("summary", "standfirst"), SUMMARIES)
def test_standfirst_of_a_full_text_feed_is_a_summary_or_nothing(summary: str, standfirst: str | None) -> None:
    content = f"<figure><figcaption>A pilot</figcaption></figure><p>{FIRST}</p><p>{LAST}</p>"
    said = f"<summary type='html'>{summary}</summary>" if summary else ""
    entry = (
        f"<entry><id>1</id><title>T</title>{said}<content type='html'><![CDATA[{content}]]></content>"
        "<link href='https://a.example/1'/><updated>2025-03-01T10:00:00Z</updated></entry>"
    )
    atom = f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>F</title>{entry}</feed>'
    assert read("feed", atom).standfirst == standfirst


ARTICLE = (
    '{"@type": "NewsArticle", "headline": "Pilots to board", "datePublished": "2025-07-06T10:00:00+02:00", '
    '"author": "Ann Lee"'
)


@pytest.mark.parametrize(
    ("script", "note"),
    [
        (ARTICLE + "}", None),
        (ARTICLE + ",}", REPAIRED),
        (ARTICLE.replace(", ", ",\n", 1).replace("Pilots to", "Pilots\nto") + "}", None),
        (ARTICLE, REPAIRED),
        (ARTICLE + "/* note */}", REPAIRED),
        (ARTICLE + ', "x": "a\\d"}', REPAIRED),
        (f"[{ARTICLE}}},]", REPAIRED),
        (f"{ARTICLE}}};", None),
        (ARTICLE.replace('"', "&quot;") + "}", REPAIRED),
    ],
)
def test_json_ld_with_small_faults_is_read_and_noted(script: str, note: str | None) -> None:
    document = read("html", page("", head=f'<script type="application/ld+json">{script}</script>'))
    assert document.authors == ("Ann Lee",)
    assert document.published is not None
    assert [one for one in document.notes if "JSON-LD" in one] == ([note] if note else [])


def test_json_ld_beyond_repair_is_noted() -> None:
    document = read("html", page("", head='<script type="application/ld+json">{"headline" "x" 7 : [}</script>'))
    assert BROKEN in document.notes


def test_page_behind_a_paywall_says_so_and_keeps_the_story_only() -> None:
    free = '"isAccessibleForFree": false, "hasPart": {"isAccessibleForFree": "False", "cssSelector": ".wall"}'
    head = f'<script type="application/ld+json">{ARTICLE}, {free}}}</script>'
    inviting = (
        '<div class="wall"><h2>Subscribe to read on</h2><p>Already a subscriber? <a href="/l">Sign in</a></p></div>'
    )
    document = read("html", page(f"<p>{LAST} And more of it.</p>{inviting}", head=head))
    assert PAYWALLED in document.notes
    assert document.body is not None
    assert "ubscri" not in document.body.content
    story = read("html", page(f'<div class="wall"><p>{LAST} And more of it.</p></div>', head=head))
    assert story.body is not None
    assert "And more of it." in story.body.content


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["ndjson"])
async def test_what_an_import_stores_an_editor_can_save_again(api: Served, kind: str) -> None:
    line = {
        "id": "r", "title": "T", "url": "https://a.example/b/c", "related": [{"title": "R", "url": "/r"}],
        "images": [{"url": "i.jpg"}, {"url": "//c.example/j.jpg"}],
        "body_html": f'<p>{FIRST}</p>{FRAME}<p><a href="#n">x</a></p><p id="n">y</p>',
        "canonical_url": "/canonical", "previous_urls": ["/old", "javascript:x"],
    }  # fmt: skip
    sent = {"Content-Type": "application/x-ndjson"}
    response = await api.editor.post("/v1/imports?origin=r", content=json.dumps(line).encode(), headers=sent)
    id = json.loads(response.text.splitlines()[0])["id"]
    shown = (await api.editor.get(f"/v1/articles/{id}")).json()
    assert [one["url"] for one in shown["images"]] == ["https://a.example/b/i.jpg", "https://c.example/j.jpg"]
    for body in (shown, shown | {"images": shown["images"][::-1], "body": shown["body"] + "<p>more</p>"}):
        saved = await api.editor.put(f"/v1/articles/{id}", json=body, headers={"If-Match": "*"})
        assert saved.status_code == 200, saved.text
