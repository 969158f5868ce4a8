"""Words and addresses in cards of Ghost, and in what Substack's scripts draw."""

import html
import json

import pytest

from app.importers.formats.exports import ghost_bodies, substack


def render(*nodes: object) -> str:
    notes: dict[str, None] = {}
    return ghost_bodies.convert_lexical({"root": {"children": list(nodes)}}, notes.setdefault)


CTA = {
    "type": "call-to-action",
    "sponsorLabel": "<p>SPONSORED by X</p>",
    "textValue": "<p>Buy it.</p>",
    "buttonText": "Buy",
    "buttonUrl": "https://x.example/",
}
PRODUCT = {
    "type": "product", "productTitle": "Lamp", "productImageSrc": "https://x.example/l.jpg", "productButton": "Order",
    "productUrl": "https://x.example/l", "productRatingEnabled": True, "productStarRating": 4,
}  # fmt: skip
BOOKMARK = {
    "type": "bookmark",
    "url": "https://b.example/",
    "metadata": {"title": "Fog", "author": "Jane Roe", "publisher": "Port News"},
}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (CTA, '<p>SPONSORED by X</p><p>Buy it.</p><p><a href="https://x.example/">Buy</a></p>'),
        ({**CTA, "hasSponsorLabel": False, "showButton": False}, "<p>Buy it.</p>"),
        ({"type": "header", "header": "A", "buttonText": "Go", "buttonUrl": "/go"},
         '<p>A</p><p><a href="/go">Go</a></p>'),
        (PRODUCT, '<figure><img src="https://x.example/l.jpg" alt=""></figure><p><a href="https://x.example/l">Lamp</a></p>'
                  '<p>★★★★☆</p><p><a href="https://x.example/l">Order</a></p>'),
        (BOOKMARK, '<p><a href="https://b.example/">Fog</a></p><p>Jane Roe · Port News</p>'),
        ({"type": "embed", "url": "https://t.example/1", "html": "<blockquote><p>Said.</p></blockquote>"},
         '<p><a href="https://t.example/1">https://t.example/1</a></p><blockquote><p>Said.</p></blockquote>'),
        ({"type": "embed", "url": "https://v.example/1", "html": "<iframe src='https://v.example/1'></iframe>"},
         '<p><a href="https://v.example/1">https://v.example/1</a></p>'),
        ({"type": "product", "productTitle": '<span style="white-space: pre-wrap;">Lamp &amp; Co</span>'},
         "<p>Lamp &amp; Co</p>"),
        ({"type": "paragraph", "children": [{"type": "text", "text": "By "}, {"type": "tk", "text": "TK"}]},
         "<p>By TK</p>"),
        ({"type": "list", "listType": "number", "start": 4, "children": []}, '<ol start="4"></ol>'),
        ({"type": "list", "listType": "check", "children": [
            {"type": "listitem", "checked": True, "children": []}, {"type": "listitem", "children": []}]},
         "<ul><li>☑ </li><li>☐ </li></ul>"),
    ],
)  # fmt: skip
def test_every_word_and_address_of_a_card_of_ghost_is_kept(node: object, expected: str) -> None:
    assert render(node) == expected


def embed(kind: str, **data: object) -> str:
    return f'<p>A</p><div class="{kind}" data-attrs="{html.escape(json.dumps(data))}"></div>'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (embed("tweet", url="https://t.example/1", full_text="It <b> rains.", name="Jane Roe", username="jane"),
         "<blockquote><p>It &lt;b&gt; rains.</p><p><cite>Jane Roe @jane</cite></p>"
         '<p><a href="https://t.example/1">https://t.example/1</a></p></blockquote>'),
        (embed("latex-rendered", persistentExpression="x^2"), "<blockquote><p><code>x^2</code></p></blockquote>"),
        (embed("digest-post-embed", canonical_url="https://s.example/p", title="Fog", caption="At sea"),
         '<blockquote><p><a href="https://s.example/p">Fog</a></p><p>At sea</p></blockquote>'),
        ('<p>A</p><p class="button-wrapper"><a href="https://f.example/"><span>Donate to the fund</span></a></p>',
         '<a href="https://f.example/"><span>Donate to the fund</span></a>'),
    ],
)  # fmt: skip
def test_what_scripts_of_substack_draw_is_kept_as_its_data(text: str, expected: str) -> None:
    body = substack._read_body(text)
    assert body is not None
    assert expected in body.content


@pytest.mark.parametrize(
    "link", ["%%checkout_url%%", "https://a.substack.com/subscribe?", "https://a/p/x?action=share"]
)
def test_buttons_to_subscribe_and_share_are_left_out(link: str) -> None:
    body = substack._read_body(f'<p>A</p><p class="button-wrapper"><a href="{link}">Press</a></p>')
    assert body is not None
    assert body.content == "<p>A</p>"
