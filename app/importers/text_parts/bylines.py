"""Bylines: the names of authors in `By Ann Lee and Bo Ek`, in English, French, Spanish and German.

Never takes a name apart that is written as one, and never turns a sentence into names.
"""

import re

_OPENING = re.compile(r"(?P<by>by|par|por|von)\s*:?\s+", re.IGNORECASE)
_JOINTS = {
    "by": r" ?(?:,|;|\band\b|&) ?",
    "par": r" ?(?:,|;|\bet\b|&) ?",
    "por": r" ?(?:,|;|\by\b|&) ?",
    "von": r" ?(?:,|;|\bund\b|&) ?",
}
_SUFFIX = re.compile(r"(?:jr|sr|ii|iii|iv|phd|ph\.d|md|m\.d|esq)\.?", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_][\w.'’-]*(?: (?:[^\W\d_][\w.'’-]*)){1,4}")


def split_byline(text: str) -> tuple[str, ...]:
    """The names in a byline, with or without its opening word; a suffix such as `Jr.` stays with its name."""
    text = " ".join(text.split())
    match = _OPENING.match(text)
    # "von" opens many a name, so it is a byline only where German joins two of them.
    opened = match and (match["by"].lower() != "von" or " und " in text)
    rest = text[match.end() :] if match and opened else text
    joint = _JOINTS[match["by"].lower() if match and opened else "by"]
    names: list[str] = []
    for part in re.split(joint, rest, flags=re.IGNORECASE):
        if names and _SUFFIX.fullmatch(part):
            names[-1] += f", {part}"
        elif part:
            names.append(part)
    return tuple(names)


def read_opening_byline(line: str) -> tuple[str, ...]:
    """The names, where a whole short line is a byline (`By Ann Lee`); nothing for any other line."""
    match = _OPENING.match(line)
    if not match or len(line) > 100 or line[-1] in ".!?:":
        return ()
    # `Von Ann Lee` is a byline here, where the whole line is one; `split_byline` takes "von" for a part of a name.
    names = split_byline(line) if match["by"].lower() != "von" else split_byline("by " + line[match.end() :])
    good = all(_NAME.fullmatch(name) and _is_capitalised(name) for name in names)
    return names if good else ()


def _is_capitalised(name: str) -> bool:
    words = name.split()
    return words[0][0].isupper() and words[-1][0].isupper()
