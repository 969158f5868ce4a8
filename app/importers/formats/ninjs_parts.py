"""The parts of a ninjs item that versions write differently: texts with roles, named concepts, associations. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

from app.importers.document import Body
from app.importers.records import values
from app.importers.records.aliases import folded
from app.importers.text_parts import html_trees, titles_and_authors
from app.importers.text_parts.bylines import opening_byline
from app.importers.text_parts.prose import paragraphs

Given = Mapping[str, object]

MAX_WIDTH = 2_000
"""Of the renditions of a picture the widest up to this is taken: larger ones are for print."""
_PLURALS = {"person": "people", "body": "bodies"}
_MAIN = ("", "main", "title", "headline")
_LEAD = ("lead", "summary", "abstract", "ingress", "standfirst", "", "text", "main")
_MARKED = ("html", "xhtml", "html5", "bodyhtml", "bodyxhtml", "bodyhtml5")
_NITF = re.compile(r"<body\.content[^>]*>(.*?)</body\.content>", re.DOTALL | re.IGNORECASE)


def folded_keys(value: object) -> Given:
    """An object with the names of its fields folded; an empty one for anything else."""
    found = values.mapping(value)
    return {folded(name): inside for name, inside in found.items()} if found else {}


def _texts(item: Given, field: str) -> Iterator[tuple[str, str, str]]:
    """Role, media type and text of everything that is called so: `headline`, `headline_main`, `headlines`."""
    for name, value in item.items():
        if name.startswith(field) and isinstance(value, str) and value.strip():
            yield name.removeprefix(field), "", value
    for entry in values.items(item.get(_PLURALS.get(field, f"{field}s"))):
        inside = folded_keys(entry)
        text = inside.get("value")
        if isinstance(text, str) and text.strip():
            role, kind = (values.text(inside.get(key)) or "" for key in ("role", "contenttype"))
            yield role.lower(), kind.lower(), text


def said(item: Given, field: str) -> str | None:
    """The headline, or the description that leads in; markup goes."""
    found = {role: text for role, _, text in reversed(list(_texts(item, field)))}
    order = _MAIN if field == "headline" else _LEAD
    chosen = next((found[role] for role in order if role in found), None)
    if chosen is None and field == "headline":
        chosen = next(iter(found.values()), None)
    return values.text(_plain(chosen)) if chosen else None


def _plain(text: str) -> str:
    root = html_trees.body_of(text) if "<" in text and values.is_html(text) else None
    return root.text(separator=" ") if root is not None else text


def body_of(item: Given) -> Body | None:
    """The body with markup where there is one, of a whole document its inside; else NITF's content, else text."""
    found = list(_texts(item, "body"))
    marked = [text for role, kind, text in found if "html" in kind or role in _MARKED]
    for text in marked:
        root = html_trees.body_of(text)
        if root is not None and root.text().strip():
            return Body("html", (root.inner_html or "").strip())
    for _, kind, text in found:
        inside = _NITF.search(text) if "nitf" in kind or "<nitf" in text[:500] else None
        if inside:
            return Body("html", inside[1].strip())
    plain = [text for _, kind, text in found if "nitf" not in kind and "<nitf" not in text[:500]]
    return _of_text(plain[0]) if plain else None


def _of_text(text: str) -> Body | None:
    """Plain text. A line that no one would wrap by hand is a paragraph of its own."""
    if "\n\n" not in text and any(len(line) > 120 for line in text.split("\n")):
        text = text.replace("\n", "\n\n")
    if values.is_html(text):
        return values.make_body(text, "html")
    found = paragraphs(text)
    return Body("text", "\n\n".join(found)) if found else None


def by_line(item: Given) -> tuple[str, ...]:
    """The authors, without the agency that holds the rights."""
    line = values.text(item.get("byline")) or values.text(item.get("by")) or ""
    holder = values.text(item.get("copyrightholder"))
    head, _, rest = line.partition(" ")
    names = opening_byline(line)
    # "Von" also begins names; in a field that is a byline it opens it.
    lines = names or ((rest,) if head == "Von" else (line,))
    return titles_and_authors.authors(lines, [holder] if holder else [])


def named(item: Given, field: str) -> list[str]:
    """The names of the subjects, people, places …; in one item under both numbers only by mistake."""
    entries = [*values.items(item.get(field)), *values.items(item.get(_PLURALS.get(field, f"{field}s")))]
    names = [values.text(folded_keys(entry).get("name")) or _word(entry) for entry in entries]
    return list(dict.fromkeys(name for name in names if name))


def _word(entry: object) -> str | None:
    return values.text(entry) if isinstance(entry, str) else None


def associated(item: Given) -> tuple[list[object], list[object]]:
    """Images and related posts among what the item is associated with, and among its own renditions."""
    images = [image] if (image := _picture(item)) else []
    related: list[object] = []
    for inside in map(folded_keys, _entries(item.get("associations"))):
        kind = values.text(inside.get("type"))
        if kind in ("picture", "graphic") or (kind is None and _pictures(inside)):
            if image := _picture(inside):
                images.append(image)
        elif kind in (None, "text", "composite"):
            uri = values.text(inside.get("uri")) or ""
            title = said(inside, "headline") or values.text(inside.get("title")) or values.text(inside.get("name"))
            url = uri if uri.startswith(("http://", "https://")) else None
            if title or url:
                related.append({"title": title, "url": url})
    return list(images), related


def _entries(value: object) -> Sequence[object]:
    """A list, or an object of named entries as in version 1."""
    inside = values.mapping(value)
    return list(inside.values()) if inside is not None else values.items(value)


def _pictures(item: Given) -> list[Given]:
    found = [folded_keys(entry) for entry in _entries(item.get("renditions"))]
    kinds = [
        (values.text(one.get("contenttype")) or values.text(one.get("mimetype")) or "image/", one) for one in found
    ]
    return [one for kind, one in kinds if kind.startswith("image/") and values.text(one.get("href"))]


def _picture(item: Given) -> dict[str, object] | None:
    sized = [(_width(one), one) for one in _pictures(item)]
    if not sized:
        return None
    fitting = [one for one in sized if one[0] <= MAX_WIDTH]
    _, best = max(fitting, key=lambda one: one[0]) if fitting else min(sized, key=lambda one: one[0])
    credit = values.text(item.get("byline")) or values.text(item.get("by")) or values.text(item.get("copyrightholder"))
    return {
        "url": best["href"],
        "alt": said(item, "headline"),
        "caption": said(item, "description") or said({"description": _caption(item)}, "description"),
        "credit": credit,
        "width": best.get("width"),
        "height": best.get("height"),
    }


def _caption(item: Given) -> str | None:
    return next((text for role, _, text in _texts(item, "description") if role == "caption"), None)


def _width(rendition: Given) -> int:
    return values.pixels(rendition.get("width")) or 0
