"""The addresses of an item on their way in: relative ones are resolved from where the item stands on the web, and what
leads to no page is left out, with a note. The item itself is kept. Pure."""

from dataclasses import replace
from urllib.parse import urlsplit

from app.importers.document import Document, Image, RelatedPost
from app.text import urls

LONGEST = 80


def drop_unsafe_addresses(document: Document) -> tuple[Document, tuple[str, ...]]:
    """The document with addresses on the web only, and what people should know of the others."""
    found = _Addresses(document)
    return found.read(), tuple(found.notes)


def is_base(url: str) -> bool:
    """Whether it is the address of a site: with a host, without a name and password."""
    try:
        return urls.normalize(url) == url and "@" not in urlsplit(url).netloc
    except ValueError:
        return False


def is_within(url: str | None) -> bool:
    """Whether it is the path of a page within its site, which tells articles of one origin apart; `/:title/` is a
    template that many have."""
    return url is not None and url.startswith("/") and not url.startswith("//") and ":" not in url


class _Addresses:
    def __init__(self, document: Document) -> None:
        self._document = document
        self.notes: dict[str, None] = {}
        self._base: str | None = None

    def read(self) -> Document:
        given = self._document
        # The path of a page within its site is no address, but nothing is lost where the whole address is known.
        is_path = given.url is not None and given.url.startswith("/")
        url = None if is_path and given.source_url else self._one("url", given.url)
        self._base = given.base or url
        images = tuple(image for one in given.images if (image := self._image(one)))
        related = tuple(post for one in given.related if (post := self._post(one)))
        earlier = [self._one("previous_urls", one) for one in given.previous_urls]
        return replace(
            given,
            url=url,
            source_url=self._one("source", given.source_url),
            canonical_url=self._one("canonical_url", given.canonical_url),
            images=images,
            related=related,
            previous_urls=tuple(one for one in earlier if one),
        )

    def _one(self, name: str, given: str | None) -> str | None:
        if not given:
            return None
        found = urls.resolve(given, self._base)
        if found is None:
            shown = given if len(given) <= LONGEST else f"{given[:LONGEST]}…"
            self.notes.setdefault(f"{name}: {shown!r} is no address on the web, left out")
        return found

    def _image(self, image: Image) -> Image | None:
        found = self._one("images", image.url)
        return replace(image, url=found) if found else None

    def _post(self, post: RelatedPost) -> RelatedPost | None:
        found = self._one("related", post.url)
        return replace(post, url=found) if found or post.title else None
