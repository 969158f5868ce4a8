"""Links within a body, such as those to its notes: the `id` that one leads to is kept as `content-…`, so that it cannot
be taken for any other of the page that shows the body. Every other `id` goes. Pure."""

import html
import re

PREFIX = "content-"
MAX_LENGTH = 200
_LEADING = re.compile(r"""\bhref\s*=\s*["']?\s*#([^"'\s>]+)""", re.IGNORECASE)
_TAG = re.compile(r'<[a-z][a-z0-9]*(?: [a-z-]+="[^"]*")+ ?/?>')
_PLACE = re.compile(r' (?:id|name)="([^"]*)"')
_LINK = re.compile(r' href="#([^"]*)"')


def name_of(value: str) -> str:
    """A place's name without what makes it a body's own."""
    return html.unescape(value).strip().removeprefix(PREFIX)


def targets(content: str) -> frozenset[str]:
    """The names that links of the body lead to."""
    if "#" not in content:
        return frozenset()
    names = (name_of(value) for value in _LEADING.findall(content))
    return frozenset(name for name in names if 0 < len(name) <= MAX_LENGTH)


def _escape(name: str) -> str:
    """As the sanitiser writes it."""
    return html.escape(name, quote=False).replace('"', "&quot;")


def rename_anchors(cleaned: str) -> str:
    """A sanitised body in which links and the places that they lead to have names of its own, each place once."""
    linked = targets(cleaned)
    placed: set[str] = set()

    def place(tag: re.Match[str]) -> str:
        names = [name_of(value) for value in _PLACE.findall(tag[0])]
        name = next((one for one in names if one in linked and one not in placed), None)
        bare = _PLACE.sub("", tag[0])
        if name is None:
            return bare
        placed.add(name)
        end = bare.index(" ") if " " in bare else len(bare) - 1
        return f'{bare[:end]} id="{PREFIX}{_escape(name)}"{bare[end:]}'

    placed_html = _TAG.sub(place, cleaned)

    def lead(link: re.Match[str]) -> str:
        name = name_of(link[1])
        return f' href="#{PREFIX}{_escape(name)}"' if name in placed else link[0]

    return _TAG.sub(lambda tag: _LINK.sub(lead, tag[0]), placed_html)
