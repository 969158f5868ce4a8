"""What can be imported from: files, folders, standard input, addresses on the web; and the items in each.

Never writes; what an archive remembers of an address is handed in and comes back as a Bookmark.
"""

import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from app.importers import boundary, dates, folder_contents
from app.importers.document import Bookmark, Document, Failure, Item, ParseContext, Remark, SourceDate
from app.importers.formats import detect, registry
from app.importers.formats.exports import static_site
from app.importers.records import visibility
from app.importers.web import site_types
from app.importers.web.fetch import Fetch, FetchedPage, FetchError, read_charset

State = Mapping[str, object]
NAMES = tuple(dict.fromkeys((*registry.NAMES, *site_types.SITES)))
"""Whatever `--format` can say: formats of files, and kinds of sites."""

_OF_SITES = (".md", ".markdown", ".mdown", ".mkd", ".html", ".htm")
_REMEMBERED = ("etag", "last-modified")
_SUFFIX_OF_TYPE = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/markdown": ".md",
    "application/rss+xml": ".xml",
    "application/atom+xml": ".xml",
    "application/rdf+xml": ".xml",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/json": ".json",
    "application/feed+json": ".json",
    "application/x-ndjson": ".ndjson",
    "application/ld+json": ".jsonld",
    "application/ninjs+json": ".json",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/zip": ".zip",
}


class SourceNotFound(Exception):
    """A path that was named is not there, or a folder has nothing to import."""


@dataclass(frozen=True, slots=True)
class SourceInput:
    """One file: `name` for people, `path` within what was named (its identity), and a way to open it.

    Of an `address` on the web, name and path are the address too, but for a password in it, and there is nothing to
    open before it was fetched. `place` is where a file lies, from the root on. `left_out` says why a file of a folder
    is not read; `export` is the folder that a list of posts belongs to; `site` is that of a folder which one was made
    from.
    """

    name: str
    path: str
    open: Callable[[], BinaryIO]
    address: str | None = None
    place: str = ""
    left_out: str | None = None
    export: Path | None = None
    site: static_site.StaticSite = static_site.PLAIN


@dataclass(frozen=True, slots=True)
class WebAccess:
    """How addresses are read: `recall` gives what the archive keeps of one."""

    fetch: Fetch
    recall: Callable[[str], State]


def find_sources(paths: Iterable[str], stdin: BinaryIO) -> list[SourceInput]:
    """The files that the paths name, folders searched through, in a stable order; `-` is standard input."""
    import_sources: list[SourceInput] = []
    for path in paths:
        if path == "-":
            # Read whole, and now: a parser may seek, and read it twice, which a pipe does not allow.
            import_sources.append(SourceInput("standard input", "-", partial(io.BytesIO, stdin.read())))
        elif path.lower().startswith(("http://", "https://")):
            import_sources.append(_open_address(path))
        else:
            import_sources += _list_files(path)
    return import_sources


def _open_address(address: str) -> SourceInput:
    """Its name is the address without a password, which is no business of reports and tables."""
    try:
        split = urlsplit(address)
    except ValueError:
        return SourceInput(address, address, io.BytesIO, address)
    name = split._replace(netloc=split.netloc.rpartition("@")[2], fragment="").geturl()
    return SourceInput(name, name, io.BytesIO, address)


def _list_files(name: str) -> list[SourceInput]:
    path = Path(name)
    if path.is_file():
        return [
            _make_source(folder_contents.FolderEntry(path, export=folder_contents.is_substack_list(path)), path.name)
        ]
    if not path.is_dir():
        raise SourceNotFound(f"{name}: no such file or folder.")
    inside, site = folder_contents.list_entries(path), static_site.read_site(path)
    if all(entry.left_out for entry in inside):
        raise SourceNotFound(f"{name}: nothing to import in this folder ({', '.join(detect.SUFFIXES)}).")
    return [_make_source(entry, entry.path.relative_to(path).as_posix(), site) for entry in inside]


def _make_source(
    entry: folder_contents.FolderEntry, inside: str, site: static_site.StaticSite = static_site.PLAIN
) -> SourceInput:
    path = entry.path
    return SourceInput(
        _decode_name(str(path)),
        _decode_name(inside),
        lambda: path.open("rb"),
        place=str(path.absolute()),
        left_out=entry.left_out,
        export=path.parent if entry.export else None,
        site=site,
    )


def _decode_name(name: str) -> str:
    """A file's name as text: bytes in it that are no UTF-8 show as U+FFFD."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def read_items(
    source: SourceInput, kind: str | None, context: ParseContext, web: WebAccess | None = None
) -> Iterator[Item]:
    """What is in one source, `kind` being what `--format` says. A source that cannot be read is one Failure."""
    if source.address is not None:
        yield from _read_address(source, source.address, kind, context, web)
        return
    if kind is not None and kind not in registry.PARSERS:
        yield Failure(source.name, f"{kind} is read from addresses on the web, such as https://news.example")
        return
    if source.left_out is not None:
        yield Remark(source.name, source.left_out)
        return
    try:
        if source.export is not None and kind is None:
            yield from registry.read_export(source.export, source.name, context)
            return
        with source.open() as stream:
            head = stream.read(detect.HEAD)
            stream.seek(0)
            # By its place: a folder such as `_drafts`, named itself, hides its files as one within a folder does.
            hidden = visibility.read_path(source.place or source.name)
            parse = partial(_parse_stream, kind, source.path, head)
            day = _read_file_date(stream) if context.source_dates else None
            for item in boundary.guard(source.name, lambda: parse(stream, source.name, context)):
                if isinstance(item, Document):
                    item = visibility.apply(_add_file_date(_add_site_address(item, source, context), day), hidden)
                yield item
    except OSError as error:
        yield Failure(source.name, f"cannot be read: {error.strerror}")


def _add_file_date(item: Document, day: SourceDate | None) -> Document:
    """The item, with the day of its file where it has none of its feed."""
    return item if day is None or item.source_date is not None else replace(item, source_date=day)


def _read_file_date(stream: BinaryIO) -> SourceDate | None:
    """The day on which the file was last written; None of what is no file."""
    try:
        seconds = os.fstat(stream.fileno()).st_mtime
    except OSError:
        return None
    return dates.read_date(datetime.fromtimestamp(seconds, UTC).date(), UTC)


def _add_site_address(document: Document, source: SourceInput, context: ParseContext) -> Document:
    """The article of a file with the address that its site gives it, from which relative ones count."""
    if PurePath(source.path).suffix.lower() in _OF_SITES and document.where == source.name:
        site = replace(source.site, base=context.base_url or source.site.base)
        document = static_site.add_site_address(document, source.path, site, context.timezone)
        base = document.source_url if document.source_url and site.base else site.base
        return replace(document, base=document.base or base)
    return replace(document, base=document.base or context.base_url) if context.base_url else document


def _read_address(
    source: SourceInput, address: str, kind: str | None, context: ParseContext, web: WebAccess | None
) -> Iterator[Item]:
    if web is None:
        yield Failure(source.name, "addresses are not read here")
        return
    options_text = repr((kind, context.origin_name, str(context.timezone), context.body_kind, context.source_dates))
    # Appended, not in the tuple: what was kept before there were these two options goes on counting without them.
    options_text += (context.identity or "") + (context.base_url or "")
    stored = web.recall(source.name)
    # What was read for another origin or with other eyes says nothing about this import.
    state = stored.get("state") if stored.get("asked") == options_text else None
    for item in _read_url(source.name, address, kind, context, web.fetch, state if isinstance(state, dict) else {}):
        if isinstance(item, Bookmark):
            yield Bookmark(source.name, {"asked": options_text, "state": item.state})
        else:
            yield item


def _read_url(
    url: str, address: str, kind: str | None, context: ParseContext, fetch: Fetch, state: State
) -> Iterator[Item]:
    validators = {name: value for name in _REMEMBERED if isinstance(value := state.get(name), str)}
    try:
        page = fetch(address, known=validators)
    except FetchError as error:
        yield Failure(url, error.reason)
        return
    if page.status == 304:  # RFC 9110, section 15.4.5: only in reply to the validators that were sent
        yield Remark(url, "not changed since it was imported")
        return
    context = replace(context, address=page.url, charset=read_charset(page.headers.get("content-type", "")))
    site = kind if kind in site_types.SITES else None if kind else site_types.detect_site(page)
    if site is not None:
        yield from site_types.read_site(site, url, page, fetch, state, context)
    else:
        yield from _read_page(url, page, kind, context)


def _read_page(url: str, page: FetchedPage, kind: str | None, context: ParseContext) -> Iterator[Item]:
    """The items of one response. It is remembered only where all of it could be read."""
    failed = False
    parse = partial(_parse_stream, kind, _name_file(page), page.body[: detect.HEAD])
    for item in boundary.guard(url, lambda: parse(io.BytesIO(page.body), url, context)):
        failed = failed or isinstance(item, Failure)
        yield _identify_item(item, url, page.url) if isinstance(item, Document) else item
    # With its validators remembered an unchanged page is not read again, and what failed in it would never be.
    if not failed:
        yield Bookmark(url, {name: page.headers[name] for name in _REMEMBERED if name in page.headers})


def _parse_stream(
    kind: str | None, name: str, head: bytes, stream: BinaryIO, where: str, context: ParseContext
) -> Iterator[Item]:
    """What the parser for a file yields; one Failure for what none reads."""
    try:
        parser = detect.choose_parser(name, head, kind, context.charset)
    except detect.NotText as error:
        yield Failure(where, str(error))
        return
    for item in registry.PARSERS[parser](stream, where, context):
        # What came out of an archive has the format of its own file.
        yield replace(item, format=item.format or parser) if isinstance(item, Document) else item


def _identify_item(document: Document, url: str, final: str) -> Document:
    """An article that is all that its address holds has that address; of several, the host is the origin."""
    if document.url or document.origin:
        return document
    if document.where == url:
        return replace(document, url=final)
    return replace(document, origin=urlsplit(final).hostname)


def _name_file(page: FetchedPage) -> str:
    """A file's name for a response: the address's, with the suffix that its type has where that says more."""
    path = PurePath(unquote(urlsplit(page.url).path) or "/")
    kind = page.headers.get("content-type", "").partition(";")[0].strip().lower()
    suffix = _SUFFIX_OF_TYPE.get(kind)
    return f"{path}{suffix}" if suffix and path.suffix.lower() not in detect.SUFFIXES else str(path)
