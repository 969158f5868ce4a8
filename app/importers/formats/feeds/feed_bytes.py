"""A feed's bytes as feedparser reads them right: without what it is known to read wrongly.

Never touches sections of CDATA but for addresses of mail in names, and never changes what is well-formed otherwise.
"""

import re
from html.entities import html5

_TOKEN = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|&(?:(?P<known>(?:amp|lt|gt|quot|apos|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});)"
    rb"|(?P<name>[A-Za-z][A-Za-z0-9]{1,31});)?",
    re.DOTALL,
)
_NAMED = re.compile(
    rb"(<(?:[\w-]+:)?(?:author|creator|managingEditor|webMaster|name|email)\b[^<>]{0,200}>)"
    rb"((?:\s{0,20}<!\[CDATA\[)?[^<@]{0,300}@[^<]{0,300})"
)
_MAIL = re.compile(
    rb"(?:&lt;|[(<])?(?:mailto:)?(?<![\w.+%-])[\w.+%-]{1,100}+@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}(?:&gt;|[)>])?",
    re.IGNORECASE,
)
_DESCRIPTION = re.compile(rb"<(/?)media:description\b")
CAPTION = "media_caption"
"""Where feedparser keeps what a feed calls `media:description`."""


def prepare(data: bytes) -> tuple[bytes, bool]:
    """The bytes, and whether character references in them had to be repaired.

    feedparser cuts addresses of mail off after four letters of their last part and takes the rest for a name, takes the
    description of a picture for a text of its entry, and makes `AT&T;` of `AT&T`.
    """
    data = _NAMED.sub(lambda match: match[1] + _MAIL.sub(b"", match[2]), data) if b"@" in data else data
    data = _DESCRIPTION.sub(rb"<\1media:caption", data)
    if b"&" not in data or b"<!ENTITY" in data:
        return data, False
    repaired = _TOKEN.sub(_replace_reference, data)
    return repaired, repaired != data


def _replace_reference(match: re.Match[bytes]) -> bytes:
    """What is no reference in XML, as one: names of HTML by their numbers, other ampersands as themselves."""
    if match["known"] or not match[0].startswith(b"&"):
        return match[0]
    characters = html5.get(f"{match['name'].decode()};") if match["name"] else None
    return "".join(f"&#{ord(one)};" for one in characters).encode() if characters else b"&amp;" + match[0][1:]
