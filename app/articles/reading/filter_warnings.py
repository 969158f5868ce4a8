"""What a response says of names in its filter that nothing has, or that are called something else now."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.db.database import Row
from app.tags.queries import KnownTag

Warning = dict[str, str | None]
"""`code`, `parameter` and `detail`, and what could be meant."""


class UnknownLanguage(NamedTuple):
    """A tag that no article has; `guess`: the language that it is a kind of, if there are articles in that."""

    code: str
    guess: str | None


def warn_unknown_tag(name: str, ref: str, tag: KnownTag | None, guess: str | None) -> Warning:
    """`tag`: one of another kind that has the name; `guess`: the slug that is likely meant."""
    noun = name.partition("_")[0]
    detail = f"There is no {noun} {ref!r}."
    if tag is not None:
        detail += f" It is a {tag.kind}: ask for {'author' if tag.kind == 'contributor' else 'tag'}={tag.slug}."
    said: Warning = {"code": f"unknown_{noun}", "parameter": name, "detail": detail}
    return said | ({"did_you_mean": guess} if guess else {})


def warn_unknown_language(unknown: UnknownLanguage) -> Warning:
    said: Warning = {
        "code": "unknown_language",
        "parameter": "language",
        "detail": f"There is no article in the language {unknown.code!r}.",
    }
    return said | ({"did_you_mean": unknown.guess} if unknown.guess else {})


def warn_replaced(name: str, ref: str, slug: str) -> Warning:
    """An old slug or alias was followed to what is called `slug` now."""
    return {"code": "replaced_by", "parameter": name, "detail": f"{ref!r} is {slug!r} now.", "replaced_by": slug}


def warn_of_sources(names: Sequence[str], rows: Sequence[Row]) -> list[Warning]:
    """`rows`: id, slug and name of the sources that were found."""
    known = {str(word) for _, slug, name in rows for word in (slug, name)}
    return [
        {"code": "unknown_source", "parameter": "source", "detail": f"There is no source {ref!r}."}
        for ref in names
        if ref not in known
    ]


def warn_of_originals(originals: Mapping[str, int | None], rows: Sequence[Row]) -> list[Warning]:
    """`originals`: the ids that were asked for, by parameter; `rows`: those of them that the caller may see. One
    that the caller may not see is not told apart from one that nobody ever wrote."""
    known = {int(str(id)) for (id,) in rows}
    return [
        {"code": "unknown_article", "parameter": name, "detail": f"There is no article {id}."}
        for name, id in originals.items()
        if id is not None and id not in known
    ]
