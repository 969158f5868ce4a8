"""An article as plain text, set as wires set it: title, standfirst, byline, dateline with the body, signature, related
posts. Pure."""

from collections.abc import Iterator, Sequence

from app.articles.reading.card_parts import Json
from app.articles.render.structured.record import read_objects, read_word

SEPARATOR = f"\n\n{'=' * 72}\n\n"
"""Between articles of a list."""


def write(article: Json) -> str:
    """A blank line between paragraphs; addresses only of what has no title."""
    return "\n\n".join(_list_paragraphs(article)) + "\n"


def write_list(articles: Sequence[Json]) -> str:
    """One below the other."""
    return SEPARATOR.join("\n\n".join(_list_paragraphs(article)) for article in articles) + "\n"


def _list_paragraphs(article: Json) -> Iterator[str]:
    yield str(article["title"])
    if standfirst := read_word(article, "standfirst"):
        yield standfirst
    if authors := [str(one["name"]) for one in read_objects(article, "authors")]:
        yield f"By {', '.join(authors)}"
    dateline, body = article["dateline"], read_word(article, "body_text")
    opening = [str(dateline["text"])] if isinstance(dateline, dict) else []
    if opening or body:
        yield " ".join([*opening, *([body] if body else [])])
    if signature := read_word(article, "signature"):
        yield signature
    posts = read_objects(article, "related")
    if posts:
        yield "Related posts"
        yield from (_name_post(post) for post in posts)


def _name_post(post: Json) -> str:
    target = post["article"] if isinstance(post["article"], dict) else {}
    return str(post["title"] or target.get("title") or post["url"] or target.get("url"))
