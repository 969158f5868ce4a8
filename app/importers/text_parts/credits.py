"""What stands in bylines beside people: job titles, agencies, places, addresses of mail. Pure.

Says only what is surely no name; whatever is not known here may be somebody's.
"""

import re
from functools import cache

from app.enrich.gazetteer import facts, load_words
from app.text.keys import words_key

_MAIL = re.compile(r"[<(]?(?:mailto:)?[^\s@<>(),;]{1,64}@[^\s@<>(),;]{1,190}\.[^\s@<>(),;.]{2,24}[>)]?")
_NOTHING = frozenset(("", "null", "none", "nil", "n a", "nan", "undefined", "unknown"))


def _split(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _split_names(text: str) -> frozenset[str]:
    return frozenset(" ".join(name.split()) for name in text.split(","))


_JOBS = _split(
    "editor editors reporter reporters correspondent correspondents writer writers columnist columnists journalist "
    "journalists staff newsdesk contributor contributors photographer photographers producer "
    "analyst critic freelance freelancer redaktion redakteur redakteurin redakteure korrespondent korrespondentin "
    "reporterin journalistin mitarbeiter journaliste journalistes correspondant correspondante correspondants "
    "redaction redacteur redactrice chroniqueur chroniqueuse editorialiste envoye envoyee redaccion redactor redactora "
    "corresponsal periodista enviado enviada reportero reportera columnista editora redazione redattore redattrice "
    "giornalista corrispondente inviato inviata"
)
_OPENINGS = ("special to ", "for the ", "for ")
_AGENCIES = _split_names("""
    associated press, agence france presse, reuters, thomson reuters, deutsche presse agentur, efe, agencia efe,
    ansa, keystone ats, belga, bloomberg, bloomberg news, press association, pa media, press trust of india,
    asian news international, tass, itar tass, united press international, xinhua, yonhap, kyodo, kyodo news,
    ria novosti, interfax, ukrinform, ritzau, europa press, lusa, inter press service, anadolu, anadolu agency,
    anadolu ajansi, agencia brasil, austria presse agentur
""")
_SHORT_AGENCIES = _split("ap afp dpa apa ats pti ani upi anp ntb pap cna ips irna isna wam kuna mena pa")
"""Only in capitals, or `dpa` as it writes itself: `Ani` and `Mena` are names."""
_ENDINGS = (
    "bureau chief",
    "news desk",
    "news agency",
    "press agency",
    "news service",
    "presseagentur",
    "newswire",
    "wire service",
)
_CITIES = _split_names("""
    new york, new york city, new delhi, hong kong, los angeles, san francisco, san diego, tel aviv, mexico city,
    buenos aires, kuala lumpur, washington dc, washington d c, cape town, sao paulo, rio de janeiro, abu dhabi,
    st petersburg, addis ababa, phnom penh, the hague, den haag, la paz, new orleans, las vegas, salt lake city,
    panama city, kansas city, ho chi minh city
""")


def remove_mail(text: str) -> str:
    """Without addresses of mail and the brackets around them or around what is left."""
    if "@" not in text or (left := _MAIL.sub(" ", text)) == text:
        return text
    return " ".join(left.split()).strip(" ()<>,;")


def is_nothing(name: str) -> bool:
    """Whether it is a word for nothing, as programs write it."""
    return words_key(name) in _NOTHING


def is_nobody(name: str) -> bool:
    """Whether it is a job title, an agency, or a word for nothing."""
    key = words_key(name).removeprefix("the ")
    if key in _NOTHING or key in _AGENCIES or key.endswith(_ENDINGS):
        return True
    words = key.split()
    if len(words) == 1 and key in _SHORT_AGENCIES and (name.isupper() or name == "dpa"):
        return True
    if name.lower().startswith(_OPENINGS):
        return True
    # "Frank Staff" is called so.
    is_called = len(words) == 2 and words[0] in load_words("forenames")
    return not is_called and len(words) <= 8 and (words[-1] in _JOBS or words[0] in _JOBS)


def is_place(name: str) -> bool:
    """Whether it is a town or region of more than one word; one of a single word is told by where it stands."""
    return words_key(name) in _list_places()


@cache
def _list_places() -> frozenset[str]:
    known = (name for table in (facts()["places"], facts()["larger"]) for names in table.values() for name in names)
    return _CITIES | {words_key(name) for name in known}
