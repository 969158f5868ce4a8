"""The date of publication that a web page shows its readers, where neither its data nor its meta tags have one.

Never takes the date of a comment, of another article, of a change, or of a copyright; and none that the strict reader
of dates does not read out of the page itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import htmldate
from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.importers import dates, page, undated
from app.importers.document import Locale, SourceDate

MAX_LINE = 160
"""Characters of a line that may be one of a byline or a date; what is longer is prose."""
MAX_CANDIDATES = 60
NEAR = 1_500
"""Characters of text between a headline and its date."""
_DAY = 86_400
_YEAR = re.compile(r"(?:19|20)\d\d|[٠-٩۰-۹०-९]{4}|令和|平成|民國|25\d\d")
_MARKED = (
    '[itemprop~="datePublished"], [property~="datePublished"], [property~="schema:datePublished"]',
    'time[pubdate], .dt-published, abbr.published, time.published, time.entry-date, [itemprop~="dateCreated"]',
    '[property~="dc:date"], [property~="dcterms:created"], [property~="dc:created"]',
)
_INLINE = frozenset("a abbr b em font i small span strong time u label bdi big tt".split())
_ELSEWHERE = re.compile(
    r"comment|kommentar|repl(?:y|ies)\b|respond|disqus|related|similar|recommend|sidebar|side-bar|widget|footer|popular|"
    r"teaser|trending|latest|recent|most-?read|newsticker|carousel|slider|copyright|archive|calendar|event-?list|"
    r"breaking|promo|sponsor|banner|cookie|consent|navi?gation|breadcrumb|read-?more|more-?from|mehr-zum",
    re.IGNORECASE,
)
_OF_DATE = re.compile(r"date|time|meta|publish|datum", re.IGNORECASE)
_ARTICLE = re.compile(r"\b(?:post|entry|article|story|content|hentry|single)\b", re.IGNORECASE)
_CHANGED = re.compile(
    r"(?:last\s+)?(?:updated?|modified|changed|revised|edited|reviewed)\b(?:\s+(?:on|at))?|zuletzt\s+\w+|(?:letzte\s+)?aktualisier\w*|"
    r"geändert|(?:letzte\s+)?änderung|überarbeitet|(?<!\w)stand\b|mise?e? à jour|modifié\w*|mis à jour|actualizad[oa]\w*|"
    r"actualización|modificad[oa]|aggiornat[oa]|aggiornamento|ultima modifica|atualizad[oa]|atualização|bijgewerkt|gewijzigd|"
    r"uppdaterad\w*|oppdatert|opdateret|päivitetty|aktualizováno|zaktualizowano|aktualizacja|обновлен\w*|оновлен\w*|изменен\w*|"
    r"güncelle\w*|frissítve|actualizat\w*|更新日?時?間?|최종수정|수정|تحديث|ویرایش|به‌روز\w*|עודכן|ενημερώ\w*",
    re.IGNORECASE,
)
_NOT_ITS = re.compile(
    r"©|\(c\)|copyright|all rights|alle rechte|tous droits|reserved|since\b|seit\b|founded|established|expires?|deadline|"
    r"registered|joined|member since|retrieved|accessed|abgerufen|last visit|logged|born\b|geboren|next\b|event\b|valid",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:first\s+)?(?:published|posted|created|written|added|submitted|issued|released|uploaded|filed|date|dated|time)(?:\s+(?:on|at|in))?"
    r"|pub(?:lication)?\.?\s+date|veröffentlicht(?:\s+am)?|erschienen(?:\s+am)?|erstellt(?:\s+am)?|geschrieben(?:\s+am)?|eingestellt(?:\s+am)?"
    r"|datum|publié\w*(?:\s+le)?|posté\w*(?:\s+le)?|paru le|mis en ligne(?:\s+le)?|créé le|publicad[oa]\w*(?:\s+(?:el|em))?|fecha|data|pubblicat[oa](?:\s+il)?"
    r"|geplaatst(?:\s+op)?|gepubliceerd(?:\s+op)?|publicerad\w*|publisert|udgivet|publiceret|julkaistu|publikováno|vydáno|opublikowano|data publikacji|dodano"
    r"|опубликован\w*|опубліковано|дата|yayınlan\w*|tarih\w*|eklenme|megjelent|publicat\w*(?:\s+(?:la|pe|el))?|δημοσιεύ\w*|發布|发布时间?|发布|發佈|公開日?|掲載日?"
    r"|投稿日?|入力|입력|등록|승인|نشر|تاریخ|انتشار|פורסם",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(
    r"\s*[|·•–—»›/]\s+|\s+[-/]\s+|[\n\t\r\u2003]+|\s{2,}|,\s+|:\s+|\s*[\[\]()（）【】]\s*|;\s*|"
    r"\s+(?:by|von|par|por|di|da|door|av|af|od|przez|from|in|under|bei|to|with|@)\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A date on the page as it was read; `distance` is how many characters behind the headline it stands, negative before
    it, None where there is no headline."""

    reading: dates.Reading
    text: str
    distance: int | None
    is_marked: bool = False


def find(markup: str, tree: LexborHTMLParser, zone: tzinfo, locale: Locale, address: str | None) -> str | None:
    """The text that stands for the date of publication: what is marked as that, else what stands nearest to the headline
    and lies in the period that the address names, else what htmldate points to. None where nothing does."""
    headline = _headline(tree)
    own = frozenset(one.mem_id for one in _around(headline, 100)) if headline is not None else frozenset()
    for selector in _MARKED:
        for node in tree.css(selector)[:3]:
            said = _attribute(node) or page.words(node)
            found = _read(said, zone, locale) if said and not _is_elsewhere(node, own) else None
            if found:
                return found[0]
    shown = list(candidates(tree, zone, locale))
    period = undated.in_address(address) if address else None
    if period is not None:
        fitting = [one for one in shown if _is_within(one.reading.date, period)]
        return _nearest(fitting)
    return _nearest(shown) or _pointed_to(markup, shown)


def _is_within(day: SourceDate, period: SourceDate) -> bool:
    """Whether a date lies in the period of an address, or a day beside it, as clocks differ."""
    length = 31 if period.precision == "month" else 1
    return period.instant - _DAY <= day.instant < period.instant + (length + 1) * _DAY


def _pointed_to(markup: str, shown: list[Shown]) -> str | None:
    """What htmldate takes for the date, if it stands on the page as one; it guesses, and knows no other precision than
    that of a day."""
    day = htmldate.find_date(markup, original_date=True, extensive_search=False) if shown else None
    return next((one.text for one in shown if f"{datetime.fromtimestamp(one.reading.date.instant, UTC):%Y-%m-%d}" == day), None)


def _attribute(node: LexborNode) -> str | None:
    given = node.attributes
    return page.line(given.get("datetime") or given.get("content") or (given.get("title") if node.tag == "abbr" else None))


def _nearest(shown: list[Shown]) -> str | None:
    """The one nearest to the headline, behind it rather than before; without a headline the only one that there is."""
    if not shown:
        return None
    near = [one for one in shown if one.distance is not None and abs(one.distance) <= NEAR]
    if near:
        best = min(near, key=lambda one: _cost(one.distance or 0))
        return best.text
    days = {one.reading.date.instant // _DAY for one in shown}
    return shown[0].text if len(days) == 1 else None


def _cost(distance: int) -> int:
    return distance if distance >= 0 else 2 - 3 * distance


def candidates(tree: LexborHTMLParser, zone: tzinfo, locale: Locale) -> Iterator[Shown]:
    """All dates in short lines and `<time>` elements of the page that may be its article's, in their order."""
    headline = _headline(tree)
    position, behind, count = 0, None, 0
    inside = headline.mem_id if headline is not None else None
    own = frozenset(one.mem_id for one in _around(headline, 100)) if headline is not None else frozenset()
    until = len(headline.text()) if headline is not None else 0
    waiting: list[tuple[int, str, dates.Reading]] = []
    for node in tree.body.traverse(include_text=True) if tree.body is not None else ():
        if node.mem_id == inside:
            behind = position + until
        if node.is_text_node:
            text = node.text_content or ""
            found = _in_line(node, own, zone, locale) if _YEAR.search(text) and len(text) <= MAX_LINE else None
            at = position
            position += len(text)
        elif node.tag == "time":
            found, at = _in_time(node, own, zone, locale), position
        else:
            continue
        if found and count < MAX_CANDIDATES:
            count += 1
            waiting.append((at, *found))
    for at, text, reading in waiting:
        yield Shown(reading, text, None if behind is None else at - behind)


def _headline(tree: LexborHTMLParser) -> LexborNode | None:
    """The heading of the article: marked as such, else the one of the first level, else the one that the title repeats."""
    for selector in ("[itemprop~=headline]", "article h1, main h1", "h1"):
        found = [node for node in tree.css(selector) if node.text().strip() and node.tag != "meta"]
        if len(found) == 1 or (found and selector != "h1"):
            return found[0]
    title = page.words(tree.css_first("title")) or ""
    for node in tree.css("h1, h2, h3")[:40]:
        text = page.words(node) or ""
        if len(text) > 12 and text in title:
            return node
    return None


def _in_time(node: LexborNode, own: frozenset[int], zone: tzinfo, locale: Locale) -> tuple[str, dates.Reading] | None:
    given = page.line(node.attributes.get("datetime"))
    if not given or _is_elsewhere(node, own) or _is_of_change(node, _line_of(node) or ""):
        return None
    return _read(given, zone, locale)


def _in_line(node: LexborNode, own: frozenset[int], zone: tzinfo, locale: Locale) -> tuple[str, dates.Reading] | None:
    if node.parent is None or node.parent.tag in ("script", "style", "noscript", "option", "textarea", "title", "td"):
        return None
    line, text = _line_of(node), page.line(node.text_content) or ""
    if _is_elsewhere(node, own) or _is_of_change(node, "") or _NOT_ITS.search(line or text):
        return None
    return _of_line(line, text, zone, locale) if line else _read(text.strip(" ,;|·-–()"), zone, locale)


def _line_of(node: LexborNode) -> str | None:
    """The text of the line that a node stands in: of its inline elements and what is around them; None of prose."""
    around = node.parent if node.is_text_node else node
    while around is not None and around.tag in _INLINE and around.parent is not None:
        above = around.parent
        if len(above.text()) > MAX_LINE:
            break
        around = above
    text = around.text(separator="\n").strip() if around is not None else ""
    return text if text and len(text) <= MAX_LINE else None


def _of_line(line: str, own: str, zone: tzinfo, locale: Locale) -> tuple[str, dates.Reading] | None:
    """The first date in a line that is no date of a change."""
    for text in (line, own):
        marked = _LABEL.sub("\n", _CHANGED.sub("\n\x02\n", text))
        parts = [part.strip() for part in _SEPARATOR.split(marked)]
        parts = [part for part in parts if part][:14]
        changed = False
        for first in range(len(parts)):
            if parts[first] == "\x02":
                changed = True
                continue
            if changed:
                if _YEAR.search(parts[first]):
                    changed = False
                continue
            for last in range(min(len(parts), first + 4), first, -1):
                text = ", ".join(parts[first:last])
                found = _read(text, zone, locale) if _YEAR.search(text) and "\x02" not in text else None
                if found:
                    return found
    return None


def _read(text: str, zone: tzinfo, locale: Locale) -> tuple[str, dates.Reading] | None:
    """The text and its date, as exact as a day at least."""
    try:
        reading = dates.read(text, zone, locale)
    except ValueError:
        return None
    return (text, reading) if reading.date.precision in ("day", "instant") else None


def _is_of_change(node: LexborNode, line: str) -> bool:
    for one in _around(node, 3):
        names = f"{one.attributes.get('class') or ''} {one.attributes.get('itemprop') or ''} {one.attributes.get('id') or ''}"
        # In themes that follow hAtom `updated` stands on the only date that there is, beside another name.
        if re.search(r"updated?\b|modified|dateModified", names) and not re.search(r"publish|entry-date|post-?date", names):
            return True
    return bool(line and _CHANGED.search(line) and not _LABEL.search(line))


def _is_elsewhere(node: LexborNode, own: frozenset[int]) -> bool:
    """Whether it stands in a part of the page that is not its article: comments, lists of others, the foot of the site.
    What holds the headline too (`own`) is none of these, whatever it is called."""
    in_article = False
    for step, one in enumerate(_around(node, 40)):
        if one.tag in ("body", "html") or one.mem_id in own:
            return False
        names = f"{one.attributes.get('class') or ''} {one.attributes.get('id') or ''}"
        in_article = in_article or one.tag == "article" or bool(_ARTICLE.search(names))
        if one.tag == "nav" or (one.tag == "footer" and not in_article):
            return True
        if one.tag == "aside" and len(one.text()) > MAX_LINE:
            return True
        if len(names) < 200 and _ELSEWHERE.search(names) and not (step == 0 and _OF_DATE.search(names)):
            return True
    return False


def _around(node: LexborNode, most: int) -> Iterator[LexborNode]:
    one: LexborNode | None = node if not node.is_text_node else node.parent
    while one is not None and most:
        yield one
        one, most = one.parent, most - 1
