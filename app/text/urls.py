"""Addresses on the web as Dateline keeps and shows them: http or https, whole, of one line, harmless in any markup.

The one rule for every property and every importer that holds an address. Never asks whether anybody is there.
"""

import re
from urllib.parse import quote, urljoin, urlsplit

MAX_LENGTH = 2000
_CONTROLS = r"\s\x00-\x20\x7f-\x9f\ufeff\ufffe\uffff"
_QUOTES = r"""'"`<>\[\]{}\\^|"""
_HOST = rf"(\[[0-9A-Fa-f:.]+\](:[0-9]{{1,5}})?|[^{_CONTROLS}{_QUOTES}/?#]+)"
PATTERN = rf"^https?://{_HOST}([/?#][^{_CONTROLS}]*)?$"
"""What is accepted; quotes and brackets behind the host are percent-encoded then."""
_accepted = re.compile(PATTERN, re.IGNORECASE)
_harmless = re.compile(rf"https?://{_HOST}([/?#][^{_CONTROLS}{_QUOTES}]*)?")
_quotes = re.compile(rf"[{_QUOTES}]")
# Sold to everybody for how they read; they say nothing of where a site is.
_VANITY = re.compile(
    r"(?:ac|ag|ai|am|as|bz|cc|cd|cf|co|fm|ga|gg|gq|gs|im|io|ki|la|ly|me|ml|ms|mu|nu|pw|sc|sh|so|st|tk|tl|to|tv|vc|vg|ws)\Z"
)
_SCHEME = re.compile(r"[\s\x00-\x20]*[A-Za-z][A-Za-z0-9+.\-]*:")


def normalize(value: str) -> str:
    """The address with quotes and brackets percent-encoded and its scheme in lower case. ValueError for any other."""
    match = _accepted.match(value)
    if match is None or len(value) > MAX_LENGTH:
        raise ValueError(f"an address begins with http:// or https:// and has at most {MAX_LENGTH} characters")
    if not urlsplit(value).hostname:  # ValueError for a host that is none
        raise ValueError("the address names no host")
    scheme, rest = value.split("://", 1)
    host = match[1]
    tail = _quotes.sub(lambda sign: quote(sign[0], safe=""), rest[len(host) :])
    normalized = f"{scheme.lower()}://{host}{tail}"
    if len(normalized) > MAX_LENGTH:
        raise ValueError(f"the address has more than {MAX_LENGTH} characters when it is percent-encoded")
    return normalized


def safe_or_none(stored: object) -> str | None:
    """What may be shown of an address that was kept at any time."""
    if not isinstance(stored, str):
        return None
    if _harmless.fullmatch(stored) and len(stored) <= MAX_LENGTH:
        return stored
    try:
        return normalize(stored)
    except ValueError:
        return None


def is_relative(value: str | None) -> bool:
    """Whether it is an address that counts from another one."""
    return bool(value) and not _SCHEME.match(value or "")


def resolve(value: str, base: str | None = None) -> str | None:
    """An address as a source has it, with its spaces encoded, and seen from the address `base` if it is relative. None
    where that leads to nothing on the web."""
    address = value.strip(" \t\n\r\f").replace(" ", "%20")
    try:
        if not _SCHEME.match(address):
            if base is None:
                return None
            address = urljoin(base, address)
        return normalize(address)
    except ValueError:
        return None


def find_country(address: str | None) -> str | None:
    """The country, as in ISO 3166, that an address's domain is under; None for domains that are sold to everybody."""
    try:
        host = urlsplit(address or "").hostname or ""
    except ValueError:
        return None
    top = host.rpartition(".")[2]
    if len(top) != 2 or not top.isalpha() or top == "eu" or _VANITY.match(top):
        return None
    return {"uk": "GB"}.get(top, top.upper())
