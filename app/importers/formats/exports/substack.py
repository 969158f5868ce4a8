"""Exports of Substack: the list of posts (`posts.csv`) and beside it a page for each (`posts/<id>.<slug>.html`).

Pages, threads and what has no text are no articles. Never takes a post for public that the list does not call so, or
that is for subscribers alone.
"""

import csv
import html
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import BinaryIO
from urllib.parse import unquote

import orjson
from selectolax.lexbor import LexborNode

from app.importers import boundary
from app.importers.document import Document, DocumentBody, Failure, Item, ParseContext, Remark
from app.importers.formats.exports.file_tree import FileTree, FileUnreadable
from app.importers.formats.exports.publication import PublicationState, make_held, read_state
from app.importers.records import values
from app.importers.records.article_head import add_standfirst, extract_head
from app.importers.records.date_fields import DateFields
from app.importers.text_parts import clean, html_trees
from app.importers.text_parts.prose import cut_title

ORIGIN = "substack.com"
"""Numbers of posts are unique in all of Substack."""
LIST_ALONE = "this is the list of an export of Substack without its posts: import the folder or the ZIP archive itself"
_OTHERS = {"page": "pages", "thread": "threads"}
_WIDGETS = "div.subscription-widget-wrap, div.subscription-widget-wrap-editor"
_BUTTONS = "div.captioned-button-wrap, p.button-wrapper"
_OWN_BUTTON = re.compile(
    r"%%|/subscribe\b|action=share|/comments?\b|/chat\b"
    r"|^\W*(?:subscribe|share\b|leave a comment|comment$|refer |upgrade|give a gift|get \d+% off|message |join )",
    re.IGNORECASE,
)
"""Buttons by which readers subscribe, share and comment, by their address or words."""
_EMBEDS = "div[data-attrs]"
_PACKED = re.compile(r"https://(?:cdn\.substack|substackcdn)\.com/image/fetch/[^/]+/(https?%3A[^\s\"']+)")
_SHOWN = frozenset(
    ("post_id", "post_date", "is_published", "type", "audience", "title", "subtitle", "podcast_url", "email_sent_at")
)
_UNSAID = frozenset(("inbox_sent_at",))


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """The list alone, which has no texts: one Failure."""
    yield Failure(where, LIST_ALONE)


def read_posts(tree: FileTree, where: str, context: ParseContext) -> Iterator[Item]:
    """The posts in the order of the list, each `where:line`, then a Remark for each kind of what was left out."""
    csv.field_size_limit(1_000_000)
    try:
        text = clean.decode(tree.read("posts.csv"))[0]
    except FileUnreadable as error:
        yield Failure(where, str(error))
        return
    pages = {
        name.removeprefix("posts/").partition(".")[0]: name
        for name in tree.list_names()
        if name.startswith("posts/") and name.endswith(".html")
    }
    left_out: Counter[str] = Counter()
    rows = csv.DictReader(io.StringIO(text))
    try:
        for row in rows:
            post = {
                str(name).strip().lower(): value or "" for name, value in row.items() if isinstance(value, str | None)
            }
            if other := _OTHERS.get(post.get("type", "").lower()):
                left_out[other] += 1
            else:
                line_name = f"{where}:{rows.line_num}"
                yield boundary.attempt("read", line_name, _read_post, post, tree, pages, line_name, context)
    except csv.Error as error:
        yield Failure(f"{where}:{rows.line_num + 1}", f"not valid CSV: {error}")
    for kind, count in left_out.items():
        yield Remark(where, f"left out: {count} {kind}")


def _read_post(
    post: Mapping[str, str], tree: FileTree, pages: Mapping[str, str], where: str, context: ParseContext
) -> Item:
    number, _, slug = post.get("post_id", "").removesuffix(".html").partition(".")
    if not number:
        return Failure(where, "no post_id")
    title = values.read_text(html.unescape(post.get("title", "")))
    notes: dict[str, None] = {}
    body = None
    if number in pages:
        try:
            text = clean.scrub(clean.decode(tree.read(pages[number]))[0], notes.setdefault)
        except FileUnreadable as error:
            return Failure(where, f"{pages[number]}: {error}")
        body = _read_body(text)
    if body is None and not title:
        return Failure(where, "neither a title nor a text")
    if body is None:
        notes.setdefault(f"its text ({post.get('post_id')}.html) is not in the export")
    state, fields = _read_state(post, context, has_text=body is not None), DateFields(context, notes.setdefault)
    document = Document(
        where=where,
        external_id=number,
        origin=ORIGIN,
        slug=unquote(slug) or None,
        title=title or cut_title(body.content if body else where),
        title_derived=title is None,
        body=body,
        published=state.at or fields.read("post_date", post.get("post_date")),
        status=state.status,
        extra=_list_extra(post) | fields.unread,
        notes=(*notes, *state.notes),
    )
    return extract_head(add_standfirst(document, values.read_text(html.unescape(post.get("subtitle", "")))))


def _read_state(post: Mapping[str, str], context: ParseContext, *, has_text: bool) -> PublicationState:
    """Public is what is published and for everyone."""
    state = read_state(post, context, required=("is_published",))
    if state.status != "published":
        return state
    audience = post.get("audience", "").strip().lower()
    if audience not in ("", "everyone"):
        return make_held(f"for the audience {audience!r}")
    return state if has_text else make_held("without a text")


def _read_body(text: str) -> DocumentBody | None:
    """The text without buttons to subscribe and share; pictures by their own addresses, not those of a cache."""
    root = html_trees.parse_fragment(text)
    if root is None:
        return None
    for node in root.css(_WIDGETS):
        node.decompose()
    for node in root.css(_BUTTONS):
        links = node.css("a")
        targets = [f"{link.attributes.get('href') or ''}\n{link.text().strip()}" for link in links]
        if all(any(map(_OWN_BUTTON.search, target.split("\n"))) for target in targets):
            node.decompose()
    for node in root.css(_EMBEDS):
        if not node.text().strip() and node.css_first("img, iframe, video, audio") is None:
            _fill_embed(node)
    content = _PACKED.sub(lambda tag: unquote(tag[1]), (root.inner_html or "").strip())
    return (
        DocumentBody("html", content)
        if root.text().strip() or root.css_first("img, iframe, video") is not None
        else None
    )


def _fill_embed(node: LexborNode) -> None:
    """What scripts draw from data: a post of another network, a formula, another article."""
    try:
        embed = values.read_mapping(orjson.loads(node.attributes.get("data-attrs") or "")) or {}
    except orjson.JSONDecodeError:
        return
    url = values.read_text(embed.get("url")) or values.read_text(embed.get("canonical_url")) or ""
    title = values.read_text(embed.get("title")) or ""
    formula = values.read_text(embed.get("persistentExpression")) or ""
    words = [
        values.read_text(embed.get(name)) or "" for name in ("full_text", "text", "caption", "description", "body")
    ]
    name, user = (values.read_text(embed.get(key)) or "" for key in ("name", "username"))
    said_by = " ".join(filter(None, (name, f"@{user}" if user else "", values.read_text(embed.get("date")) or "")))
    parts = [f"<p><code>{html.escape(formula, quote=False)}</code></p>"] if formula else []
    if not url.startswith(("http://", "https://")):
        parts += [f"<p>{html.escape(title, quote=False)}</p>"] if title else []
    elif title:
        parts.append(f'<p><a href="{html.escape(url)}">{html.escape(title, quote=False)}</a></p>')
    parts += [f"<p>{html.escape(text, quote=False)}</p>" for text in dict.fromkeys(filter(None, words))]
    parts += [f"<p><cite>{html.escape(said_by, quote=False)}</cite></p>"] if said_by else []
    if url.startswith(("http://", "https://")) and not title:
        parts.append(f'<p><a href="{html.escape(url)}">{html.escape(url, quote=False)}</a></p>')
    filled = html_trees.parse_fragment(f"<blockquote>{''.join(parts)}</blockquote>")
    if parts and filled is not None and (quoted := filled.css_first("blockquote")) is not None:
        node.replace_with(quoted)


def _list_extra(post: Mapping[str, str]) -> dict[str, object]:
    """What has no place of its own: the recording of a podcast, who it is for, and columns of later exports."""
    extra: dict[str, object] = {}
    for name in ("podcast_url", "audience"):
        if post.get(name, "").strip() not in ("", "everyone"):
            extra[name] = post[name].strip()
    if post.get("type", "newsletter") not in ("newsletter", ""):
        extra["type"] = post["type"]
    return extra | {name: value for name, value in post.items() if name not in _SHOWN | _UNSAID and value}
