"""The parts of a ninjs item that versions write differently: texts with roles, named concepts, associations. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence

from app.importers.document import DocumentBody
from app.importers.records import values
from app.importers.records.aliases import fold_name
from app.importers.text_parts import html_markup, html_trees, titles_and_authors
from app.importers.text_parts.bylines import read_opening_byline
from app.importers.text_parts.prose import part_lines

Given = Mapping[str, object]

_PLURALS = {"person": "people", "body": "bodies"}
_MAIN = ("", "main", "title", "headline")
_LEAD = ("lead", "summary", "abstract", "ingress", "standfirst", "", "text", "main")
_MARKED = ("html", "xhtml", "html5", "bodyhtml", "bodyxhtml", "bodyhtml5")
_NITF = re.compile(r"<body\.content[^>]*>(.*?)</body\.content>", re.DOTALL | re.IGNORECASE)


def fold_keys(value: object) -> Given:
    """An object with the names of its fields folded; an empty one for anything else."""
    fields = values.read_mapping(value)
    return {fold_name(name): inside for name, inside in fields.items()} if fields else {}


def _list_texts(item: Given, field: str) -> Iterator[tuple[str, str, str]]:
    """Role, media type and text of everything that is called so: `headline`, `headline_main`, `headlines`."""
    for name, value in item.items():
        if name.startswith(field) and isinstance(value, str) and value.strip():
            yield name.removeprefix(field), "", value
    for entry in values.list_items(item.get(_PLURALS.get(field, f"{field}s"))):
        inside = fold_keys(entry)
        text = inside.get("value")
        if isinstance(text, str) and text.strip():
            role, kind = (values.read_text(inside.get(key)) or "" for key in ("role", "contenttype"))
            yield role.lower(), kind.lower(), text


def read_main_text(item: Given, field: str) -> str | None:
    """The headline, or the description that leads in; markup goes."""
    by_role = {role: text for role, _, text in reversed(list(_list_texts(item, field)))}
    order = _MAIN if field == "headline" else _LEAD
    chosen = next((by_role[role] for role in order if role in by_role), None)
    if chosen is None and field == "headline":
        chosen = next(iter(by_role.values()), None)
    return values.read_text(_strip_markup(chosen)) if chosen else None


def _strip_markup(text: str) -> str:
    root = html_trees.parse_fragment(text) if "<" in text and values.is_html(text) else None
    return root.text(separator=" ") if root is not None else text


def read_body(item: Given) -> DocumentBody | None:
    """The body with markup where there is one, of a whole document its inside; else NITF's content, else text."""
    texts = list(_list_texts(item, "body"))
    marked = [text for role, kind, text in texts if "html" in kind or role in _MARKED]
    for text in marked:
        root = html_trees.parse_fragment(text)
        if root is not None and root.text().strip():
            return DocumentBody("html", (root.inner_html or "").strip())
    for _, kind, text in texts:
        inside = _NITF.search(text) if "nitf" in kind or "<nitf" in text[:500] else None
        if inside:
            return DocumentBody("html", inside[1].strip())
    plain = [text for _, kind, text in texts if "nitf" not in kind and "<nitf" not in text[:500]]
    return values.make_body(part_lines(plain[0]), None) if plain else None


def read_byline(item: Given) -> tuple[str, ...]:
    """The authors, without the agency that holds the rights."""
    line = values.read_text(item.get("byline")) or values.read_text(item.get("by")) or ""
    holder = values.read_text(item.get("copyrightholder"))
    head, _, rest = line.partition(" ")
    names = read_opening_byline(line).names
    # "Von" also begins names; in a field that is a byline it opens it.
    lines = names or ((rest,) if head == "Von" else (line,))
    return titles_and_authors.list_authors(lines, [holder] if holder else [])


def list_names(item: Given, field: str) -> list[str]:
    """The names of the subjects, people, places …; in one item under both numbers only by mistake."""
    entries = [*values.list_items(item.get(field)), *values.list_items(item.get(_PLURALS.get(field, f"{field}s")))]
    names = [
        values.read_text(fold_keys(entry).get("name")) or (values.read_text(entry) if isinstance(entry, str) else None)
        for entry in entries
    ]
    return list(dict.fromkeys(name for name in names if name))


def list_associations(item: Given) -> tuple[list[object], list[object]]:
    """Images and related posts among what the item is associated with, and among its own renditions."""
    images = [image] if (image := _choose_picture(item)) else []
    related: list[object] = []
    for inside in map(fold_keys, list_entries(item.get("associations"))):
        kind = values.read_text(inside.get("type"))
        if kind in ("picture", "graphic") or (kind is None and _list_pictures(inside)):
            if image := _choose_picture(inside):
                images.append(image)
        elif kind in (None, "text", "composite"):
            uri = values.read_text(inside.get("uri")) or ""
            title = (
                read_main_text(inside, "headline")
                or values.read_text(inside.get("title"))
                or values.read_text(inside.get("name"))
            )
            url = uri if uri.startswith(("http://", "https://")) else None
            if title or url:
                related.append({"title": title, "url": url})
    return list(images), related


def list_entries(value: object) -> Sequence[object]:
    """A list, or an object of named entries as in version 1."""
    inside = values.read_mapping(value)
    return list(inside.values()) if inside is not None else values.list_items(value)


def _list_pictures(item: Given) -> list[Given]:
    renditions = [fold_keys(entry) for entry in list_entries(item.get("renditions"))]
    kinds = [
        (values.read_text(one.get("contenttype")) or values.read_text(one.get("mimetype")) or "image/", one)
        for one in renditions
    ]
    return [one for kind, one in kinds if kind.startswith("image/") and values.read_text(one.get("href"))]


def _choose_picture(item: Given) -> dict[str, object] | None:
    sized = [((values.read_pixels(one.get("width")) or 0), one) for one in _list_pictures(item)]
    if not sized:
        return None
    fitting = [one for one in sized if one[0] <= html_markup.MAX_WIDTH]
    _, best = max(fitting, key=lambda one: one[0]) if fitting else min(sized, key=lambda one: one[0])
    credit = (
        values.read_text(item.get("byline"))
        or values.read_text(item.get("by"))
        or values.read_text(item.get("copyrightholder"))
    )
    return {
        "url": best["href"],
        "alt": read_main_text(item, "headline"),
        "caption": read_main_text(item, "description")
        or read_main_text({"description": _read_caption(item)}, "description"),
        "credit": credit,
        "width": best.get("width"),
        "height": best.get("height"),
    }


def _read_caption(item: Given) -> str | None:
    return next((text for role, _, text in _list_texts(item, "description") if role == "caption"), None)
