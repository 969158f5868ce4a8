"""Exports and replies of systems that are not read, told from the head of a text, each with the way out.

Looks at marks that these systems alone write, and only in JSON and XML; never at prose that speaks of them.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple


class ForeignFormat(NamedTuple):
    """`marks` must all be there; `reason` is a sentence for people."""

    marks: Sequence[re.Pattern[str]]
    reason: str


def _compile_marks(*patterns: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE | re.DOTALL) for pattern in patterns)


_JSON_SYSTEMS = (
    ForeignFormat(
        _compile_marks(r'"type"\s*:\s*"node--|"drupal_internal__\w+"\s*:'),
        "this is a reply of Drupal's JSON:API, which is not read: import the site's feed (rss.xml, or a view with an "
        "RSS display), or export the nodes with Views data export as CSV with title, body, created and path",
    ),
    ForeignFormat(
        _compile_marks(
            r'api\\?/index\.php\\?/v1\\?/content|"type"\s*:\s*"articles"\s*,\s*"id"\s*:\s*"?\d+"?\s*,\s*"attributes"'
        ),
        "this is a reply of Joomla's API, which is not read: import the feed of the category (?format=feed&type=atom), "
        "or export the articles as CSV with title, introtext as standfirst, fulltext as body, and created as date",
    ),
    ForeignFormat(
        _compile_marks(r'"contentTypes"\s*:\s*\[', r'"sys"\s*:\s*\{'),
        "this is an export of Contentful, which is not read, as its fields are named by each site: write each entry as "
        "a line of NDJSON with title, body as it is, published_at and id",
    ),
    ForeignFormat(
        _compile_marks(r'"sys"\s*:\s*\{[^{}]{0,100}"type"\s*:\s*"Array"'),
        "this is a reply of Contentful's API, which is not read, as its fields are named by each site: write each "
        "entry as a line of NDJSON with title, body as it is, published_at and id",
    ),
    ForeignFormat(
        _compile_marks(
            r'\A\s*\{\s*"data"\s*:\s*\[?\s*\{\s*"id"\s*:\s*\d+\s*,\s*(?:"attributes"\s*:\s*\{|"documentId"\s*:)'
        ),
        "this is a reply of Strapi's API, which is not read, as its fields are named by each site: write each entry as "
        "a line of NDJSON with title, body as it is, published_at and id",
    ),
    ForeignFormat(
        _compile_marks(r'"_type"\s*:\s*"', r'"_id"\s*:\s*"', r'"_(?:rev|createdAt)"\s*:\s*"'),
        "this is an export of Sanity, which is not read, as its fields are named by each site: write each document "
        "as a line of NDJSON with title, body as it is, published_at and id",
    ),
    ForeignFormat(
        _compile_marks(r'"jsonapi"\s*:\s*\{\s*"version"', r'"attributes"\s*:\s*\{'),
        "this is a reply of a JSON:API, which is not read, as its fields are named by each site: write each entry as "
        "a line of NDJSON with title, body, published_at and id",
    ),
)
_XML_SYSTEMS = (
    ForeignFormat(
        _compile_marks(r"<j2xml\b"),
        "this is an export of Joomla (J2XML), which is not read: import the feed of the category "
        "(?format=feed&type=atom), or export the articles as CSV",
    ),
    ForeignFormat(
        _compile_marks(r"<NewsML\b(?![^>]*\bxmlns=[\"']http://iptc\.org/std/nar/)"),
        "this is NewsML 1, which is not read: agencies deliver the same items as NewsML-G2, NITF or ninjs",
    ),
    ForeignFormat(
        _compile_marks(r"<(?:w|pkg):(?:wordDocument|package)\b|<office:document\b"),
        "this is a document of a word processor: save it as HTML or plain text and import that",
    ),
    ForeignFormat(_compile_marks(r"<opml\b"), "this is a list of feeds (OPML): import each of their addresses"),
    ForeignFormat(
        _compile_marks(r"<(?:urlset|sitemapindex)\b"),
        "this is a sitemap: import it by its address, so that the pages it names can be fetched",
    ),
    ForeignFormat(
        _compile_marks(r"<mysqldump\b|<pma_xml_export\b"),
        "this is a dump of a database: export the articles from the system that it belongs to",
    ),
)
_ROOT = re.compile(
    r"\s*(?:<\?(?:(?!\?>).)*\?>\s*|<!--(?:(?!-->).)*-->\s*|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>\s*)*(<[^>]{0,4000})",
    re.DOTALL,
)


def explain_refusal(text: str) -> str | None:
    """What a text is that begins as JSON or XML of a system that is not read, and what to do; None for any other."""
    opening = text.lstrip("\ufeff \t\r\n")[:1]
    if opening in ("{", "["):
        return _find_reason(_JSON_SYSTEMS, text)
    matched = _ROOT.match(text) if opening == "<" else None
    return _find_reason(_XML_SYSTEMS, matched[1]) if matched else None


def _find_reason(systems: Sequence[ForeignFormat], text: str) -> str | None:
    return next((one.reason for one in systems if all(mark.search(text) for mark in one.marks)), None)
