"""What other news and content APIs call parameters that this one has, for errors that say which one is meant."""

from collections.abc import Collection, Mapping

_MEANINGS: Mapping[str, str] = {
    "limit": "per_page page_size pagesize perpage size hitsperpage hits_per_page posts_per_page rows max max_results",
    "page": "paged page_number pagenumber current_page",
    "cursor": "page_token pagetoken next_cursor after_cursor continue",
    "sort": "order_by orderby order sort_by sortby ordering sort_order",
    "q": "search query keywords keyword term text s",
    "published_from": "from_date fromdate date_from start_date startdate begin_date published_after published_since",
    "published_to": "to_date todate date_to end_date enddate published_before published_until before",
    "updated_from": "modified_after modified_since updated_since updated_after",
    "updated_to": "modified_before updated_before",
    "created_from": "created_after created_since",
    "created_to": "created_before",
    "section": "category categories sections channel",
    "author": "authors contributor contributors byline creator",
    "tag": "tags topic topics",
    "language": "lang locale",
    "region": "country countries location locations place regions",
    "source": "sources outlet publisher",
    "id": "ids",
    "slug": "slugs",
    "fields": "_fields show_fields select attributestoretrieve",
    "include": "_embed embed expand",
    "since": "last_event_id from_seq",
    "format": "output alt",
}
"""By the name here; names of others are in lower case, with `_` for any dash."""
_BY_PEER = {peer: name for name, peers in _MEANINGS.items() for peer in peers.split()}
_FALLBACKS: Mapping[str, tuple[str, ...]] = {"section": ("kind", "tag"), "published_from": ("updated_from", "at_from")}
IGNORED = frozenset({"gclid", "fbclid"})
"""What advertisers add to any link, beside everything that begins with `utm_`."""


def find_meant(name: str, allowed: Collection[str]) -> str | None:
    """The parameter of an address that others call by this name; None where it has none of that meaning. Words are
    looked for at another address than that of the article list."""
    meant = "q" if name == "q" else _BY_PEER.get(name.lower().replace("-", "_"))
    if meant is None:
        return None
    if meant == "q" and "q" not in allowed and {"sort", "status", "published_from"} <= set(allowed):
        return "/v1/search"
    return next((one for one in (meant, *_FALLBACKS.get(meant, ())) if one in allowed), None)


def is_ignored(name: str) -> bool:
    """Whether it is of no meaning here, and no mistake either."""
    return name.startswith("utm_") or name in IGNORED
