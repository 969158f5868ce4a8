"""The addresses that Jekyll and Hugo give their files: from the front matter, the name of the file and the site's
configuration. Pure but for `read_site`, which reads that configuration and nothing else.

Never invents an address: without the address of the site (`--base-url`, or its own configuration) only slugs are known.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from pathlib import Path, PurePosixPath
from urllib.parse import urljoin, urlsplit

import orjson
import yaml

from app.importers.document import Body, Document
from app.importers.formats import frontmatter
from app.importers.records import values
from app.text import keys

MAX_CONFIG = 1_000_000
JEKYLL = ("_config.yml", "_config.yaml", "_config.toml")
HUGO = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config.toml", "config.yaml", "config.yml", "config.json")
STYLES: Mapping[str, str] = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
"""Jekyll's own styles of addresses, https://jekyllrb.com/docs/permalinks/"""
NOTE_NO_BASE = "its address {} is one within the site: give that of the site with --base-url"
_DATED = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-(.+)")
_NAMED = re.compile(r":([a-z_]+)|:\{([a-z_]+)\}")
_LIQUID = re.compile(
    r"\{\{-?\s*(?:site\.(?P<home>url|baseurl|github\.url)|[\"'](?P<path>[^\"'{}]{0,300})[\"']\s*\|\s*(?:relative|absolute)_url)\s*-?\}\}"
)
_INDEX = frozenset(("index", "_index", "readme"))


@dataclass(frozen=True, slots=True)
class Site:
    """What a site's configuration says. `style` is Jekyll's template of addresses, `sections` are Hugo's by section."""

    base: str | None = None
    style: str | None = None
    sections: Mapping[str, str] = field(default_factory=dict)
    is_jekyll: bool = False
    is_hugo: bool = False


PLAIN = Site()


def read_site(folder: Path) -> Site:
    """The site that a folder is, told by its configuration."""
    for names, kind in ((JEKYLL, "jekyll"), (HUGO, "hugo")):
        for name in names:
            config = _config(folder / name)
            if config is not None and (kind == "jekyll" or name.startswith("hugo") or "baseurl" in config):
                return _jekyll(config) if kind == "jekyll" else _hugo(config)
    return PLAIN


def _config(path: Path) -> Mapping[str, object] | None:
    """A configuration with its names in small letters; None where there is none that can be read."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_CONFIG)
        if path.suffix == ".toml":
            found: object = tomllib.loads(data.decode())
        elif path.suffix == ".json":
            found = orjson.loads(data)
        else:
            found, _ = frontmatter.split(f"---\n{data.decode()}\n---\n")
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    return {str(name).lower(): value for name, value in found.items()} if isinstance(found, Mapping) else None


def _jekyll(config: Mapping[str, object]) -> Site:
    home, below = values.text(config.get("url")) or "", values.text(config.get("baseurl")) or ""
    style = values.text(config.get("permalink")) or "date"
    return Site(_address(home.rstrip("/") + "/" + below.strip("/")), STYLES.get(style, style), is_jekyll=True)


def _hugo(config: Mapping[str, object]) -> Site:
    given = values.mapping(config.get("permalinks")) or {}
    given = values.mapping(given.get("page")) or given
    sections = {str(name): style for name, style in given.items() if isinstance(style, str)}
    return Site(_address(values.text(config.get("baseurl")) or ""), sections=sections, is_hugo=True)


def _address(url: str) -> str | None:
    return url.rstrip("/") if url.startswith(("http://", "https://")) and urlsplit(url).hostname else None


def settle(document: Document, path: str, site: Site, zone: tzinfo = UTC) -> Document:
    """The document of the file at `path` within its site, with its slug, its address there and earlier ones."""
    named = PurePosixPath(path)
    dated = _DATED.fullmatch(named.stem)
    is_post = bool(dated) or "_posts" in named.parts or "_drafts" in named.parts
    if not (is_post or site.is_jekyll or site.is_hugo or site.base or _is_within(document.url)):
        return _with_aliases(document, site)
    document = replace(document, slug=document.slug or _slug(document, named, dated, site))
    if is_post or site.is_jekyll:
        document = _unliquid(document, urlsplit(site.base or "").path.rstrip("/"))
    return _with_aliases(_with_address(document, _path(document, named, dated, site, zone), site), site)


def _is_within(url: str | None) -> bool:
    return bool(url) and not str(url).startswith(("http://", "https://", "//"))


def _slug(document: Document, named: PurePosixPath, dated: re.Match[str] | None, site: Site) -> str | None:
    """Out of the address in the front matter, else the name of the file; none where only the title could give one."""
    if _is_within(document.url) and ":" not in str(document.url):
        last = PurePosixPath(str(document.url).strip("/"))
        if last.stem and last.stem not in _INDEX:
            return last.stem if last.suffix in (".html", ".htm", ".php") else last.name
    if dated:
        return dated[4]
    if site.is_hugo or "_posts" in named.parts or "_drafts" in named.parts:
        return named.parent.name if named.stem in _INDEX and named.parent.name else named.stem
    return None


def _path(
    document: Document, named: PurePosixPath, dated: re.Match[str] | None, site: Site, zone: tzinfo
) -> str | None:
    """The address within the site; None where nothing says it."""
    given = document.url if _is_within(document.url) else None
    style = given if given and ":" in given else None
    if given and style is None:
        return given
    day = _day(document, dated, zone)
    if style or (site.style and (dated or "_posts" in named.parts)):
        return _filled(style or site.style or "", document, named, dated, day)
    return _hugo_path(document, named, site, dated, day) if site.is_hugo else None


def _day(document: Document, dated: re.Match[str] | None, zone: tzinfo) -> datetime | None:
    if document.published is not None:
        return datetime.fromtimestamp(document.published.instant, zone)
    try:
        return datetime(int(dated[1]), int(dated[2]), int(dated[3]), tzinfo=zone) if dated else None
    except ValueError:
        return None


def _filled(
    style: str, document: Document, named: PurePosixPath, dated: re.Match[str] | None, day: datetime | None
) -> str | None:
    """A template with its parts in their places; None where one is not known."""
    title = dated[4] if dated else named.stem
    known = {
        "title": document.slug or title,
        "slug": document.slug or title,
        "slugorfilename": document.slug or title,
        "filename": title,
        "contentbasename": title,
        "categories": "/".join(keys.slug(one, "") for one in document.sections),
        "output_ext": ".html",
        "section": named.parent.parts[0] if named.parent.parts else "",
        "sections": "/".join(named.parent.parts),
    }
    if day is not None:
        known |= {
            "year": f"{day:%Y}",
            "short_year": f"{day:%y}",
            "month": f"{day:%m}",
            "i_month": str(day.month),
            "day": f"{day:%d}",
            "i_day": str(day.day),
            "y_day": f"{day:%j}",
            "yearday": str(day.timetuple().tm_yday),
            "week": f"{day:%V}",
            "hour": f"{day:%H}",
            "minute": f"{day:%M}",
            "second": f"{day:%S}",
        }
    missing = [one[1] or one[2] for one in _NAMED.finditer(style) if (one[1] or one[2]) not in known]
    if missing:
        return None
    path = _NAMED.sub(lambda one: known[one[1] or one[2]], style)
    return re.sub(r"/{2,}", "/", f"/{path}")


def _hugo_path(
    document: Document, named: PurePosixPath, site: Site, dated: re.Match[str] | None, day: datetime | None
) -> str | None:
    """The path of the file below `content`, with the slug for its name, unless its section has a template."""
    parts = named.parts[named.parts.index("content") + 1 :] if "content" in named.parts else named.parts
    inside = PurePosixPath(*parts) if parts else named
    section = inside.parts[0] if len(inside.parts) > 1 else ""
    if style := site.sections.get(section):
        return _filled(style, document, inside, dated, day)
    folder = inside.parent.parent if inside.stem in _INDEX else inside.parent
    name = document.slug or inside.stem
    return re.sub(r"/{2,}", "/", f"/{folder.as_posix().strip('.')}/{name}/").lower()


def _with_address(document: Document, path: str | None, site: Site) -> Document:
    """The address becomes the source's; what the front matter calls one stays what the article is known by."""
    if path is None or document.source_url:
        return document
    if site.base is None:
        return replace(document, notes=(*document.notes, NOTE_NO_BASE.format(path[:100]))) if document.url else document
    return replace(document, source_url=joined(site.base, path))


def joined(base: str, path: str) -> str:
    """An address within a site that may itself lie in a folder of its host."""
    return urljoin(f"{base.rstrip('/')}/", path.lstrip("/"))


def _with_aliases(document: Document, site: Site) -> Document:
    """Earlier addresses within the site as addresses where the site's is known, else as slugs."""
    urls, slugs = [], list(document.previous_slugs)
    for url in document.previous_urls:
        if not _is_within(url):
            urls.append(url)
        elif site.base is not None:
            urls.append(joined(site.base, url))
        elif (last := PurePosixPath(url.strip("/"))).stem not in ("", *_INDEX) and not last.stem.isdecimal():
            slugs.append(last.stem if last.suffix in (".html", ".htm", ".php") else last.name)
    own = document.slug
    return replace(
        document,
        previous_urls=tuple(dict.fromkeys(urls)),
        previous_slugs=tuple(slug for slug in dict.fromkeys(slugs) if slug != own),
    )


def _unliquid(document: Document, folder: str) -> Document:
    """The text without Jekyll's ways of writing the site's own address, which then are paths within its host."""
    body = document.body
    if body is None or "{{" not in body.content:
        return document

    def path(found: re.Match[str]) -> str:
        return "" if found["home"] == "url" else f"{folder}{found['path'] or ''}"

    content = _LIQUID.sub(path, body.content)
    return replace(document, body=Body(body.kind, content))
