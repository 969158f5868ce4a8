"""Relative addresses in the HTML of a body, made whole by the address that they count from. Pure.

Reads only HTML that was sanitised: there every attribute is written in one way.
"""

import re
from html import escape, unescape
from urllib.parse import urljoin, urlsplit

_RELATIVE = re.compile(r'(<(?:a|img|source|video|audio)\b[^<>]*?\s(?:href|src|cite|poster)=)"([^"]*)"')
_UNFIT = re.compile(r"[\s\x00-\x1f\x7f-\x9f\"<>]")
_WHOLE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#|\Z")


def is_base(url: str) -> bool:
    """Whether it is the address of a site: with a host, without a name and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    known = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return bool(known) and not _UNFIT.search(url) and len(url) <= 2_000


def resolve(html: str, base: str) -> str:
    """The same HTML; addresses that begin with a scheme, a host or `#` stay."""

    def whole(found: re.Match[str]) -> str:
        address = unescape(found[2]).strip()
        if _WHOLE.match(address):
            return found[0]
        try:
            return f'{found[1]}"{escape(urljoin(base, address))}"'
        except ValueError:
            return found[0]

    return _RELATIVE.sub(whole, html)
