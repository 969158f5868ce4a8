"""Keys that texts are compared and sorted by, and slugs. Pure; one place, so that both sides of a comparison agree."""

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from slugify import slugify

SLUG_LENGTH = 80
_not_word = re.compile(r"[\W_]+")
_word = re.compile(r"\w+")
_space = re.compile(r"\s")
# For ASCII alone: what stands for the other bytes is never looked up.
_RUNS = bytes(i if chr(i).isalnum() or chr(i) == "_" else ord(" ") for i in range(128)).ljust(256)
_ASCII = bytes(ord(chr(i).lower()) if chr(i).isalnum() else ord(" ") for i in range(128)).ljust(256)
NONCHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
"""For a class of characters: the 66 that Unicode keeps out of texts for good. Libraries take them for broken UTF-8."""
_controls = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff{NONCHARACTERS}]")
_ascii_controls = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ASCII_BYTES = bytes(range(128))
_CONTROL_BYTES = bytes([*range(9), 11, 12, *range(14, 32), 127])
# C1 controls begin with C2, surrogates with ED, U+FDD0 to U+FDEF and the byte order mark with EF; U+xFFFE and U+xFFFF
# end in BF BE and BF BF.
_suspects = tuple(
    map(re.compile, (rb"\xc2[\x80-\x9f]", rb"\xed[\xa0-\xbf]", rb"\xef(?:\xb7|\xbb\xbf)", rb"\xbf[\xbe\xbf]"))
)
"""What every other character of `_controls` has in UTF-8, and a few others have."""
_MANY_MARKS = 8
_plus = re.compile(r"(?<=[\w+])\+")
_sharp = re.compile(r"(?<=\w)#(?!\w)")
_only_digits = re.compile(r"[0-9]+")


def clean(text: str) -> str:
    """Text as the database may hold it: NFC, no NUL, no control characters but tab and line feed, no surrogates,
    no noncharacters."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return _ascii_controls.sub("", text)
    return unicodedata.normalize("NFC", _controls.sub("", text) if may_have_controls(text) else text)


def may_have_controls(text: str) -> bool:
    """False where a text surely has no control characters, surrogates or noncharacters; in a tenth of the time that
    looking for them takes."""
    data = text.encode("utf-8", "surrogatepass")
    return len(data.translate(None, _CONTROL_BYTES)) < len(data) or any(one.search(data) for one in _suspects)


def fold(text: str) -> str:
    """Lower case, without accents, NFKD: for sorting and for looking names up."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    marks = [c for c in set(decomposed) if unicodedata.combining(c)]
    if len(marks) > _MANY_MARKS:
        return decomposed.translate(dict.fromkeys(map(ord, marks))).casefold()
    for mark in marks:
        decomposed = decomposed.replace(mark, "")
    return decomposed.casefold()


def remove_match(match: re.Match[str]) -> str:
    """What is put for what a pattern finds where it is to go. An empty string would do the same, but of a text of
    megabytes with one call that lets no other thread run meanwhile: a call for each match does."""
    return ""


def pieces(text: str, size: int) -> Iterator[str]:
    """The text in pieces of `size` characters and what follows up to the end of a paragraph, of a word, or as long
    again: for work that would take much memory, or keep the interpreter, over a whole long text."""
    start = 0
    while len(text) - start > 2 * size:
        least, most = start + size, start + 2 * size
        end = text.find("\n\n", least, most)
        if end < 0:
            space = _space.search(text, least, most)
            end = space.start() if space else most
        yield text[start:end]
        start = end
    yield text[start:]


def drop_ascii(text: str) -> str:
    """The other characters of a text, which are few in most: what looks for some of them has less to look at."""
    return text.encode("utf-8", "surrogatepass").translate(None, _ASCII_BYTES).decode("utf-8", "surrogatepass")


def runs(text: str) -> list[str]:
    """The runs of letters, digits and underscores as they stand: what `\\w+` finds."""
    if text.isascii():
        return text.encode().translate(_RUNS).decode().split()
    return _word.findall(text)


def words(text: str) -> list[str]:
    """The folded words of a text, of ASCII a character at a time, which takes a third of the time."""
    if text.isascii():
        return text.encode().translate(_ASCII).decode().split()
    return _not_word.sub(" ", fold(text)).split()


def words_key(text: str) -> str:
    """The folded words with single spaces: what titles and names are compared by."""
    return " ".join(words(text))


def name_key(name: str) -> str:
    """What names of tags are compared by: the folded words, with signs that tell names apart spelt out. The name
    itself, folded, where it has no words."""
    return words_key(spell_signs(name)) or fold(name).strip()


def spell_signs(name: str) -> str:
    """ "C++" and "C#" as they are said: signs behind a word make it another one, in front of it they are decoration."""
    return _plus.sub(" plus ", _sharp.sub(" sharp ", name))


def sort_key(text: str) -> str:
    """What titles are sorted by: folded words, so that quotation marks and accents do not decide."""
    return words_key(text)[:400]


def title_key(title: str) -> str | None:
    """What a related post's title is matched by; None below three words, which say too little."""
    key = words_key(title)
    return key if key.count(" ") >= 2 else None


def slug(text: str, instead: str) -> str:
    """An ASCII slug of at most SLUG_LENGTH characters, never digits only; `instead` where nothing is left."""
    # Most titles are plain words, of which slugify makes the same, in ten times as long.
    plain = text.isascii() and "&" not in text and "," not in text
    made = "-".join(words(text)) if plain else ""
    if not plain or len(made) > SLUG_LENGTH:
        made = slugify(text, max_length=SLUG_LENGTH, word_boundary=True, save_order=True)
    made = made or instead
    return f"{instead}-{made}" if _only_digits.fullmatch(made) else made


def url_key(url: str) -> str:
    """Addresses that lead to the same page compare equal: no scheme, `www.`, fragment, utm parameters or last slash."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return url.strip()
    query = "&".join(sorted(p for p in parts.query.split("&") if p and not p.startswith("utm_")))
    path = clean(unquote(parts.path)).rstrip("/")
    return f"{host}{port}{path}" + (f"?{query}" if query else "")


def page_key(url: str) -> str | None:
    """`url_key` of an address that one article has to itself; None for a part of a page (`#7`) and for a front page."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    has_own_page = not parts.fragment and (parts.path.strip("/") or parts.query)
    return url_key(url) if has_own_page else None


def last_segment(url: str) -> str | None:
    """The last part of an address's path, where a slug would stand."""
    try:
        path = urlsplit(url.strip()).path.rstrip("/")
    except ValueError:
        return None
    return path.rsplit("/", 1)[-1].removesuffix(".html") or None
