"""The date of publication that a web page shows its readers, where neither its data nor its meta tags have one.

Never takes the date of a comment, of another article, of a change, or of a copyright; and none that the strict reader
of dates does not read out of the page itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo

import htmldate
from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.importers import dates
from app.importers.document import SourceDate, SourceLocale
from app.importers.formats.pages import metadata
from app.importers.formats.pages.date_words import ANOTHERS, BEFORE, CHANGED, ELSEWHERE, LABEL, NOT_ITS, SEPARATOR
from app.importers.records import fallback_dates
from app.text.keys import words_key

MAX_LINE = 160
"""Characters of a line that may be one of a byline or a date; what is longer is prose."""
MAX_CANDIDATES = 60
NEAR = 1_500
"""Characters of text between a headline and its date."""
_DAY = 86_400
# Of this age, of the Persian and of the Thai calendar, and whatever stands in digits of another script.
_YEAR = re.compile(r"(?:19|20|1[34]|25)\d\d|[^\D\x00-\x7f]{4}|令和|平成|民國")
_MARKED = (
    '[itemprop~="datePublished"], [property~="datePublished"], [property~="schema:datePublished"]',
    'time[pubdate], .dt-published, abbr.published, time.published, time.entry-date, [itemprop~="dateCreated"]',
    '[property~="schema:dateCreated"], [property~="dc:date"], [property~="dcterms:created"], [property~="dc:created"]',
)
_FIRST = 725_846_400
"""1993, when there were the first pages: what one shows of earlier years is what it tells of."""
_TOO_SHORT = 12
_NO_TEXT = frozenset(("script", "style", "noscript", "option", "textarea", "title", "td"))
MAX_BYLINE = 80
MAX_PARTS = 14
MAX_FOOT = 400
MAX_NAMES = 200
FAR = 5_000
_OPENING = re.compile(r"\s*((?:[^\W\d_][^\d()\[\]]{0,30}\s)?)[(\[]([^()\[\]]{6,30})[)\]]")
_INLINE = frozenset(
    ("a", "abbr", "b", "em", "font", "i", "small", "span", "strong", "time", "u", "label", "bdi", "big", "tt")
)
_OF_DATE = re.compile(r"date|time|meta|publish|datum", re.IGNORECASE)
_LABELLED, _CHANGE = "\x01", "\x02"
_UPDATED = re.compile(r"updated?\b|modified|dateModified")
_PUBLISHED = re.compile(r"publish|entry-date|post-?date")


@dataclass(frozen=True, slots=True)
class ShownDate:
    """A date on the page as it was read; `distance` is how many characters behind the headline it stands, negative
    before it, None where there is no headline. `is_change` says that it is the date of one, `is_labelled` that words
    before it say that it is when the article came out."""

    reading: dates.ParsedDate
    text: str
    distance: int | None
    is_change: bool = False
    is_labelled: bool = False


@dataclass(frozen=True, slots=True)
class PageDates:
    """The texts that stand for the date of publication and for that of the last change; None where nothing does."""

    published: str | None = None
    updated: str | None = None


@dataclass(frozen=True, slots=True)
class DateSearch:
    """What a date is looked for with: the page's headline and the elements that hold it, its address, and how its dates
    are read."""

    headline: LexborNode | None
    own: frozenset[int]
    address: str | None
    zone: tzinfo
    locale: SourceLocale

    def parse_text(self, text: str) -> dates.ParsedDate | None:
        """The date that a text is, or None."""
        try:
            return dates.parse_date(text, self.zone, self.locale)
        except ValueError:
            return None


def begin_search(
    tree: LexborHTMLParser, title: str | None, address: str | None, zone: tzinfo, locale: SourceLocale
) -> DateSearch:
    """Finds the headline of the page, near which its date is looked for."""
    headline = _find_headline(tree, title)
    own = frozenset(one.mem_id for one in _list_around(headline, 100)) if headline is not None else frozenset()
    return DateSearch(headline, own, address, zone, locale)


def find_dates(markup: str, tree: LexborHTMLParser, search: DateSearch) -> PageDates:
    """What is marked as the date of publication, else what stands nearest to the headline and lies in the period that
    the address names, else what htmldate points to; and the change that is told nearest to the headline."""
    candidates = _list_candidates(tree, search)
    updated = _choose_nearest([one for one in candidates if one.is_change])
    if marked := _find_marked(tree, search):
        return PageDates(marked, updated)
    candidates = [one for one in candidates if not one.is_change]
    period = fallback_dates.find_in_url(search.address) if search.address else None
    if period is not None:
        return PageDates(_choose_nearest([one for one in candidates if _is_within(one.reading.date, period)]), updated)
    return PageDates(_choose_nearest(candidates) or _find_by_htmldate(markup, candidates), updated)


def _find_marked(tree: LexborHTMLParser, search: DateSearch) -> str | None:
    for selector in _MARKED:
        for node in tree.css(selector)[:3]:
            text = _read_attribute(node) or metadata.read_words(node)
            shown_date = _parse_shown(text, search) if text and not _is_of_other_article(node, search.own) else None
            if shown_date:
                return shown_date.text
    return None


def _is_within(day: SourceDate, period: SourceDate) -> bool:
    """Whether a date lies in the period of an address, or a day beside it, as clocks differ."""
    length = 31 if period.precision == "month" else 1
    return period.instant - _DAY <= day.instant < period.instant + (length + 1) * _DAY


def _find_by_htmldate(markup: str, candidates: list[ShownDate]) -> str | None:
    """What htmldate takes for the date, if it stands on the page as one; it guesses, and knows no other precision than
    that of a day."""
    candidates = [one for one in candidates if abs(one.distance or 0) <= FAR]
    day = htmldate.find_date(markup, original_date=True, extensive_search=False) if candidates else None
    days = {
        f"{datetime.fromtimestamp(one.reading.date.instant, UTC):%Y-%m-%d}": one.text for one in reversed(candidates)
    }
    return days.get(day or "")


def _read_attribute(node: LexborNode) -> str | None:
    attributes = node.attributes
    return metadata.clean_line(
        attributes.get("datetime")
        or attributes.get("content")
        or (attributes.get("title") if node.tag == "abbr" else None)
    )


def _choose_nearest(candidates: list[ShownDate]) -> str | None:
    """The one nearest to the headline, behind it rather than before; where there is none, the only one that the page
    has, unless a headline stands far from it."""
    near = [one for one in candidates if one.distance is not None and abs(one.distance) <= NEAR]
    if near:
        return min(near, key=lambda one: _measure_cost(one.distance or 0)).text
    candidates = [one for one in candidates if abs(one.distance or 0) <= FAR]
    for some in ([one for one in candidates if one.is_labelled], candidates):
        if len({one.reading.date.instant // _DAY for one in some}) == 1:
            return some[0].text
    return None


def _measure_cost(distance: int) -> int:
    return distance if distance >= 0 else 2 - 3 * distance


def _list_candidates(tree: LexborHTMLParser, search: DateSearch) -> list[ShownDate]:
    """All dates in short lines and `<time>` elements of the page that may be its article's, in their order."""
    position, behind = 0, None
    inside = search.headline.mem_id if search.headline is not None else None
    waiting: list[tuple[int, ShownDate]] = []
    for node in tree.body.traverse(include_text=True) if tree.body is not None else ():
        if node.is_text_node:
            text = node.text_content or ""
            if len(waiting) < MAX_CANDIDATES and _YEAR.search(text, 0, MAX_LINE):
                found_here = _read_line(node, search) if len(text) <= MAX_LINE else _read_opening(node, text, search)
                waiting += ((position, candidate) for candidate in found_here)
            position += len(text)
        elif node.tag == "time" and len(waiting) < MAX_CANDIDATES:
            waiting += ((position, candidate) for candidate in _read_time_element(node, search))
        elif node.mem_id == inside:
            behind = position + len(node.text())
    return [
        replace(one, distance=None if behind is None else at - behind)
        for at, one in waiting
        if one.reading.date.instant >= _FIRST
    ]


def _find_headline(tree: LexborHTMLParser, title: str | None) -> LexborNode | None:
    """The heading of the article: the one that is its title, else marked as such, else the one of the first level, else
    the one that the title in the window's bar repeats."""
    key = words_key(title or "")
    headings = [node for node in tree.css("h1, h2, h3")[:60] if node.text().strip()]
    for node in headings:
        if len(key) > _TOO_SHORT and words_key(node.text(separator=" ")) == key:
            return node
    for selector in ("[itemprop~=headline]", "article h1, main h1", "h1"):
        marked = [node for node in tree.css(selector) if node.text().strip() and node.tag != "meta"]
        if len(marked) == 1 or (marked and selector != "h1"):
            return marked[0]
    bar = metadata.read_words(tree.css_first("title")) or ""
    return next(
        (node for node in headings if len(text := metadata.read_words(node) or "") > _TOO_SHORT and text in bar), None
    )


def _read_time_element(node: LexborNode, search: DateSearch) -> Iterator[ShownDate]:
    datetime_text = metadata.clean_line(node.attributes.get("datetime"))
    shown_date = _parse_shown(datetime_text, search) if datetime_text and not _is_elsewhere(node, search.own) else None
    if shown_date:
        shown_date = _read_visible_date(node, shown_date, search) or shown_date
        line = _find_line(node) or ""
        is_labelled = bool(LABEL.search(line))
        yield replace(shown_date, is_change=_is_of_change(node) or bool(CHANGED.search(line) and not is_labelled))


def _read_visible_date(node: LexborNode, marked: ShownDate, search: DateSearch) -> ShownDate | None:
    """The day that readers see where a template tells machines another one: that of a change, as often as not."""
    text = metadata.read_words(node) or ""
    if len(text) > MAX_BYLINE or not _YEAR.search(text):
        return None
    visible = next(_parse_line(text, search), None)
    is_same = visible is None or abs(visible.reading.date.instant - marked.reading.date.instant) < 2 * _DAY
    return None if is_same else visible


def _read_line(node: LexborNode, search: DateSearch) -> Iterator[ShownDate]:
    around = node.parent
    if around is None or around.tag in _NO_TEXT or _is_elsewhere(node, search.own):
        return
    if around.tag == "time" and any(_read_time_element(around, search)):
        return  # what it says to machines is more exact
    line, text = _find_line(node), metadata.clean_line(node.text_content) or ""
    if NOT_ITS.search(line or text):
        return
    alone = _parse_shown(text.strip(" ,;|·-–()"), search) if line is None else None
    for one in _parse_line(line, search) if line is not None else [alone] if alone else []:
        yield replace(one, is_change=True) if _is_of_change(node) else one


def _read_opening(node: LexborNode, text: str, search: DateSearch) -> Iterator[ShownDate]:
    """The date in brackets that a paragraph begins with, behind a place or alone: `Bonn (18.01.2018) The …`."""
    match = _OPENING.match(text)
    is_place = match is not None and all(word[0].isupper() for word in match[1].split())
    shown_date = _parse_shown(match[2], search) if match and is_place and not _is_elsewhere(node, search.own) else None
    if shown_date:
        yield shown_date


def _find_line(node: LexborNode) -> str | None:
    """The text of the line that a node stands in: of its inline elements and what is around them; None of prose."""
    around = node.parent if node.is_text_node else node
    while around is not None and around.tag in _INLINE and around.parent is not None:
        if len(around.parent.text()) > MAX_LINE:
            break
        around = around.parent
    text = around.text(separator="\n").strip() if around is not None else ""
    return text if text and len(text) <= MAX_LINE else None


def _parse_line(line: str, search: DateSearch) -> Iterator[ShownDate]:
    """The dates in a line, each with what the words before it say of it."""
    marked = LABEL.sub(f"\n{_LABELLED}\n", CHANGED.sub(f"\n{_CHANGE}\n", line))
    if len(line) <= MAX_BYLINE:
        marked = BEFORE.sub("\n", marked)
    parts = [part for part in map(str.strip, SEPARATOR.split(marked)) if part][:MAX_PARTS]
    label, first = "", 0
    while first < len(parts):
        if parts[first] in (_LABELLED, _CHANGE):
            label = parts[first]
            first += 1
            continue
        first, shown_date = _find_longest(parts, first, search)
        if shown_date:
            yield replace(shown_date, is_change=label == _CHANGE, is_labelled=label == _LABELLED)


def _find_longest(parts: list[str], first: int, search: DateSearch) -> tuple[int, ShownDate | None]:
    """The longest run of parts from the first on that is a date, and where it ends."""
    for last in range(min(len(parts), first + 4), first, -1):
        text = ", ".join(parts[first:last])
        if (
            _YEAR.search(text)
            and _LABELLED not in text
            and _CHANGE not in text
            and (shown_date := _parse_shown(text, search))
        ):
            return last, shown_date
    return first + 1, None


def _parse_shown(text: str, search: DateSearch) -> ShownDate | None:
    """A date as exact as a day at least, with its text."""
    reading = search.parse_text(text)
    return ShownDate(reading, text, None) if reading and reading.date.precision in ("day", "instant") else None


def _is_of_change(node: LexborNode) -> bool:
    for one in _list_around(node, 3):
        attributes = one.attributes
        names = f"{attributes.get('class') or ''} {attributes.get('itemprop') or ''} {attributes.get('id') or ''}"
        # In themes that follow hAtom `updated` stands on the only date that there is, beside another name.
        if _UPDATED.search(names) and not _PUBLISHED.search(names):
            return True
    return False


def _is_elsewhere(node: LexborNode, own: frozenset[int]) -> bool:
    """Whether it stands in a part of the page that is not its article: comments, lists of others, the foot of the site.
    What holds the headline too (`own`) is none of these, whatever it is called, and what holds a line only is none."""
    for step, one in enumerate(_list_around(node, 40)):
        if one.tag in ("body", "html") or one.mem_id in own:
            return False
        # Tables with headings hold facts, those without are how pages were laid out once.
        if one.tag in ("nav", "blockquote") or (one.tag == "table" and one.css_first("th") is not None):
            return True
        names = f"{one.attributes.get('class') or ''} {one.attributes.get('id') or ''}"
        foot = one.tag == "footer" or "footer" in names
        if foot and (len(text := one.text()) > MAX_FOOT or NOT_ITS.search(text)):
            return True
        if one.tag == "aside" and len(one.text()) > MAX_LINE:
            return True
        if len(names) < MAX_NAMES and ELSEWHERE.search(names) and not (step <= 1 and _OF_DATE.search(names)):
            return True
    return False


def _is_of_other_article(node: LexborNode, own: frozenset[int]) -> bool:
    """Whether what is marked as a date of publication is that of a comment or of another article."""
    for one in _list_around(node, 40):
        if one.mem_id in own or one.tag == "body":
            return False
        names = f"{one.attributes.get('class') or ''} {one.attributes.get('id') or ''}"
        if one.tag == "blockquote" or (len(names) < MAX_NAMES and ANOTHERS.search(names)):
            return True
    return False


def _list_around(node: LexborNode, most: int) -> Iterator[LexborNode]:
    one: LexborNode | None = node if not node.is_text_node else node.parent
    while one is not None and most:
        yield one
        one, most = one.parent, most - 1
