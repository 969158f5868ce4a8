"""Bylines: the names of authors in `By Ann Lee and Bo Ek`, in English, French, Spanish and German.

Never takes a name apart that is written as one, never turns a sentence into names, and never makes a person of a job
title, an agency, a place or an address.
"""

import re
from dataclasses import dataclass

from app.enrich.gazetteer import load_words
from app.importers.text_parts import credits
from app.text.keys import words_key

_OPENING = re.compile(r"(?P<by>by|par|por|von)\s*:?\s+", re.IGNORECASE)
_JOINTS = {
    "by": r" ?(?:,|;|\band\b|&) ?",
    "par": r" ?(?:,|;|\bet\b|&) ?",
    "por": r" ?(?:,|;|\by\b|&) ?",
    "von": r" ?(?:,|;|\bund\b|&) ?",
}
_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|phd|ph\.d|md|m\.d|esq)\.?", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?: (?:[^\W\d_][\w.'’-]*)){1,4}")


@dataclass(frozen=True, slots=True)
class Byline:
    """Who wrote it; and what else the byline says, in its words."""

    names: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()


def split_byline(text: str) -> tuple[str, ...]:
    """The names in a byline, with or without its opening word; a suffix such as `Jr.` stays with its name."""
    return tuple(part for part, _ in _split_parts(text))


def _split_parts(text: str) -> list[tuple[str, bool]]:
    """The parts of a byline, each with whether it stands behind a comma."""
    text = " ".join(text.split())
    match = _OPENING.match(text)
    # "von" opens many a name, so it is a byline only where German joins two of them or a first name follows.
    opened = match and (match["by"].lower() != "von" or " und " in text or _is_forename(text[match.end() :]))
    rest = text[match.end() :] if match and opened else text
    joint = _JOINTS[match["by"].lower() if match and opened else "by"]
    parts: list[tuple[str, bool]] = []
    position = 0
    is_behind_comma = False
    for joined in (*re.finditer(joint, rest, flags=re.IGNORECASE), None):
        part = rest[position : joined.start() if joined else len(rest)]
        if parts and _SUFFIX.fullmatch(part):
            parts[-1] = (f"{parts[-1][0]}, {part}", parts[-1][1])
        elif part:
            parts.append((part, is_behind_comma))
        if joined:
            position, is_behind_comma = joined.end(), joined[0].strip() == ","
    return parts


def _is_forename(rest: str) -> bool:
    """Whether the name that opens the rest begins with a common first name: `Hans Müller`, unlike `Trier, Lars`."""
    first, _, behind = rest.partition(" ")
    return bool(behind) and words_key(first) in load_words("forenames")


def read_byline(text: str) -> Byline:
    """The names in what is known to be a byline, apart from what else it says: `By Ann Lee, Political Editor`."""
    names: list[str] = []
    rest: list[str] = []
    for part, is_behind_comma in _split_parts(text):
        name = credits.remove_job(_remove_place(credits.remove_mail(part)))
        if credits.is_nobody(name) or (is_behind_comma and names and _is_place_of(names[0], name)):
            rest.append(part)
            continue
        names.append(name)
        rest += [part] if name != part else []
    return Byline(tuple(dict.fromkeys(names)), tuple(rest))


def _remove_place(name: str) -> str:
    """`Ann Lee` of `Ann Lee in Paris`; but `Women in Tech` and `Women in London` stay whole."""
    head, _, place = name.partition(" in ")
    return head if " " in head and credits.is_place(place) else name


def _is_place_of(writer: str, name: str) -> bool:
    """Whether what stands behind a whole name and a comma is where its bearer writes: `Ann Lee, Paris`, unlike
    `García Márquez, Victoria`."""
    if " " not in writer or not credits.is_place(name):
        return False
    return credits.is_known_person(writer) or not credits.is_given_name(name)


def read_name(text: str, *, is_stated: bool = False) -> Byline:
    """One name that a source gave as one: commas are its own (`Lee, Ann`), unless no name follows them. `is_stated`:
    the source has a record of its bearer, who may be an agency or a desk."""
    name = credits.remove_mail(text)
    if is_stated:
        return (
            Byline((name,), (text,) * (name != text)) if name and not credits.is_nothing(name) else Byline((), (text,))
        )
    head, *others = (part.strip() for part in name.split(","))
    if others and " " in head and all(credits.is_nobody(one) for one in others):
        name = head
    name = credits.remove_job(name)
    if credits.is_nobody(name):
        return Byline((), (text,))
    return Byline((name,), (text,) * (name != text))


def read_opening_byline(line: str) -> Byline:
    """What a whole short line says that is a byline (`By Ann Lee`); nothing for any other line."""
    match = _OPENING.match(line)
    if not match or len(line) > 100 or line[-1] in ".!?:":
        return Byline()
    # `Von Ann Lee` is a byline here, where the whole line is one; elsewhere "von" may be a part of a name.
    byline = read_byline(line) if match["by"].lower() != "von" else read_byline("by " + line[match.end() :])
    good = all(_NAME.fullmatch(name) and _is_capitalised(name) for name in byline.names)
    return byline if good and byline.names else Byline()


def _is_capitalised(name: str) -> bool:
    words = name.split()
    return words[0][0].isupper() and words[-1][0].isupper()
