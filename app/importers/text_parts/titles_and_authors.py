"""What a page calls its article and its authors, without what sites add to both. Pure, text only."""

import re
from collections.abc import Iterable

from app.enrich.gazetteer import load_words
from app.importers.text_parts.bylines import split_byline
from app.text.keys import name_key, words_key

_SEPARATOR = re.compile(r"(?<!\s)\s++[|–—»·•/-]\s++|[|»]\s++")
_NAME = re.compile(r"[^\W\d_][\w.'’()-]*(?: [^\W_][\w.'’()-]*){0,5}")
_LABEL = re.compile(r"^(?:written by|posted by|author|autor|auteur|text)\s*:?\s+", re.IGNORECASE)
_ROLE = re.compile(
    r"(?:\b(?:edited|photographs|photos|illustrations?|translated) by\b"
    r"|(?:,|\||\s-|–|—)\s*(?:staff|special to|contributing|senior|chief|reporter|editor|correspondent)\b).*$",
    re.IGNORECASE,
)
_PLACE = re.compile(r"(?<!\s)\s++in\s++[^\W\d_a-z][\w.'’-]*(?:\s+[^\W\d_a-z][\w.'’-]*){0,3}$")
_NOBODY = frozenset(("admin", "administrator", "editor", "staff", "webmaster", "root", "user", "guest", "unknown"))


def choose_title(stated: str | None, window_title: str | None, heading: str | None, site: Iterable[str]) -> str | None:
    """`stated` in metadata, else `window_title` in the window's bar, each without the site's name; the page's heading
    where that is the same title in other dress."""
    text = stated or window_title
    if text is None:
        return heading
    if heading and _is_same(heading, text):
        return heading
    sites = {key for name in site if (key := name_key(name))}
    head, cut, tail = _split_at_separator(text)
    if cut and (name_key(tail) in sites or (stated is None and _is_name_of_site(head, tail))):
        return head
    if cut and heading and words_key(head).count(" ") and words_key(heading).endswith(f" {words_key(head)}"):
        return head  # the heading has a line of its own above the title
    first, cut, rest = _split_at_separator(text, last=False)
    return rest if cut and name_key(first) in sites else text


def _is_same(heading: str, text: str) -> bool:
    """Whether the text is the heading, or the heading and a few words of a site behind or before a separator."""
    if words_key(heading) == words_key(text):
        return True
    head, cut, _ = _split_at_separator(text)
    _, _, tail = _split_at_separator(text, last=False)
    return bool(cut) and words_key(heading) in (words_key(head), words_key(tail))


def _split_at_separator(text: str, last: bool = True) -> tuple[str, str, str]:
    separators = list(_SEPARATOR.finditer(text))
    if not separators:
        return text, "", ""
    cut = separators[-1] if last else separators[0]
    return text[: cut.start()].strip(), cut[0], text[cut.end() :].strip()


def _is_name_of_site(head: str, tail: str) -> bool:
    return len(head.split()) >= 3 and len(tail.split()) <= 5 and len(tail) < len(head)


def list_authors(lines: Iterable[str], site: Iterable[str]) -> tuple[str, ...]:
    """The names in bylines: no addresses, no accounts, not the site's own name unless a person has it, each once."""
    sites = {key for name in site if (key := name_key(name))}
    names: dict[str, str] = {}
    for line in lines:
        line = _PLACE.sub("", line)
        for name in split_byline(_ROLE.sub("", _LABEL.sub("", _join_byline(line)))):
            key = words_key(name)
            nobody = not key or key in _NOBODY or (key in sites and not _is_person(key))
            if not nobody and _NAME.fullmatch(name) and len(name) <= 80:
                names.setdefault(key, name)
    return tuple(names.values())


def _is_person(key: str) -> bool:
    """Whether a site's name begins with a common first name: it is its author's then."""
    first, *rest = key.split()
    return first in load_words("forenames") and 1 <= len(rest) <= 2


def _join_byline(line: str) -> str:
    """`Ann Lee (avec Bo Ek et Cy Dee)` as one French byline of three."""
    parted, count = re.subn(r"\s*\(avec ([^()]+)\)", r", \1", line)
    return parted if not count or parted.lower().startswith("par ") else f"par {parted}"
