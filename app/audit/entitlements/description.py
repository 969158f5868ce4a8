"""What a key may see in words of today, for its owner and for operators: tags and regions by their present slugs."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode

from app.audit.entitlements import terms
from app.context import AppContext, RequestContext
from app.regions.atlas import Atlas
from app.tags import queries as tags

Json = dict[str, object]


async def describe(context: AppContext, view: RequestContext, stored: str) -> Json:
    """`only` as filters of the list, None for all; `embargo_hours`; `without`; `missing`: what the filter names and is
    gone, by which the key may see nothing."""
    asked = terms.decode(stored)
    pairs = parse_qsl(asked.only)
    refs = sorted({ref for name, value in pairs if name in terms.TAGS for ref in value.split(",")})
    known = await tags.by_refs(context.db, refs, hidden=True) if refs else {}
    slugs = {ref: tag.slug for ref, tag in known.items()}
    missing = [ref for ref in refs if ref not in slugs]
    shown = [(name, _name(name, value, slugs, view.atlas)) for name, value in pairs]
    missing += [ref for name, value in pairs if name in terms.REGIONS for ref in _list_gone(value, view.atlas)]
    return {
        "only": urlencode(shown, safe=",:") or None,
        "embargo_hours": asked.embargo_hours,
        "without": list(asked.without),
        "missing": missing,
    }


def _name(name: str, value: str, slugs: dict[str, str], atlas: Atlas) -> str:
    if name in terms.TAGS:
        return ",".join(dict.fromkeys(slugs.get(ref, ref) for ref in value.split(",")))
    if name in terms.REGIONS:
        places = (atlas.by_id.get(int(ref)) for ref in value.split(","))
        return ",".join(place.slug for place in places if place is not None)
    return value


def _list_gone(value: str, atlas: Atlas) -> Iterator[str]:
    yield from (ref for ref in value.split(",") if int(ref) not in atlas.by_id)
