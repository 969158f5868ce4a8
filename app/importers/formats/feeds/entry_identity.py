"""What an entry of a feed is known by: its id, else its link, else its content; within one file an id or a link that
several entries share names none of them. Pure; whether an article is known is asked where it is saved."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from app.importers.document import Document, Identity, Item
from app.importers.formats.feeds.feed_links import read_host
from app.text import keys

Names = Mapping[str, set[object]]


def identify_entries(
    items: Iterable[Item], home: str | None, preferred: Identity | None, *, atom: bool
) -> Iterator[Item]:
    """The items of a whole feed, each entry with what it is known by. `home` is the address of the feed's site, which
    is none of an entry's. In Atom entries of one id are versions of one entry; RSS has no such rule, and some feeds
    give all of their entries one id."""
    all_items = list(items)
    ids, links = defaultdict[str, set[object]](set), defaultdict[str, set[object]](set)
    for one in all_items:
        if isinstance(one, Document):
            entry = _make_key(one, atom=atom)
            if one.external_id:
                ids[one.external_id].add(entry)
            if one.url:
                links[keys.url_key(one.url)].add(entry)
    if home:
        links[keys.url_key(home)] |= {"the feed", "and its entries"}
    for one in all_items:
        yield _choose_identity(one, ids, links, preferred) if isinstance(one, Document) else one


def _make_key(document: Document, *, atom: bool) -> object:
    """Equal for two entries of a file that are one."""
    link = keys.url_key(document.url) if document.url else None
    title = None if atom and document.external_id else document.title
    return document.external_id, link, title


def _choose_identity(document: Document, ids: Names, links: Names, preferred: Identity | None) -> Document:
    has_id = document.external_id is not None and len(ids[document.external_id]) == 1
    has_link = document.url is not None and len(links[keys.url_key(document.url)]) == 1
    usable: tuple[Identity, ...] = (*(("guid",) if has_id else ()), *(("link",) if has_link else ()), "content")
    chosen = next((one for one in usable if preferred in (None, one)), "content" if preferred != "guid" else usable[0])
    extra = dict(document.extra)
    if document.external_id and not has_id:
        extra["guid"] = document.external_id
    if document.url and not has_link and chosen == "content":
        extra["link"] = document.url
    identified = replace(document, identity=chosen, external_id=document.external_id if has_id else None, extra=extra)
    if document.url and not has_link and chosen == "content":
        # An export elsewhere would take the link for what the article is known by. Its host stays the origin.
        return replace(identified, url=None, origin=document.origin or read_host(document.url))
    return identified
