"""Addresses in what feedparser found: links by their relation, pictures of media elements and enclosures.

Never takes one name for another, as feedparser's own `get` does, and takes only addresses on the web.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from app.importers.formats.feeds import feed_bytes
from app.text import urls

Record = dict[str, object]

LOST = "enclosure {!r} leads to nothing on the web: left out"
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg)\Z", re.IGNORECASE)


def read_host(url: str | None) -> str | None:
    """The host of an address; None where there is none."""
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def get_exact(parsed: Mapping[str, object], name: str) -> object:
    """The value under exactly this name: feedparser's own `get` takes one name for another."""
    return dict.get(parsed, name) if isinstance(parsed, dict) else None


def read_web_url(value: object) -> str | None:
    url = value.strip() if isinstance(value, str) else ""
    return url if url.lower().startswith(("http://", "https://")) and read_host(url) else None


def resolve_files(entry: Mapping[str, object], base: str | None, note: Callable[[str], object]) -> None:
    """Makes the addresses of enclosures and media absolute, seen from `base`; `note` is called with each that leads to
    nothing on the web and is left out therefore."""
    links_found = get_exact(entry, "links")
    every = [one for one in links_found if isinstance(one, dict)] if isinstance(links_found, list) else []
    files = [(one, "href") for one in every if get_exact(one, "rel") == "enclosure"]
    files += [(one, "url") for name in ("media_content", "media_thumbnail") for one in _list_media(entry, name)]
    for one, name in files:
        url = str(get_exact(one, name) or "").strip()
        if not url or read_web_url(url):
            continue
        resolved = urls.resolve(url, base or ("https:" if url.startswith("//") else None))
        if resolved is not None and read_web_url(resolved):
            one[name] = resolved
        else:
            note(LOST.format(url[:80]))


def list_links(entry: Mapping[str, object], rel: str) -> list[dict[str, str]]:
    links_found = get_exact(entry, "links")
    every = [dict(one) for one in links_found if isinstance(one, Mapping)] if isinstance(links_found, list) else []
    return [link for link in every if link.get("rel") == rel and read_web_url(link.get("href"))]


def is_picture(link: Mapping[str, object]) -> bool:
    kind, medium = str(link.get("type") or ""), link.get("medium")
    if medium or kind:
        return medium == "image" or kind.startswith("image/")
    return bool(_PICTURE.search(urlsplit(str(link.get("href") or link.get("url"))).path))


def list_images(entry: Mapping[str, object]) -> list[Record]:
    """Pictures of `media:content` with their credits, then of enclosures; a thumbnail where there is nothing else."""
    media = [one for one in _list_media(entry, "media_content") if is_picture(one)]
    credits = [str(get_exact(one, "content") or "") for one in _list_media(entry, "media_credit", "content")]
    # Credits stand in a list of their own: whose they are is sure only where there is one for each, or one picture.
    paired = credits if len(credits) == len(media) else credits[:1] * len(media) if len(set(credits)) == 1 else []
    # feedparser keeps one of several descriptions: it is the caption of the one picture.
    caption = get_exact(entry, feed_bytes.CAPTION) if len(media) == 1 else None
    by_url: dict[str, Record] = {}
    for number, one in enumerate(media):
        size = {name: get_exact(one, name) for name in ("width", "height")}
        by_url.setdefault(str(one["url"]), size | {"credit": paired[number] if paired else None, "caption": caption})
    for link in list_links(entry, "enclosure"):
        if is_picture(link):
            by_url.setdefault(link["href"], {})
    for one in _list_media(entry, "media_thumbnail") if not by_url else ():
        by_url.setdefault(str(one["url"]), {name: get_exact(one, name) for name in ("width", "height")})
    return [{"url": url} | fields for url, fields in by_url.items() if read_web_url(url)]


def _list_media(entry: Mapping[str, object], name: str, needed: str = "url") -> list[Record]:
    media = get_exact(entry, name)
    return [one for one in media if isinstance(one, dict) and get_exact(one, needed)] if isinstance(media, list) else []
