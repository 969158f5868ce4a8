"""What stands in bylines beside people: job titles, agencies, places, addresses of mail. Pure.

Says only what is surely no name; whatever is not known here may be somebody's.
"""

import re
from functools import cache

from app.enrich.gazetteer import facts, load_words
from app.regions import standard_regions
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
_QUALIFIERS = _split(
    "a an and at de du des en for from in of on our the to am aus fur im und y et "
    "senior chief deputy assistant associate managing executive acting guest special foreign national international "
    "local regional global general former junior lead own contributing assignment large emeritus report reports picks "
    "political politics diplomatic parliamentary legal crime court courts security defence defense military war "
    "business economic economics economy financial finance market markets money consumer housing property transport "
    "industry labour labor energy climate environment environmental science technology tech digital data health "
    "medical education social affairs religion royal home city metro community state county government capitol "
    "sport sports football culture cultural arts art film music theatre theater literary book books travel food "
    "fashion style feature features lifestyle entertainment media news editorial opinion letters copy photo picture "
    "video web online wire night day weekend sunday investigations investigative north south east west middle "
    "latin america american asia asian africa african europe european us uk eu world "
    "especial speciale permanente permanent politischer politische"
)
"""Words beside a job title that say what kind of job it is, and names nobody."""
_OPENINGS = ("special to ", "for the ")
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


def remove_job(name: str) -> str:
    """Without the job titles before a name: `Staff Writer Jane Doe` is Jane Doe, `Reporters Without Borders` itself."""
    words = name.split()
    count = 0
    while count < len(words) and (key := words_key(words[count])) and (key in _JOBS or key in _QUALIFIERS):
        count += 1
    before = {words_key(word) for word in words[:count]}
    is_person = count < len(words) and words_key(words[count]) in load_words("forenames")
    return " ".join(words[count:]) if is_person and before & _JOBS else name


def is_nothing(name: str) -> bool:
    """Whether it is a word for nothing, as programs write it: `nan` and `NaN`, but Nan is a name."""
    return words_key(name) in _NOTHING and name not in ("Nan", "Nil")


def is_nobody(name: str) -> bool:
    """Whether it is a job title, an agency, or a word for nothing."""
    key = words_key(name).removeprefix("the ")
    if not key or is_nothing(name) or _is_agency(name):
        return True
    if name.startswith("for ") or name.lower().startswith(_OPENINGS):
        return True
    words = key.split()
    # "Frank Staff" is called so, and "Ann Lee Bureau Chief" has a name.
    return words[0] not in load_words("forenames") and (key.endswith(_ENDINGS) or _is_job(words))


def _is_agency(name: str) -> bool:
    key = words_key(name).removeprefix("the ")
    return key in _AGENCIES or (key in _SHORT_AGENCIES and (name.isupper() or name == "dpa"))


def _is_job(words: list[str]) -> bool:
    """Whether they are a job title and what belongs to it. Two words that end in one are: `Ferry Correspondent`; but
    "Staff" is a name, too."""
    if len(words) > 8 or not (words[0] in _JOBS or words[-1] in _JOBS):
        return False
    if len(words) == 2 and words[1] in _JOBS and words[1] != "staff":
        return True
    return is_place(" ".join(words[:-1])) or all(map(_is_of_trade, words))


def _is_of_trade(word: str) -> bool:
    return (
        word in _JOBS
        or word in _QUALIFIERS
        or word in _AGENCIES
        or word in _SHORT_AGENCIES
        or word in load_words("papers")
        or is_place(word)
    )


def is_place(name: str) -> bool:
    """Whether it is a known town, region or country."""
    return words_key(name) in _list_places()


def is_given_name(name: str) -> bool:
    """Whether a place is what people are called, too: Paris, Victoria."""
    return words_key(name) in load_words("given_names")


def is_known_person(name: str) -> bool:
    """Whether a name of several words begins with a common first name."""
    first, _, rest = words_key(name).partition(" ")
    return bool(rest) and first in load_words("forenames")


@cache
def _list_places() -> frozenset[str]:
    known = {name for table in (facts()["places"], facts()["larger"]) for names in table.values() for name in names}
    for region in standard_regions.load():
        if region.level in ("city", "country"):
            known.update(region.names.values(), *region.aliases.values())
    folded = {words_key(name) for name in known}
    # Shorter ones are abbreviations, and often words of other languages.
    return _CITIES | {name for name in folded if len(name) > 3 and name not in load_words("forenames")}
