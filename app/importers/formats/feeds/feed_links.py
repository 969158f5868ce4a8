"""Addresses in what feedparser found: links by their relation, pictures of media elements and enclosures.

Never answers for one name with another, as feedparser's own `get` does, and takes only addresses on the web.
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from app.importers.formats.feeds import feed_bytes
from app.text import urls

Record = dict[str, object]

LOST = "enclosure {!r} leads to nothing on the web: left out"
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp|avif|svg)\Z", re.IGNORECASE)


def host(url: str | None) -> str | None:
    """The host of an address; None where there is none."""
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def get(found: Mapping[str, object], name: str) -> object:
    """The value under exactly this name: feedparser's own `get` answers for one name with another."""
    return dict.get(found, name) if isinstance(found, dict) else None


def web(value: object) -> str | None:
    said = value.strip() if isinstance(value, str) else ""
    return said if said.lower().startswith(("http://", "https://")) and host(said) else None


def resolve_files(entry: Mapping[str, object], base: str | None, note: Callable[[str], object]) -> None:
    """Makes the addresses of enclosures and media absolute, seen from `base`; `note` is called with each that leads to
    nothing on the web and is left out therefore."""
    found = get(entry, "links")
    every = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    files = [(one, "href") for one in every if get(one, "rel") == "enclosure"]
    files += [(one, "url") for name in ("media_content", "media_thumbnail") for one in _medias(entry, name)]
    for one, name in files:
        said = str(get(one, name) or "").strip()
        if not said or web(said):
            continue
        resolved = urls.resolve(said, base or ("https:" if said.startswith("//") else None))
        if resolved is not None and web(resolved):
            one[name] = resolved
        else:
            note(LOST.format(said[:80]))


def links(entry: Mapping[str, object], rel: str) -> list[dict[str, str]]:
    found = get(entry, "links")
    every = [dict(one) for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    return [link for link in every if link.get("rel") == rel and web(link.get("href"))]


def is_picture(link: Mapping[str, object]) -> bool:
    kind, medium = str(link.get("type") or ""), link.get("medium")
    if medium or kind:
        return medium == "image" or kind.startswith("image/")
    path = urlsplit(str(link.get("href") or link.get("url"))).path
    return bool(_PICTURE.search(path))


def images(entry: Mapping[str, object]) -> list[Record]:
    """Pictures of `media:content` with their credits, then of enclosures; a thumbnail where there is nothing else."""
    media = [one for one in _medias(entry, "media_content") if is_picture(one)]
    credits = [str(get(one, "content") or "") for one in _medias(entry, "media_credit", "content")]
    # Credits stand in a list of their own: whose they are is sure only where there is one for each, or one picture.
    paired = credits if len(credits) == len(media) else credits[:1] * len(media) if len(set(credits)) == 1 else []
    # feedparser keeps one of several descriptions: it is the caption of the one picture.
    caption = get(entry, feed_bytes.CAPTION) if len(media) == 1 else None
    found: dict[str, Record] = {}
    for number, one in enumerate(media):
        size = {name: get(one, name) for name in ("width", "height")}
        found.setdefault(str(one["url"]), size | {"credit": paired[number] if paired else None, "caption": caption})
    for link in links(entry, "enclosure"):
        if is_picture(link):
            found.setdefault(link["href"], {})
    for one in _medias(entry, "media_thumbnail") if not found else ():
        found.setdefault(str(one["url"]), {name: get(one, name) for name in ("width", "height")})
    return [{"url": url} | said for url, said in found.items() if web(url)]


def _medias(entry: Mapping[str, object], name: str, needed: str = "url") -> list[Record]:
    found = get(entry, name)
    return [one for one in found if isinstance(one, dict) and get(one, needed)] if isinstance(found, list) else []
