"""Tells companies, papers and treaties that are called like places from these, and what quotations say of where a
company is listed. Pure; knows places as numbers of words only."""

import re
from collections.abc import Iterator
from functools import cache

from app.enrich.gazetteer import load_exchanges, load_words
from app.enrich.text_words import TextWords


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


LONGEST = 5
"""Words between a place and what its company's name ends in."""
US = "united-states"
# Bounded, so that no text takes longer than its length.
_QUOTATION = re.compile(r"\b[A-Z][\w.&'’/\-]{0,30}\s?(<[A-Z]{1,5}[a-z]?(?:\.([A-Z]{1,2}))?>)")
_JOINED = re.compile(r"[\s\-–&.,'’]{0,3}\Z")
_STOPS = '.;:)"”?!'
"""What a name ends before, unless it is an abbreviation."""
_JOINERS = _set("and of de du des der di do the for")
_ENDS = _set(
    "to in on at from by with as after over into is are was will may sees see says say said buys buy sells sell sets "
    "set cuts cut names ends gets wins seeks asks plans signs makes takes raises up down against amid its that who "
    "which if but near under backs bans fines sues warns urges joins hits"
)
"""Words that a company's name has none of; where every word has a capital, they are what ends one."""


_OFFICES = _set("ag sa ab")
"""Forms that mean something else directly behind a place: "the Texas AG" is its attorney general."""


@cache
def _load_forms() -> frozenset[str]:
    return load_words("company_forms")


def find_company(words: TextWords, first: int, last: int, *, is_city: bool) -> tuple[str, ...] | None:
    """The folded words, from the place in words `first` to `last` on, of the company, paper or treaty that it is a part
    of the name of; None where it is none. What is short of a company's form ("Texas Instruments" of "Texas Instruments
    Inc") is kept. Treaties are called by cities: "Iran Agreement" is one of Iran."""
    if is_city and first > 1 and words.plain[first - 1] == "of" and _is_treaty(words, first):
        return tuple(words.key(i) for i in range(first, last + 1))
    if last + 1 == len(words.plain):
        return None
    after = words.plain[last + 1]
    if len(words.plain[last]) > 2 and words.gap(last)[0] in _STOPS:
        return None
    if (after[0].islower() and after not in _JOINERS) or (after[0].isdigit() and not after.isupper()):
        return None
    if first and words.plain[first - 1] in ("In", "At", "From"):
        # "In London Lloyds Bank Plc said": the preposition begins the sentence, and the bank's name begins after.
        return None
    key = words.key(last + 1)
    if (key in load_words("papers") or (is_city and key in load_words("treaties"))) and _is_work(words, last):
        return tuple(words.key(i) for i in range(first, last + 2))
    for k in range(last, min(last + LONGEST, len(words.plain))):
        if k > last and not _continues(words, k):
            return None
        if words.plain[min(k + 1, len(words.plain) - 1)][0].islower():
            continue
        if _is_quoted(words, k) or (_ends_company(words, k) and not (k == last and words.key(k + 1) in _OFFICES)):
            return tuple(words.key(i) for i in range(first, k + 1))
    return None


def _is_treaty(words: TextWords, first: int) -> bool:
    """Whether what stands before "of" and the place is "Treaty"."""
    named = words.plain[first - 2] in ("Treaty", "Statute", "Declaration")
    return named and words.is_adjacent(first - 1) and words.is_adjacent(first - 2)


def _is_work(words: TextWords, last: int) -> bool:
    """Whether a paper or a treaty is called so: "Miami Herald"; but "Geneva Convention Centre" is in Geneva."""
    if not words.is_adjacent(last) or not words.is_name(last + 1):
        return False
    return not (words.is_adjacent(last + 1) and words.key(last + 2) in ("office", "center", "centre"))


def _continues(words: TextWords, k: int) -> bool:
    """Whether word k goes on with the name that the word before it is part of."""
    key, gap = words.key(k), words.gap(k - 1)
    if not _JOINED.match(gap) or ("." in gap and len(words.plain[k - 1]) > 2) or "," in gap or key in _ENDS:
        return False
    if key in ("and", "und", "et", "y"):
        # "Boston and Co Inc"; but "Turin and Renault SA" are a place and a company.
        return k + 1 < len(words.plain) and words.key(k + 1) in _load_forms()
    return words.is_name(k) or (key in _JOINERS and k + 1 < len(words.plain) and words.is_name(k + 1))


def _ends_company(words: TextWords, k: int) -> bool:
    """Whether behind word k stands what companies are called: "Inc", also behind a comma."""
    if k + 1 >= len(words.plain) or not words.is_name(k + 1) or not _JOINED.match(words.gap(k)):
        return False
    if "." in words.gap(k) and len(words.plain[k]) > 2:
        return False
    if len(words.plain[k + 1]) > 1:
        return words.key(k + 1) in _load_forms()
    end = k + 1
    while end + 1 < len(words.plain) and len(words.plain[end]) == 1 and words.gap(end) == ".":
        end += 1  # "S.A."
    return " ".join(words.key(i) for i in range(k + 1, end + 1)) in _load_forms()


def _is_quoted(words: TextWords, k: int) -> bool:
    """Whether `<TXN>`, `<BABK.L>` or `(NYSE: TXN)` stands behind word k."""
    if k + 1 >= len(words.plain):
        return False
    gap, code = words.gap(k).strip(), words.plain[k + 1]
    if gap == "<":
        closed = words.gap(k + 1).lstrip()
        return code.isupper() and len(code) <= 5 and closed.startswith((">", "."))
    return gap == "(" and code.isupper() and words.gap(k + 1).startswith(":")


def find_listings(content: str) -> Iterator[tuple[str, str, int]]:
    """(what is written, the country of the stock exchange, about how many words stand before) of each quotation. Wires
    write codes of the exchanges of New York without a point. Only behind a name; a text about markup has none."""
    if "<" not in content or "</" in content:
        return
    exchanges = load_exchanges()
    for one in _QUOTATION.finditer(content):
        country = exchanges.get(one[2]) if one[2] else US
        if country is not None:
            yield one[1], country, content.count(" ", 0, one.start())
