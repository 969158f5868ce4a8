"""The addresses of an item on their way in: relative ones are resolved from where the item stands on the web, and what
leads to no page is left out, with a note. The item itself is kept. Pure."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from app.importers.document import Document, DocumentImage, RelatedReference
from app.text import urls

LONGEST = 80


def drop_unsafe_addresses(document: Document) -> tuple[Document, tuple[str, ...]]:
    """The document with addresses on the web only, and what people should know of the others."""
    item_urls = _ItemUrls(document)
    return item_urls.read(), tuple(item_urls.notes)


def is_base(url: str) -> bool:
    """Whether it is the address of a site: with a host, without a name and password."""
    try:
        # The address is stored and shown with every import: a password has no place in it.
        return urls.normalize(url) == url and "@" not in urlsplit(url).netloc
    except ValueError:
        return False


def is_within(url: str | None) -> bool:
    """Whether it is the path of a page within its site, which tells articles of one origin apart; `/:title/` is a
    template that many have."""
    return url is not None and url.startswith("/") and not url.startswith("//") and ":" not in url


class _ItemUrls:
    def __init__(self, document: Document) -> None:
        self._document = document
        self.notes: dict[str, None] = {}
        self._base: str | None = None

    def read(self) -> Document:
        document = self._document
        # The path of a page within its site is no address, but nothing is lost where the whole address is known.
        is_path = document.url is not None and document.url.startswith("/")
        url = None if is_path and document.source_url else self._resolve_url("url", document.url)
        self._base = document.base or url
        images = tuple(image for one in document.images if (image := self._resolve_image(one)))
        related = tuple(post for one in document.related if (post := self._resolve_post(one)))
        earlier = [self._resolve_url("previous_urls", one) for one in document.previous_urls]
        resolved: dict[str, Any] = {
            "url": url,
            "source_url": self._resolve_url("source", document.source_url),
            "canonical_url": self._resolve_url("canonical_url", document.canonical_url),
            "images": images,
            "related": related,
            "previous_urls": tuple(one for one in earlier if one),
        }
        changed = {name: value for name, value in resolved.items() if value != getattr(document, name)}
        return replace(document, **changed) if changed else document

    def _resolve_url(self, name: str, url: str | None) -> str | None:
        if not url:
            return None
        resolved = urls.resolve(url, self._base)
        if resolved is None:
            shortened = url if len(url) <= LONGEST else f"{url[:LONGEST]}…"
            self.notes.setdefault(f"{name}: {shortened!r} is no address on the web, left out")
        return resolved

    def _resolve_image(self, image: DocumentImage) -> DocumentImage | None:
        resolved = self._resolve_url("images", image.url)
        return replace(image, url=resolved) if resolved else None

    def _resolve_post(self, post: RelatedReference) -> RelatedReference | None:
        resolved = self._resolve_url("related", post.url)
        return replace(post, url=resolved) if resolved or post.title else None
