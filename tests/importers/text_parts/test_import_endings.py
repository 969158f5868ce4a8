"""Related posts at the end of an article's HTML: taken out where they are a list, left where they could be text."""

import pytest

from app.importers.document import RelatedReference
from app.importers.text_parts.related_block_html import split_related

BODY = "<p>The ferry was late again on Monday.</p>"
ONE = RelatedReference("The first ferry of spring", "https://boats.example/1")
LINK = '<a href="https://boats.example/1">The first ferry of spring</a>'


@pytest.mark.parametrize(
    "ending",
    [
        f"<h3>Related posts</h3><ul><li>{LINK}</li></ul>",
        f"<p><strong>Lire aussi&nbsp;:</strong> {LINK}</p>",
        f"<h4>Mehr zum Thema</h4><hr><p>{LINK}</p><p></p>",
        f"<section><h2>Читайте также</h2><div><a href='https://boats.example/1'><img src='x.jpg'></a>"
        f"<h4>{LINK}</h4><span>12 May</span></div></section>",
        f"<p>Leggi anche<br>{LINK}</p>",
        f'<div class="yarpp yarpp-related"><p>More:</p><ol><li>{LINK} <small>It sailed at six.</small></li></ol></div>',
    ],
)
def test_list_under_known_heading_becomes_related_posts(ending: str) -> None:
    assert split_related(BODY + ending) == (BODY, (ONE,))


def test_titles_without_links_become_related_posts() -> None:
    body, posts = split_related(f"{BODY}<p>Related posts</p><p>A pier in winter</p><p>Who owns the harbour</p>")
    assert (body, [post.title for post in posts]) == (BODY, ["A pier in winter", "Who owns the harbour"])


@pytest.mark.parametrize(
    "ending",
    [
        "<h3>See also</h3><p>There is more to say. The harbour is deep.</p>",
        f"<h3>See also</h3><p>{LINK}</p><p>Photo: Ann Lee</p>",
        f"<p>Read more: {LINK}</p><p>The crew said nothing.</p>",
        f"<p>{LINK}</p>",
        "<p><a href='/whole'>Read more</a></p>",
        f"<h3>Related posts</h3><p>{LINK}</p><figure><img src='pier.jpg'></figure>",
    ],
)
def test_ending_that_may_be_text_stays(ending: str) -> None:
    assert split_related(BODY + ending) == (BODY + ending, ())


def test_empty_container_of_a_plugin_goes() -> None:
    empty = '<div id="jp-relatedposts" class="jp-relatedposts"><h3><em>Related</em></h3></div>'
    assert split_related(BODY + empty) == (BODY, ())


def test_deep_nesting_is_read_in_a_moment() -> None:
    assert split_related("<div>" * 5_000 + "text <p>more</p>")[1] == ()
