"""One entry of a WordPress export as a post, with the authors, categories and pictures that it refers to. Pure."""

import re
from collections import ChainMap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lxml import etree

from app.importers.document import DocumentImage
from app.importers.formats.wordpress.bodies import FOOTNOTES, convert_post, render_footnotes
from app.importers.formats.wordpress.posts import WordPressBlog, WordPressCategory, WordPressPost, strip_markup
from app.importers.formats.wordpress.shortcodes import MediaLibrary
from app.importers.formats.xml_stream import repair
from app.importers.records import gated_passages

_CREDITS = ("_media_credit", "media_credit", "_navis_media_credit", "_wp_attachment_source_name", "isc_image_source")
_SEO = {
    "title": ("_yoast_wpseo_title", "rank_math_title", "_aioseo_title", "_aioseop_title"),
    "description": ("_yoast_wpseo_metadesc", "rank_math_description", "_aioseo_description", "_aioseop_description"),
}
_CANONICAL = ("_yoast_wpseo_canonical", "rank_math_canonical_url")
_PRIMARY = ("_yoast_wpseo_primary_category", "rank_math_primary_category")
_PHP_NUMBER = 's:{}:"{}";i:(\\d{{1,6}});'
_PHP_CREDIT = re.compile(r's:6:"credit";s:\d+:"([^"]{1,300})"')
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg|bmp|tiff?|heic)(?:\?|$)", re.IGNORECASE)
MAX_DEPTH = 20
REFERRED_TO = frozenset({"attachment", "wp_block", "guest-author"})
"""Types of entries that posts may need."""


class ExportTerm(NamedTuple):
    """A category, tag or other label on a post."""

    domain: str
    slug: str
    name: str


class ExportEntry:
    """An `<item>`, or another child of the channel, with its fields by their local name (`creator`, `post_id` …), and
    `content` and `excerpt` for the two that are both called `encoded`; of several with one name the first."""

    def __init__(self, element: etree._Element) -> None:
        self.notes: dict[str, None] = {}
        self.terms: list[ExportTerm] = []
        self.meta: dict[str, list[str]] = {}
        self._fields: dict[str, str] = {}
        for child in element.iterchildren("*"):
            self._read_child(child)

    def __getitem__(self, name: str) -> str:
        """The field's text; empty where there is none."""
        return self._fields.get(name, "")

    def find_meta(self, names: tuple[str, ...]) -> str:
        """The first of these metadata that says anything."""
        return next((value for name in names for value in self.meta.get(name, ()) if value.strip()), "")

    def _read_child(self, child: etree._Element) -> None:
        space, _, name = str(child.tag).rpartition("}")
        if name == "encoded":
            name = "excerpt" if "/excerpt" in space else "content"
        if name == "category" and not space:
            slug = str(child.get("nicename") or "")
            self.terms.append(
                ExportTerm(str(child.get("domain") or "category"), slug, strip_markup(self._read_text(child)))
            )
        elif name == "postmeta":
            pair = [self._read_text(part) for part in child.iterchildren("*")]
            if len(pair) == 2 and pair[0]:
                self.meta.setdefault(pair[0], []).append(pair[1])
        elif name != "comment":
            self._fields.setdefault(name, self._read_text(child))

    def _read_text(self, element: etree._Element) -> str:
        return repair(element.text or "", self.notes.setdefault)


@dataclass(slots=True)
class ExportSite:
    """What the posts of an export refer to: small beside the posts themselves."""

    blog: WordPressBlog = field(default_factory=WordPressBlog)
    authors: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    slugs: dict[str, str] = field(default_factory=dict)
    pictures: dict[str, DocumentImage] = field(default_factory=dict)
    uploaded: dict[str, list[str]] = field(default_factory=dict)
    reusable: dict[str, str] = field(default_factory=dict)

    def read_field(self, name: str, text: str) -> None:
        """A field of the channel. The blog's own address goes before the link beside the title."""
        blog = self.blog
        if name == "title":
            self.blog = WordPressBlog(strip_markup(text) or None, blog.url, blog.language)
        elif name == "language":
            self.blog = WordPressBlog(blog.name, blog.url, text.strip() or None)
        elif name == "base_blog_url" or not blog.url:
            self.blog = WordPressBlog(blog.name, text.strip() or None, blog.language)

    def add_author(self, entry: ExportEntry) -> None:
        name = strip_markup(entry["author_display_name"]) or " ".join(
            part for part in (strip_markup(entry["author_first_name"]), strip_markup(entry["author_last_name"])) if part
        )
        if entry["author_login"] and name:
            self.authors[entry["author_login"]] = name

    def add_term(self, entry: ExportEntry) -> None:
        """A category or term: the one above it, and its slug by its number."""
        slug = entry["category_nicename"] or entry["term_slug"] or entry["tag_slug"]
        if parent := entry["category_parent"] or entry["term_parent"]:
            self.parents[slug] = parent
        if entry["term_id"]:
            self.slugs[entry["term_id"]] = slug

    def add_item(self, entry: ExportEntry) -> None:
        """An item that posts may refer to; posts themselves are not kept."""
        kind = entry["post_type"]
        if kind == "attachment" and _PICTURE.search(entry["attachment_url"]):
            self.pictures[entry["post_id"]] = _read_picture(entry)
            if entry["post_parent"] not in ("", "0"):
                self.uploaded.setdefault(entry["post_parent"], []).append(entry["post_id"])
        elif kind == "wp_block":
            self.reusable[entry["post_id"]] = entry["content"]
        elif kind == "guest-author":
            self.authors[entry["post_name"]] = strip_markup(entry["title"])

    def build_post(self, entry: ExportEntry) -> tuple[WordPressPost, tuple[str, ...]]:
        """The entry as a post, and what was repaired or taken out."""
        library = MediaLibrary(self.pictures, self.uploaded)
        stored_notes = entry.find_meta((FOOTNOTES,))
        own = {FOOTNOTES: render_footnotes(stored_notes, entry["content"])} if stored_notes else {}
        shared = ChainMap(own, self.reusable) if own else self.reusable
        body = convert_post(entry["content"], library, shared, entry["post_id"], entry.notes.setdefault)
        lead = self.pictures.get(entry.find_meta(("_thumbnail_id",)))
        guid = entry["guid"].strip()
        post = WordPressPost(
            id=entry["post_id"] or guid,
            link=entry["link"].strip() or None,
            slug=entry["post_name"] or None,
            status=entry["status"] or "publish",
            title=entry["title"],
            body=body,
            excerpt=entry["excerpt"] or entry["description"],
            date=entry["post_date"],
            date_gmt=entry["post_date_gmt"],
            pub_date=entry["pubDate"],
            modified_gmt=entry["post_modified_gmt"],
            has_password=bool(entry["post_password"]),
            language=next((term.slug for term in entry.terms if term.domain == "language"), None),
            authors=self._list_authors(entry),
            categories=tuple(self._list_categories(entry)),
            tags=tuple(term.name for term in entry.terms if term.domain == "post_tag" and term.name),
            images=(lead,) if lead else (),
            previous_slugs=tuple(entry.meta.get("_wp_old_slug", ())),
            previous_urls=(guid,) if guid.startswith(("http://", "https://")) else (),
            canonical_url=entry.find_meta(_CANONICAL) or None,
            seo={name: said for name, keys in _SEO.items() if (said := entry.find_meta(keys)) and "%" not in said},
            extra=_list_extra(entry),
            gate=gated_passages.find_gate(entry["content"], shared),
        )
        return post, tuple(entry.notes)

    def _list_authors(self, entry: ExportEntry) -> tuple[str, ...]:
        """Those whom a plugin for several authors names, else the one whose account it was; never an e-mail address."""
        several = [term for term in entry.terms if term.domain == "author"]
        if several:
            return tuple(self._find_author(term.slug, term.slug.removeprefix("cap-")) or term.name for term in several)
        login = entry["creator"]
        name = self._find_author(login) or login
        return (name,) if name and "@" not in name else ()

    def _find_author(self, *keys: str) -> str | None:
        return next((self.authors[key] for key in keys if key in self.authors), None)

    def _list_categories(self, entry: ExportEntry) -> Iterator[WordPressCategory]:
        primary = self.slugs.get(entry.find_meta(_PRIMARY))
        for term in entry.terms:
            if term.domain == "category" and term.name:
                yield WordPressCategory(
                    term.name, term.slug, self._count_depth(term.slug), bool(primary) and term.slug == primary
                )

    def _count_depth(self, slug: str) -> int:
        depth = 0
        while depth < MAX_DEPTH and (slug := self.parents.get(slug, "")):
            depth += 1
        return depth


def _read_picture(entry: ExportEntry) -> DocumentImage:
    facts = entry.find_meta(("_wp_attachment_metadata",))
    width, height = (re.search(_PHP_NUMBER.format(len(name), name), facts) for name in ("width", "height"))
    credit = _PHP_CREDIT.search(facts)
    return DocumentImage(
        url=entry["attachment_url"],
        alt=strip_markup(entry.find_meta(("_wp_attachment_image_alt",))) or None,
        caption=strip_markup(entry["excerpt"]) or None,
        credit=strip_markup(entry.find_meta(_CREDITS) or (credit[1] if credit else "")) or None,
        width=int(width[1]) if width else None,
        height=int(height[1]) if height else None,
    )


def _list_extra(entry: ExportEntry) -> dict[str, object]:
    """What has no place of its own: labels of other kinds, an editor's own fields, that it stays on top."""
    extra: dict[str, object] = {"sticky": True} if entry["is_sticky"] == "1" else {}
    for term in entry.terms:
        if term.domain not in ("category", "post_tag", "author", "language", "post_format"):
            kept = extra.setdefault(term.domain, [])
            if isinstance(kept, list):
                kept.append(term.name)
    own = {name: said for name, said in entry.meta.items() if not name.startswith("_") and any(map(str.strip, said))}
    known_keys = {FOOTNOTES, *_CREDITS, *_CANONICAL, *_PRIMARY, *_SEO["title"], *_SEO["description"]}
    meta = {name: said[0] if len(said) == 1 else said for name, said in own.items() if name not in known_keys}
    return {**extra, "meta": meta} if meta else extra
