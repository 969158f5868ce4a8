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

from app.importers.document import Document, DocumentBody
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
class StaticSite:
    """What a site's configuration says. `style` is Jekyll's template of addresses, `sections` are Hugo's by section."""

    base: str | None = None
    style: str | None = None
    sections: Mapping[str, str] = field(default_factory=dict)
    is_jekyll: bool = False
    is_hugo: bool = False


PLAIN = StaticSite()


def read_site(folder: Path) -> StaticSite:
    """The site that a folder is, told by its configuration."""
    for names, kind in ((JEKYLL, "jekyll"), (HUGO, "hugo")):
        for name in names:
            config = _load_config(folder / name)
            if config is not None and (kind == "jekyll" or name.startswith("hugo") or "baseurl" in config):
                return _read_jekyll(config) if kind == "jekyll" else _read_hugo(config)
    return PLAIN


def _load_config(path: Path) -> Mapping[str, object] | None:
    """A configuration with its names in small letters; None where there is none that can be read."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_CONFIG)
        if path.suffix == ".toml":
            loaded: object = tomllib.loads(data.decode())
        elif path.suffix == ".json":
            loaded = orjson.loads(data)
        else:
            loaded, _ = frontmatter.split_front_matter(f"---\n{data.decode()}\n---\n")
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    return {str(name).lower(): value for name, value in loaded.items()} if isinstance(loaded, Mapping) else None


def _read_jekyll(config: Mapping[str, object]) -> StaticSite:
    home, below = values.read_text(config.get("url")) or "", values.read_text(config.get("baseurl")) or ""
    style = values.read_text(config.get("permalink")) or "date"
    return StaticSite(_read_base(home.rstrip("/") + "/" + below.strip("/")), STYLES.get(style, style), is_jekyll=True)


def _read_hugo(config: Mapping[str, object]) -> StaticSite:
    permalinks = values.read_mapping(config.get("permalinks")) or {}
    permalinks = values.read_mapping(permalinks.get("page")) or permalinks
    sections = {str(name): style for name, style in permalinks.items() if isinstance(style, str)}
    return StaticSite(_read_base(values.read_text(config.get("baseurl")) or ""), sections=sections, is_hugo=True)


def _read_base(url: str) -> str | None:
    return url.rstrip("/") if url.startswith(("http://", "https://")) and urlsplit(url).hostname else None


def add_site_address(document: Document, path: str, site: StaticSite, zone: tzinfo = UTC) -> Document:
    """The document of the file at `path` within its site, with its slug, its address there and earlier ones."""
    file_path = PurePosixPath(path)
    dated = _DATED.fullmatch(file_path.stem)
    is_post = bool(dated) or "_posts" in file_path.parts or "_drafts" in file_path.parts
    if not (is_post or site.is_jekyll or site.is_hugo or site.base or _is_within(document.url)):
        return _add_aliases(document, site)
    document = replace(document, slug=document.slug or _choose_slug(document, file_path, dated, site))
    if is_post or site.is_jekyll:
        document = _replace_liquid(document, urlsplit(site.base or "").path.rstrip("/"))
    return _add_aliases(_add_address(document, _choose_path(document, file_path, dated, site, zone), site), site)


def _is_within(url: str | None) -> bool:
    return bool(url) and not str(url).startswith(("http://", "https://", "//"))


def _choose_slug(
    document: Document, file_path: PurePosixPath, dated: re.Match[str] | None, site: StaticSite
) -> str | None:
    """Out of the address in the front matter, else the name of the file; none where only the title could give one."""
    if _is_within(document.url) and ":" not in str(document.url):
        last = PurePosixPath(str(document.url).strip("/"))
        if last.stem and last.stem not in _INDEX:
            return last.stem if last.suffix in (".html", ".htm", ".php") else last.name
    if dated:
        return dated[4]
    if site.is_hugo or "_posts" in file_path.parts or "_drafts" in file_path.parts:
        return file_path.parent.name if file_path.stem in _INDEX and file_path.parent.name else file_path.stem
    return None


def _choose_path(
    document: Document, file_path: PurePosixPath, dated: re.Match[str] | None, site: StaticSite, zone: tzinfo
) -> str | None:
    """The address within the site; None where nothing says it."""
    stated_path = document.url if _is_within(document.url) else None
    style = stated_path if stated_path and ":" in stated_path else None
    if stated_path and style is None:
        return stated_path
    day = _choose_day(document, dated, zone)
    if style or (site.style and (dated or "_posts" in file_path.parts)):
        return _fill_template(style or site.style or "", document, file_path, dated, day)
    return _choose_hugo_path(document, file_path, site, dated, day) if site.is_hugo else None


def _choose_day(document: Document, dated: re.Match[str] | None, zone: tzinfo) -> datetime | None:
    if document.published is not None:
        return datetime.fromtimestamp(document.published.instant, zone)
    try:
        return datetime(int(dated[1]), int(dated[2]), int(dated[3]), tzinfo=zone) if dated else None
    except ValueError:
        return None


def _fill_template(
    style: str, document: Document, file_path: PurePosixPath, dated: re.Match[str] | None, day: datetime | None
) -> str | None:
    """A template with its parts in their places; None where one is not known."""
    title = dated[4] if dated else file_path.stem
    parts = {
        "title": document.slug or title,
        "slug": document.slug or title,
        "slugorfilename": document.slug or title,
        "filename": title,
        "contentbasename": title,
        "categories": "/".join(keys.slug(one, "") for one in document.sections),
        "output_ext": ".html",
        "section": file_path.parent.parts[0] if file_path.parent.parts else "",
        "sections": "/".join(file_path.parent.parts),
    }
    if day is not None:
        parts |= {
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
    missing = [one[1] or one[2] for one in _NAMED.finditer(style) if (one[1] or one[2]) not in parts]
    if missing:
        return None
    path = _NAMED.sub(lambda one: parts[one[1] or one[2]], style)
    return re.sub(r"/{2,}", "/", f"/{path}")


def _choose_hugo_path(
    document: Document, file_path: PurePosixPath, site: StaticSite, dated: re.Match[str] | None, day: datetime | None
) -> str | None:
    """The path of the file below `content`, with the slug for its name, unless its section has a template."""
    parts = file_path.parts[file_path.parts.index("content") + 1 :] if "content" in file_path.parts else file_path.parts
    inside = PurePosixPath(*parts) if parts else file_path
    section = inside.parts[0] if len(inside.parts) > 1 else ""
    if style := site.sections.get(section):
        return _fill_template(style, document, inside, dated, day)
    folder = inside.parent.parent if inside.stem in _INDEX else inside.parent
    name = document.slug or inside.stem
    return re.sub(r"/{2,}", "/", f"/{folder.as_posix().strip('.')}/{name}/").lower()


def _add_address(document: Document, path: str | None, site: StaticSite) -> Document:
    """The address becomes the source's; what the front matter calls one stays what the article is known by."""
    if path is None or document.source_url:
        return document
    if site.base is None:
        return replace(document, notes=(*document.notes, NOTE_NO_BASE.format(path[:100]))) if document.url else document
    return replace(document, source_url=join_url(site.base, path))


def join_url(base: str, path: str) -> str:
    """An address within a site that may itself lie in a folder of its host."""
    return urljoin(f"{base.rstrip('/')}/", path.lstrip("/"))


def _add_aliases(document: Document, site: StaticSite) -> Document:
    """Earlier addresses within the site as addresses where the site's is known, else as slugs."""
    urls, slugs = [], list(document.previous_slugs)
    for url in document.previous_urls:
        if not _is_within(url):
            urls.append(url)
        elif site.base is not None:
            urls.append(join_url(site.base, url))
        elif (last := PurePosixPath(url.strip("/"))).stem not in ("", *_INDEX) and not last.stem.isdecimal():
            slugs.append(last.stem if last.suffix in (".html", ".htm", ".php") else last.name)
    own = document.slug
    return replace(
        document,
        previous_urls=tuple(dict.fromkeys(urls)),
        previous_slugs=tuple(slug for slug in dict.fromkeys(slugs) if slug != own),
    )


def _replace_liquid(document: Document, folder: str) -> Document:
    """The text without Jekyll's ways of writing the site's own address, which then are paths within its host."""
    body = document.body
    if body is None or "{{" not in body.content:
        return document

    def path(tag: re.Match[str]) -> str:
        return "" if tag["home"] == "url" else f"{folder}{tag['path'] or ''}"

    return replace(document, body=DocumentBody(body.kind, _LIQUID.sub(path, body.content)))
