"""feedparser, which reads names of any length in time by their length. Knows nothing of articles."""

import io
from collections.abc import Mapping

import feedparser
from feedparser.mixin import _FeedParserMixin

MOST_NAME = 1_000
"""Characters of a name, or of several in one, that are looked at for an address of mail and kept."""

_sync_author = _FeedParserMixin._sync_author_detail


def _sync_short_author(self: _FeedParserMixin, key: str = "author") -> None:
    """feedparser looks for an address in each author by a pattern that takes time by the square of the name: 70 seconds
    for 120,000 letters. The method is its own affair, but the only place that all spellings of a name come through."""
    fields = self._get_context()
    name = dict.get(fields, key)
    if isinstance(name, str) and len(name) > MOST_NAME:
        fields[key] = name[:MOST_NAME]
    _sync_author(self, key)


def parse(data: bytes, headers: Mapping[str, str], *, relative: bool) -> feedparser.FeedParserDict:
    """What feedparser makes of it. HTML stays as it came, for it is made safe where it is stored; `relative`: links are
    resolved, where anything says what they count from."""
    if _FeedParserMixin._sync_author_detail is not _sync_short_author:
        _FeedParserMixin._sync_author_detail = _sync_short_author
    return feedparser.parse(
        io.BytesIO(data), response_headers=dict(headers), sanitize_html=False, resolve_relative_uris=relative
    )
