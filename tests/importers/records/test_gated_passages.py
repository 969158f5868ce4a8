"""Passages that a site shows to its members alone make a draft of their article, and lose no word."""

import io
import json

import pytest
from lxml import etree
from selectolax.lexbor import LexborHTMLParser
from support.exports import ghost

from app.importers.document import BodyKind, Document, DocumentBody, ParseContext
from app.importers.formats.exports import csv_table
from app.importers.formats.exports import ghost as ghost_export
from app.importers.formats.wordpress.export_entries import ExportEntry, ExportSite
from app.importers.formats.wordpress.posts import build_document
from app.importers.prepare import prepare
from app.importers.records import gated_passages
from app.regions.atlas import Atlas

GHOST = "<p>A</p><!--kg-gated-block:begin {} --><p>Members only words.</p><!--kg-gated-block:end-->"
MEMBERS = 'nonMember:false memberSegment:"status:free,status:-free"'


@pytest.mark.parametrize(
    ("content", "gate"),
    [
        (GHOST.format(MEMBERS), "kg-gated-block"),
        (GHOST.format('nonMember:true memberSegment:""'), None),
        ("<!-- wp:premium-content/subscriber-view -->PAID<!-- /wp:premium-content/subscriber-view -->",
         "premium-content/subscriber-view"),
        ("<p>A</p><!-- wp:jetpack/paywall /--><p>B</p>", "jetpack/paywall"),
        ('<!-- wp:paragraph {"metadata":{"blockVisibility":false}} --><p>A</p>', "blockVisibility"),
        ("<!-- wp:paragraph --><p>A</p><!-- /wp:paragraph -->", None),
        *((f"A [{name} x='1']B[/{name}] C", f"[{name}]") for name in (
            "members_only", "private", "hidden", "mepr-show", "restrict", "membership", "pmpro_member", "s2If",
            "memberful_content", "is_logged_in", "wlm_private", "arm_restrict_content", "groups_member", "premium",
        )),
        ("[private](https://a.example/) and [hidden] and [membership]", None),
        ("[pullquote]A[/pullquote] [tab]B[/tab] [button]C[/button] [memoir]D[/memoir]", None),
        ('<!-- wp:block {"ref":7} /-->', "[private]"),
        *((f"A [{name}]B[/{name}] C", None) for name in (
            "not_logged_in", "hide_on_mobile", "hide_on_desktop", "hidden_xs", "logged_out", "user_is_logged_out",
        )),
        ("<p>Write <code>[private]x[/private]</code>.</p><pre>[hide]x[/hide]</pre>", None),
        ("<p>A</p><!-- For example: [private]x[/private] -->", None),
        ("Write [code][private]x[/private][/code] or [[private]x[/private]].", None),
        ("Write <code>[private]x[/private]</code> [hide]for this[/hide]", "[hide]"),
        ("<code>[private]x[/private]", "[private]"),
        ("[/private] alone", None),
        (GHOST.format('nonMember:false memberSegment:""'), None),
    ],
)  # fmt: skip
def test_the_marks_of_gated_passages_are_known(content: str, gate: str | None) -> None:
    assert gated_passages.find_gate(content, {"7": "[private]A[/private]"}) == gate


@pytest.mark.parametrize(
    ("kind", "content", "gate"),
    [
        ("markdown", "Write `[private]x[/private]`, or:\n\n```\n[hide]x[/hide]\n```", None),
        ("markdown", "Write [private]x[/private]", "[private]"),
        ("text", "The shortcode is [private]x[/private].", None),
        ("text", "Free. [private]x[/private].", "[private]"),
        ("markdown", "A {% comment %}not yet{% endcomment %} B", "{% comment %}"),
        ("markdown", "A {%- comment -%}not yet{%- endcomment -%} B", "{%- comment -%}"),
        ("markdown", "A {::comment}not yet{:/comment} B", "{::comment}"),
        ("markdown", "A {{/* not yet */}} B", "{{/*"),
        ("markdown", "A {{% comment %}}not yet{{% /comment %}} B", "{{% comment %}}"),
        ("markdown", "A {# not yet #} B", "{# not yet #}"),
        ("markdown", "A %%not yet%% B", "%%not yet%%"),
        ("markdown", "## Heading {#place}\n\n100%% sure, 5 %% of 10 %%, {{ site.url }} {: .class}", None),
        ("markdown", "Write {% raw %}{% comment %}x{% endcomment %}{% endraw %} or `{::comment}`.", None),
        ("markdown", "A tag such as {% comment %} begins one.", None),
        ("markdown", "Write ``{# x #}`` or\n\n~~~\n%%not yet%%\n~~~\n", None),
        ("text", "Liquid has {% comment %}x{% endcomment %}.", None),
    ],
)
def test_examples_in_documentation_hold_nothing_back(kind: BodyKind, content: str, gate: str | None) -> None:
    assert gated_passages.find_gate(content, kind=kind) == gate


@pytest.mark.parametrize(
    ("section", "gate"),
    [
        ("<div amp-access='subscriber' amp-access-hide><p>Paid.</p></div>", "amp-access"),
        ("<section subscriptions-section='content'><p>Paid.</p></section>", "subscriptions-section"),
        ("<div amp-access='NOT subscriber' amp-access-hide><p>Subscribe.</p></div>", None),
        ("<div amp-access='subscriber'><p>Free.</p></div><div amp-access='x' amp-access-hide></div>", None),
    ],
)
def test_sections_of_a_page_for_subscribers_are_known(section: str, gate: str | None) -> None:
    assert gated_passages.find_gated_section(LexborHTMLParser(f"<article>{section}</article>")) == gate


@pytest.mark.parametrize(
    ("value", "is_gate"),
    [
        (
            {
                "controlSets": [
                    {"id": 1, "enable": True, "controls": {"screenSize": {"hideOnScreenSize": {"large": 1}}}}
                ]
            },
            0,
        ),
        ({"viewport": {"mobile": False}}, 0),
        ({"viewport": {"mobile": False, "tablet": False, "desktop": False}}, 1),
        ({}, 0),
        (True, 0),
        ({"hideBlock": True}, 1),
        ({"visibilityByRole": "all", "scheduling": {"enable": False, "start": "x"}}, 0),
        ({"controlSets": [{"controls": {"userRole": {"visibilityByRole": "logged-in"}}}]}, 1),
        ({"controlSets": [{"enable": False, "controls": {"userRole": {"visibilityByRole": "logged-in"}}}]}, 0),
    ],
)
def test_a_block_that_some_screens_hide_is_for_everybody(value: object, is_gate: int) -> None:
    content = f'<!-- wp:paragraph {{"blockVisibility":{json.dumps(value)}}} --><p>A</p>'
    assert gated_passages.find_gate(content) == ("blockVisibility" if is_gate else None)


@pytest.mark.parametrize(
    "shape",
    [
        "<!--kg-gated-block:begin ",
        "[/membership_",
        "[/",
        "[/hide]",
        "<code>[/hide]",
        "<!-- wp:",
        "<!-- wp:mepr/",
        "[/pmpro-",
        '{"blockVisibility":',
    ],
)
def test_marks_are_looked_for_in_linear_time(shape: str) -> None:
    assert gated_passages.find_gate("[/" + shape * 50_000) is None
    assert gated_passages.find_gate("[/membership" + "_a" * 50_000 + "<!--kg-gated-block:begin" + "a" * 50_000) is None


def test_any_text_with_a_gated_passage_is_a_draft_with_every_word() -> None:
    body = DocumentBody("html", GHOST.format(MEMBERS))
    prepared = prepare(Document("p", title="A", body=body), "p", None, Atlas((), (), (), 0))
    assert prepared.manuscript.status == "draft"
    assert "Members only words." in prepared.manuscript.body
    note = "a passage is not for every reader (kg-gated-block): not public at its source, kept as a draft"
    assert note in prepared.notes


def test_what_this_archive_exports_says_its_state_itself() -> None:
    document = Document("p", title="A", body=DocumentBody("html", "<p>[private]A[/private]</p>"), is_own=True)
    assert gated_passages.hold_gated(document).status is None


def test_rows_of_a_table_that_this_archive_exported_say_their_state_themselves() -> None:
    table = "id,slug,version,created_at,title,body\n7,a,2,2024-05-01T00:00:00Z,A,<p>[hide]x[/hide] edited</p>\n"
    (document,) = csv_table.parse(_stream(table.encode()), "x.csv", ParseContext())
    assert isinstance(document, Document)
    assert document.known_article is not None
    assert gated_passages.hold_gated(document).status is None


@pytest.mark.parametrize(
    "visibility",
    [
        {"web": {"nonMember": False, "memberSegment": ""}, "email": {"memberSegment": "status:free"}},
        {"showOnWeb": False, "showOnEmail": True, "segment": ""},
    ],
)
def test_a_card_for_e_mails_alone_is_no_gate(visibility: dict[str, object]) -> None:
    lexical = json.dumps({"root": {"children": [{"type": "html", "html": "<p>Hi.</p>", "visibility": visibility}]}})
    assert gated_passages.find_gated_card(lexical) is None


def test_a_card_for_members_makes_a_draft() -> None:
    card = {"type": "html", "html": "<p>Paid.</p>", "visibility": {"web": {"nonMember": False}}}
    post = {"id": "1", "title": "A", "status": "published", "visibility": "public"}
    lexical = json.dumps({"root": {"children": [card]}})
    (document,) = ghost_export.parse(_stream(ghost({**post, "lexical": lexical})), "x", ParseContext())
    assert isinstance(document, Document)
    assert (document.status, document.body) == ("draft", DocumentBody("html", "<p>Paid.</p>"))
    assert document.notes[-1].startswith("a passage is not for every reader (nonMember: false)")


def test_a_post_of_an_export_of_wordpress_is_held_by_its_blocks_and_shortcodes() -> None:
    for content in ("[members_only]PAID[/members_only]", "<!-- wp:premium-content/subscriber-view -->PAID"):
        site, entry = ExportSite(), ExportEntry(_element(content))
        post, notes = site.build_post(entry)
        document = build_document(post, site.blog, "x", ParseContext(), notes)
        assert isinstance(document, Document)
        assert document.status == "draft"
        assert document.body is not None
        assert "PAID" in document.body.content


def _stream(data: bytes) -> io.BytesIO:
    return io.BytesIO(data)


def _element(content: str) -> etree._Element:
    item = etree.Element("item")
    for name, text in (("post_type", "post"), ("title", "A"), ("post_id", "1"), ("status", "publish")):
        etree.SubElement(item, name).text = text
    etree.SubElement(item, "{http://purl.org/rss/1.0/modules/content/}encoded").text = content
    return item
