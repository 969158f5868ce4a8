"""Regions as requests name them: by slug, ISO code, `m49:056` or id, in any case, else by a name or alias in any
language. Pure; an unknown one is an error that helps."""

from collections.abc import Iterable, Mapping

from app.errors import FieldError
from app.http.params.values import find_nearest
from app.regions.atlas import Atlas, AtlasRegion

GUESSES = 3
"""For how many unknown names in one request something similar is looked for: that takes milliseconds each."""


def by_ref(atlas: Atlas, ref: str) -> AtlasRegion | None:
    """The region of a slug, code or id, exactly as written."""
    return atlas.find(ref) or (atlas.by_id.get(int(ref)) if ref.isascii() and ref.isdigit() and len(ref) < 18 else None)


def find(atlas: Atlas, ref: str) -> AtlasRegion | None:
    """The region that a request means: see above. Of namesakes the one that sources mean by the name."""
    return by_ref(atlas, ref) or atlas.find(ref.lower()) or atlas.find_name(ref)


def describe_names(atlas: Atlas, name: str, refs: Iterable[str]) -> list[Mapping[str, str]]:
    """A warning for each that was found by a name: others may have it too."""
    named = [
        (ref, place)
        for ref in refs
        if by_ref(atlas, ref) is None and not (atlas.find(ref.lower()) or atlas.find(ref.upper()))
        for place in (atlas.find_name(ref),)
        if place is not None
    ]
    return [
        {"code": "read_as", "parameter": name, "detail": f"{ref[:80]!r} is read as {place.slug!r}."}
        for ref, place in named
    ]


def resolve_refs(atlas: Atlas, name: str, refs: Iterable[str]) -> tuple[tuple[int, ...], list[FieldError]]:
    """The ids that a parameter names, each once in the order given, and an `unknown_region` for each that is none."""
    ids: dict[int, None] = {}
    errors: list[FieldError] = []
    for ref in refs:
        place = find(atlas, ref)
        if place is None:
            guess = find_similar(atlas, ref) if len(errors) < GUESSES else None
            errors.append(FieldError("unknown_region", describe_unknown(ref), name, did_you_mean=guess))
        else:
            ids[place.id] = None
    return tuple(ids), errors


def describe_unknown(ref: str) -> str:
    return f"There is no region {ref[:80]!r}; /v1/regions?q= finds them."


def find_similar(atlas: Atlas, ref: str) -> str | None:
    """The slug that is likely meant: one that is written much like it."""
    return find_nearest(ref, atlas.by_slug)
