"""Words that a site shows to nobody make a draft of their article: no markup is left that would hide them here."""

import pytest

from app.importers.document import BodyKind, Document, DocumentBody
from app.importers.prepare import prepare
from app.importers.records.hidden_text import find_hidden_words
from app.regions.atlas import Atlas


@pytest.mark.parametrize(
    ("content", "kind", "hidden_words"),
    [
        ("<p>A</p><p style='color: red; DISPLAY : none'>Not yet</p>", "html", "Not yet"),
        ("<p>A</p><p style='visibility:hidden'>Not yet</p>", "html", "Not yet"),
        ("<p>A</p><div hidden><p>Not</p><p>yet</p></div>", "html", "Not yet"),
        ('<p>A</p>\n\n<p style="display:none">Not yet</p>', "markdown", "Not yet"),
        ("A\n\n`<p hidden>code</p>`\n\n    <p hidden>code</p>\n", "markdown", None),
        ("<pre>&lt;p style='display:none'&gt;code&lt;/p&gt;</pre>", "html", None),
        ("<p>A</p><img style='display:none' src='https://a.example/pixel.gif'>", "html", None),
        ("<p>A</p><div hidden><script>code()</script></div>", "html", None),
        ("<p hidden='until-found'>A</p><p aria-hidden='true'>B</p><p style='display:none-such'>C</p>", "html", None),
        ("<p>A</p><div role='tabpanel' hidden>On another tab</div>", "html", None),
        ("<button aria-controls='x more'>More</button><div id='more' style='display:none'>Opened</div>", "html", None),
        ("<svg style='display:none'><symbol><title>Icon</title></symbol></svg>", "html", None),
        ("<span style='display: none'><math><mi>x</mi></math></span><img alt='x' src='/x.png'>", "html", None),
        ("<button hidden>Load more</button><select style='display:none'><option>A</option></select>", "html", None),
        ("<button data-bs-target='#more'>More</button><div id='more' style='display:none'>Opened</div>", "html", None),
        ("<p>It was hidden >by the display: none of it.</p>", "html", None),
        ("<p style='display:none'>A</p>", "text", None),
    ],
)
def test_hidden_words_are_found(content: str, kind: BodyKind, hidden_words: str | None) -> None:
    assert find_hidden_words(DocumentBody(kind, content)) == hidden_words


def test_article_with_hidden_words_is_a_draft_with_all_of_them() -> None:
    body = DocumentBody("html", "<p>Open.</p><p hidden>Not yet.</p>")
    item = prepare(Document("x", title="T", body=body), "x", None, Atlas([], [], [], 0))
    assert (item.manuscript.status, item.manuscript.body) == ("draft", "<p>Open.</p><p>Not yet.</p>")
    assert item.notes == (
        "hidden at its source: 'Not yet.'",
        "a passage is not for every reader (hidden): not public at its source, kept as a draft",
    )
