"""Posts as WordPress's REST API gives them (`wp/v2/posts`) made into documents; also replies that were saved as files.

Pure: what a post refers to by number is looked up in what was fetched before, or came embedded with it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson

from app.importers import boundary
from app.importers.document import DocumentImage, Failure, Item, ParseContext, Remark
from app.importers.formats import ndjson
from app.importers.formats.wordpress import bodies
from app.importers.formats.wordpress.posts import (
    WordPressBlog,
    WordPressCategory,
    WordPressPost,
    build_document,
    strip_markup,
)
from app.importers.records import values
from app.importers.text_parts import clean

Json = Mapping[str, object]
_CREDITS = ("credit", "media_credit", "_media_credit", "copyright")
MAX_DEPTH = 20


@dataclass(slots=True)
class RestReferences:
    """What posts refer to, by kind (`users`, `categories`, `tags`, `media`) and number; None for what is not told."""

    entries: dict[str, dict[int, Json | None]] = field(
        default_factory=lambda: {"users": {}, "categories": {}, "tags": {}, "media": {}}
    )

    def list_missing(self, kind: str, posts: Sequence[Json]) -> list[int]:
        """The numbers of that kind that these posts have, and nobody has asked for yet."""
        numbers = {number for post in posts for number in list_references(kind, post)}
        return sorted(numbers - self.entries[kind].keys())

    def add_entries(self, kind: str, entries: Sequence[object], asked: Sequence[int] = ()) -> None:
        """What came back; of the numbers asked for, the others will not be told."""
        self.entries[kind].update(dict.fromkeys(asked))
        for entry in entries:
            fields = values.read_mapping(_scrub(entry)) or {}
            number = _read_number(fields.get("id"))
            if number and ("name" in fields or "source_url" in fields):
                self.entries[kind][number] = fields

    def add_embedded(self, post: Json) -> None:
        """What came with the post itself. Categories without the one above them are asked for again."""
        inside = values.read_mapping(post.get("_embedded")) or {}
        self.add_entries("users", _as_list(inside.get("author")))
        self.add_entries("media", _as_list(inside.get("wp:featuredmedia")))
        for group in _as_list(inside.get("wp:term")):
            terms = [term for term in map(values.read_mapping, _as_list(group)) if term]
            self.add_entries("tags", [term for term in terms if term.get("taxonomy") == "post_tag"])
            self.add_entries("categories", [t for t in terms if t.get("taxonomy") == "category" and "parent" in t])

    def get_entries(self, kind: str, post: Json) -> list[Json]:
        """The entries of that kind that the post has, as far as they are known."""
        return [entry for number in list_references(kind, post) if (entry := self.entries[kind].get(number))]

    def list_missing_parents(self) -> list[int]:
        """Categories that stand above known ones, and nobody has asked for yet."""
        categories = self.entries["categories"]
        above = {_read_number(category.get("parent")) for category in categories.values() if category}
        return sorted(above - categories.keys() - {0})

    def count_depth(self, category: Json) -> int:
        """How many categories stand above this one."""
        depth = 0
        while depth < MAX_DEPTH and (parent := self.entries["categories"].get(_read_number(category.get("parent")))):
            category, depth = parent, depth + 1
        return depth


def list_references(kind: str, post: Json) -> list[int]:
    """The numbers of users, categories, tags or media in a post."""
    single = {"users": "author", "media": "featured_media"}.get(kind)
    values_found = [post.get(single)] if single else _as_list(post.get(kind))
    return [number for value in values_found if (number := _read_number(value))]


def parse(stream: BinaryIO, where: str, context: ParseContext) -> Iterator[Item]:
    """A reply of `wp/v2/posts`, or one post: what it embeds is read, what it refers to by number alone is not there."""
    data = stream.read(ndjson.MAX_FILE + 1)
    if len(data) > ndjson.MAX_FILE:
        yield Failure(where, f"longer than {ndjson.MAX_FILE >> 20} MB")
        return
    try:
        reply = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        yield Failure(where, f"no JSON: {error}")
        return
    references = RestReferences()
    blog = WordPressBlog(url=_find_home(reply[0] if isinstance(reply, list) and reply else reply))
    for number, entry in enumerate(reply if isinstance(reply, list) else [reply], 1):
        item_name = f"{where}#{number}" if isinstance(reply, list) else where
        yield boundary.attempt("read", item_name, read_post, entry, references, blog, item_name, context)


def _find_home(post: object) -> str | None:
    """The site's address, which stands before that of its API in what a post says of itself."""
    links = values.read_mapping((values.read_mapping(post) or {}).get("_links")) or {}
    own = next((one for link in _as_list(links.get("self")) if (one := values.read_mapping(link))), {})
    address = values.read_text(own.get("href")) or ""
    home = re.split(r"/wp-json/|/index\.php\?|/\?", address, maxsplit=1)[0]
    return home if home != address else None


def read_post(
    entry: object, references: RestReferences, blog: WordPressBlog, where: str, context: ParseContext
) -> Item:
    """One post. A Remark for what is no article (a page), or is shown to nobody without its password."""
    notes: dict[str, None] = {}
    try:
        fields = values.read_mapping(clean.scrub_value(entry, notes.setdefault))
    except ValueError as error:
        return Failure(where, str(error))
    if fields is None or "content" not in fields or "title" not in fields:
        return Failure(where, "no post of WordPress: it has no title and content")
    kind = fields.get("type", "post")
    if kind != "post":
        return Remark(where, f"left out: of the type {kind}")
    if (values.read_mapping(fields["content"]) or {}).get("protected") is True and not _read_rendered(
        fields["content"]
    ):
        return Remark(where, "left out: behind a password")
    references.add_embedded(fields)
    return build_document(_build_post(fields, references), blog, where, context, tuple(notes))


def _build_post(fields: Json, references: RestReferences) -> WordPressPost:
    link = values.read_text(fields.get("link"))
    guid = _read_rendered(fields.get("guid")).strip()
    title, description, canonical = _read_seo(fields, link)
    return WordPressPost(
        id=values.read_text(fields.get("id")) or guid,
        link=link,
        slug=values.read_text(fields.get("slug")),
        status=values.read_text(fields.get("status")) or "publish",
        title=_read_rendered(fields["title"]),
        body=bodies.remove_share_buttons(_read_rendered(fields["content"])),
        excerpt=_read_rendered(fields.get("excerpt")),
        date=values.read_text(fields.get("date")),
        date_gmt=values.read_text(fields.get("date_gmt")),
        modified_gmt=values.read_text(fields.get("modified_gmt")),
        language=values.read_text(fields.get("lang")),
        authors=_list_names(references.get_entries("users", fields)),
        categories=tuple(
            WordPressCategory(
                strip_markup(values.read_text(one.get("name")) or ""),
                values.read_text(one.get("slug")) or "",
                references.count_depth(one),
            )
            for one in references.get_entries("categories", fields)
        ),
        tags=_list_names(references.get_entries("tags", fields)),
        images=tuple(image for one in references.get_entries("media", fields) if (image := _read_image(one))),
        previous_urls=(guid,) if guid.startswith(("http://", "https://")) else (),
        canonical_url=canonical,
        seo={name: text for name, text in (("title", title), ("description", description)) if text},
        extra={"sticky": True} if fields.get("sticky") is True else {},
    )


def _read_seo(fields: Json, link: str | None) -> tuple[str | None, str | None, str | None]:
    """What an SEO plugin adds to a reply: its title only where it is not just made of the post's."""
    head = values.read_mapping(fields.get("yoast_head_json")) or {}
    title, canonical = values.read_text(head.get("title")), values.read_text(head.get("canonical"))
    made = title is None or strip_markup(_read_rendered(fields["title"])) in strip_markup(title)
    return None if made else title, values.read_text(head.get("description")), canonical if canonical != link else None


def _list_names(entries: Sequence[Json]) -> tuple[str, ...]:
    names = (strip_markup(values.read_text(entry.get("name")) or "") for entry in entries)
    return tuple(name for name in names if name and "@" not in name)


def _read_image(fields: Json) -> DocumentImage | None:
    url = values.read_text(fields.get("source_url"))
    details = values.read_mapping(fields.get("media_details")) or {}
    if not url or fields.get("media_type", "image") != "image":
        return None
    facts = values.read_mapping(details.get("image_meta")) or {}
    meta = values.read_mapping(fields.get("meta")) or {}
    credit = next(
        (text for name in _CREDITS if (text := values.read_text(meta.get(name)) or values.read_text(facts.get(name)))),
        "",
    )
    return DocumentImage(
        url=url,
        alt=strip_markup(values.read_text(fields.get("alt_text")) or "") or None,
        caption=strip_markup(_read_rendered(fields.get("caption"))) or None,
        credit=strip_markup(credit) or None,
        width=_read_number(details.get("width")) or None,
        height=_read_number(details.get("height")) or None,
    )


def _read_rendered(value: object) -> str:
    """HTML, which is `{"rendered": …}` in replies; plain text is taken as it is."""
    fields = values.read_mapping(value)
    text = fields.get("rendered") if fields is not None else value
    return text if isinstance(text, str) else ""


def _scrub(value: object) -> object:
    try:
        return clean.scrub_value(value, lambda _: None)
    except ValueError:
        return None


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _read_number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
