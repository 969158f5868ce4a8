"""Posts as WordPress's REST API gives them (`wp/v2/posts`) made into documents; also replies that were saved as files.

Pure: what a post refers to by number is looked up in what was fetched before, or came embedded with it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson

from app.importers import boundary
from app.importers.document import Context, Failure, Image, Item, Remark
from app.importers.formats import ndjson
from app.importers.formats.wordpress import bodies
from app.importers.formats.wordpress.posts import Blog, Category, Post, document, words
from app.importers.records import values
from app.importers.text_parts import clean

Json = Mapping[str, object]
_CREDITS = ("credit", "media_credit", "_media_credit", "copyright")
MAX_DEPTH = 20


@dataclass(slots=True)
class Known:
    """What posts refer to, by kind (`users`, `categories`, `tags`, `media`) and number; None for what is not told."""

    found: dict[str, dict[int, Json | None]] = field(
        default_factory=lambda: {"users": {}, "categories": {}, "tags": {}, "media": {}}
    )

    def missing(self, kind: str, posts: Sequence[Json]) -> list[int]:
        """The numbers of that kind that these posts have, and nobody has asked for yet."""
        wanted = {number for post in posts for number in referred(kind, post)}
        return sorted(wanted - self.found[kind].keys())

    def keep(self, kind: str, entries: Sequence[object], asked: Sequence[int] = ()) -> None:
        """What came back; of the numbers asked for, the others will not be told."""
        self.found[kind].update(dict.fromkeys(asked))
        for entry in entries:
            said = values.mapping(_scrubbed(entry)) or {}
            number = _number(said.get("id"))
            if number and ("name" in said or "source_url" in said):
                self.found[kind][number] = said

    def embedded(self, post: Json) -> None:
        """What came with the post itself. Categories without the one above them are asked for again."""
        inside = values.mapping(post.get("_embedded")) or {}
        self.keep("users", _list(inside.get("author")))
        self.keep("media", _list(inside.get("wp:featuredmedia")))
        for group in _list(inside.get("wp:term")):
            terms = [term for term in map(values.mapping, _list(group)) if term]
            self.keep("tags", [term for term in terms if term.get("taxonomy") == "post_tag"])
            self.keep("categories", [t for t in terms if t.get("taxonomy") == "category" and "parent" in t])

    def named(self, kind: str, post: Json) -> list[Json]:
        """The entries of that kind that the post has, as far as they are known."""
        return [entry for number in referred(kind, post) if (entry := self.found[kind].get(number))]

    def parents_missing(self) -> list[int]:
        """Categories that stand above known ones, and nobody has asked for yet."""
        known = self.found["categories"]
        above = {_number(category.get("parent")) for category in known.values() if category}
        return sorted(above - known.keys() - {0})

    def depth(self, category: Json) -> int:
        """How many categories stand above this one."""
        depth = 0
        while depth < MAX_DEPTH and (parent := self.found["categories"].get(_number(category.get("parent")))):
            category, depth = parent, depth + 1
        return depth


def referred(kind: str, post: Json) -> list[int]:
    """The numbers of users, categories, tags or media in a post."""
    single = {"users": "author", "media": "featured_media"}.get(kind)
    given = [post.get(single)] if single else _list(post.get(kind))
    return [number for value in given if (number := _number(value))]


def parse(stream: BinaryIO, where: str, context: Context) -> Iterator[Item]:
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
    known = Known()
    blog = Blog(url=_home(reply[0] if isinstance(reply, list) and reply else reply))
    for number, entry in enumerate(reply if isinstance(reply, list) else [reply], 1):
        place = f"{where}#{number}" if isinstance(reply, list) else where
        yield boundary.attempt("read", place, read, entry, known, blog, place, context)


def _home(post: object) -> str | None:
    """The site's address, which stands before that of its API in what a post says of itself."""
    links = values.mapping((values.mapping(post) or {}).get("_links")) or {}
    own = next((one for link in _list(links.get("self")) if (one := values.mapping(link))), {})
    address = values.text(own.get("href")) or ""
    home = re.split(r"/wp-json/|/index\.php\?|/\?", address, maxsplit=1)[0]
    return home if home != address else None


def read(entry: object, known: Known, blog: Blog, where: str, context: Context) -> Item:
    """One post. A Remark for what is no article (a page), or is shown to nobody without its password."""
    notes: dict[str, None] = {}
    try:
        said = values.mapping(clean.scrub_value(entry, notes.setdefault))
    except ValueError as error:
        return Failure(where, str(error))
    if said is None or "content" not in said or "title" not in said:
        return Failure(where, "no post of WordPress: it has no title and content")
    kind = said.get("type", "post")
    if kind != "post":
        return Remark(where, f"left out: of the type {kind}")
    if (values.mapping(said["content"]) or {}).get("protected") is True and not _rendered(said["content"]):
        return Remark(where, "left out: behind a password")
    known.embedded(said)
    return document(_post(said, known), blog, where, context, tuple(notes))


def _post(said: Json, known: Known) -> Post:
    link = values.text(said.get("link"))
    guid = _rendered(said.get("guid")).strip()
    title, description, canonical = _seo(said, link)
    return Post(
        id=values.text(said.get("id")) or guid,
        link=link,
        slug=values.text(said.get("slug")),
        status=values.text(said.get("status")) or "publish",
        title=_rendered(said["title"]),
        body=bodies.tidy(_rendered(said["content"])),
        excerpt=_rendered(said.get("excerpt")),
        date=values.text(said.get("date")),
        date_gmt=values.text(said.get("date_gmt")),
        modified_gmt=values.text(said.get("modified_gmt")),
        language=values.text(said.get("lang")),
        authors=_names(known.named("users", said)),
        categories=tuple(_category(one, known) for one in known.named("categories", said)),
        tags=_names(known.named("tags", said)),
        images=tuple(image for one in known.named("media", said) if (image := _image(one))),
        previous_urls=(guid,) if guid.startswith(("http://", "https://")) else (),
        canonical_url=canonical,
        seo={name: text for name, text in (("title", title), ("description", description)) if text},
        extra={"sticky": True} if said.get("sticky") is True else {},
    )


def _seo(said: Json, link: str | None) -> tuple[str | None, str | None, str | None]:
    """What an SEO plugin adds to a reply: its title only where it is not just made of the post's."""
    head = values.mapping(said.get("yoast_head_json")) or {}
    title, canonical = values.text(head.get("title")), values.text(head.get("canonical"))
    made = title is None or words(_rendered(said["title"])) in words(title)
    return None if made else title, values.text(head.get("description")), canonical if canonical != link else None


def _category(said: Json, known: Known) -> Category:
    return Category(words(values.text(said.get("name")) or ""), values.text(said.get("slug")) or "", known.depth(said))


def _names(entries: Sequence[Json]) -> tuple[str, ...]:
    found = (words(values.text(entry.get("name")) or "") for entry in entries)
    return tuple(name for name in found if name and "@" not in name)


def _image(said: Json) -> Image | None:
    url = values.text(said.get("source_url"))
    details = values.mapping(said.get("media_details")) or {}
    if not url or said.get("media_type", "image") != "image":
        return None
    facts = values.mapping(details.get("image_meta")) or {}
    meta = values.mapping(said.get("meta")) or {}
    credit = next(
        (text for name in _CREDITS if (text := values.text(meta.get(name)) or values.text(facts.get(name)))), ""
    )
    return Image(
        url=url,
        alt=words(values.text(said.get("alt_text")) or "") or None,
        caption=words(_rendered(said.get("caption"))) or None,
        credit=words(credit) or None,
        width=_number(details.get("width")) or None,
        height=_number(details.get("height")) or None,
    )


def _rendered(value: object) -> str:
    """HTML, which is `{"rendered": …}` in replies; plain text is taken as it is."""
    said = values.mapping(value)
    text = said.get("rendered") if said is not None else value
    return text if isinstance(text, str) else ""


def _scrubbed(value: object) -> object:
    try:
        return clean.scrub_value(value, lambda _: None)
    except ValueError:
        return None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
