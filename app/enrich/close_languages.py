"""Words that tell apart languages which models take for each other. Pure.

Each family has, for its languages, words that the others do not use or spell in another way; of three languages two may
share a word. A hyphen stands for any ending, `ije+` for every word that is spelled with the Ijekavian yat.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

_IJEKAVIAN = re.compile(r"(?:[bcdfghkmprstvzž]je|ije)\w\w")
"""What Croatian and Bosnian have where Serbian has an e alone: rijeka, mjesto."""
_EASTERN = (
    "uhaps- uhapš- hapšen- saobraćaj- fudbal- ubistv- ubic- hiljad- milion- avion- evrop- ko neko niko "
    "svako tokom uslov- sistem- saradnj- učestv- januar- februar- mart- april- maj- jun- jul- septemb- "
    "oktob- novemb- decemb- univerzitet- muzik- pozorišt- porodic- vazduh- tačk- tačn- utica- advokat- "
    "fabrik- naučn- pasoš- kompanij- efikasn- takođe finans- hemij- nivo- prisustv- upotreb- uprkos "
    "stepen- istovremen- penzi- budžet- preduze- redovn- holand- španij- zvaničn- sudij- tužila- tužioc- "
    "gledaoc- procen- takmič- prevoz- reagova- organizova- nezavisn- biciklista"
)
FAMILIES: tuple[Mapping[str, str], ...] = (
    {
        "hr": "ije+ tko netko nitko svatko tijekom- općin- tisuć- milijun- uhićen- uhiti- izvješć- tjed- siječn- "
        "veljač- ožuj- travnj- svibnj- lipnj- srpnj- kolovoz- rujn- listopad- prosin- zrakoplov- nogomet- ubojstv- "
        "ubojic- kazališ- vlak- glazb- povijest- povijesn- sustav- uvjet- suradnj- sudjel- sveučiliš- točk- "
        "točn- europ- zastupni- tvrtk- ravnatelj- priopć- obitelj- glede kruh zrak- učinkovit- "
        "prosvjed- dužnosni- kolodvor- odvjetni- također financ- kemij- razin- nazoč- uporab- utjec- unatoč "
        "stupanj- stupnj- istodobn- umirovljen- proračun- poduzeć- poduzet- iznimn- redovit- skupin- nizozem- "
        "španjol- tisak tiskov- momčad- sudac suci sudač- tužitelj- gledatelj- kršćan- sigurnos-",
        "bs": f"ije+ {_EASTERN} "
        "sedmic- historij- općin- izvještaj- august- hljeb lahko mehk- saopć- također kršćan- sigurnos- "
        "bezbje-",
        "sr": _EASTERN
        + " nedelj- istorij- opštin- opšt- izvešt- avgust- hleb saopšt- hrišćan- bezbed- svetsk- dete deca dece "
        "deci reč- mest- veće- veru- vera veka vek vreme- posle pre predsed- pobed- čovek- cena cene cenu "
        "promen- primer- uspe- ovde gde uvek hte- vide- žele- reše- mesec- zvezd- slede- preti- pretnj- belo "
        "beli bela ceo celo celu sneg- vetar levo smer- lepo dve povred- umre- done- odne- podne- menj- "
        "zamen- vredn- zahtev-",
    },
    {
        "id": "adalah bahwa karena polisi kepolisian perusahaan pria bisa kantor uang merupakan yakni mobil "
        "sedangkan menteri selasa rabu jumat sabtu senin maret juni juli agustus desember inggris serikat tiongkok "
        "jerman belanda tewas usai terkait pasca sebesar bahasa warga ingin sudah",
        "ms": "ialah daripada kerana polis beliau bahawa syarikat lelaki wang pejabat boleh manakala ahad isnin "
        "khamis jumaat mac jun julai ogos disember kereta kelmarin bagaimanapun maut mahu kementerian berkata "
        "pelbagai hospital disebabkan selepas ketika mangsa turut encik awak",
    },
    {
        "no": "av etter fra seg hva noe noen nå mot mer enn ut opp mellom blir ble språk uke kun ikke jeg",
        "nn": "ikkje eit ein dei kva noko nokon frå vere berre korleis kvifor meir vart blei sjølv nye eg me millionar",
        "da": "af efter fra sig hvad noget nogen nu mod mere end ud op mellem bliver blev sprog uge kun ikke jeg",
    },
)  # fmt: skip
FALL = 0.4
"""What a language loses for each word less than the best one has."""
FAMILY_OF = {code: family for family in FAMILIES for code in family}


@dataclass(frozen=True, slots=True)
class _Markers:
    """The languages of a family that have a word, or words that begin so; `lengths` are those of the beginnings."""

    whole: Mapping[str, tuple[str, ...]]
    begun: Mapping[str, tuple[str, ...]]
    lengths: tuple[int, ...]
    ijekavian: tuple[str, ...]


@cache
def _read_markers(code: str) -> _Markers:
    whole: dict[str, tuple[str, ...]] = {}
    begun: dict[str, tuple[str, ...]] = {}
    for other, words in FAMILY_OF[code].items():
        for word in dict.fromkeys(words.split()):
            of, known = (word[:-1], begun) if word.endswith("-") else (word, whole)
            known[of] = (*known.get(of, ()), other)
    return _Markers(whole, begun, tuple(sorted({*map(len, begun)})), whole.pop("ije+", ()))


def compare(words: str, code: str) -> dict[str, float]:
    """How likely each language of the family is by the words that tell, 1 the likeliest; empty where none does."""
    markers = _read_markers(code)
    counts = dict.fromkeys(FAMILY_OF[code], 0)
    for word in words.lower().split():
        owners = markers.whole.get(word) or next(
            (markers.begun[word[:size]] for size in markers.lengths if word[:size] in markers.begun), ()
        )
        if markers.ijekavian and _IJEKAVIAN.search(word):
            owners = (*owners, *markers.ijekavian)
        for owner in owners:
            counts[owner] += 1
    best = max(counts.values())
    return {other: FALL ** (best - number) for other, number in counts.items()} if best else {}


_AMHARIC, _TIGRINYA = "አየች", "ኣሓሕዝ"


def compare_ethiopic(words: str) -> tuple[str, float]:
    """Amharic or Tigrinya, by letters that the other one hardly uses, and how sure that is."""
    counts = {"am": sum(map(words.count, _AMHARIC)), "ti": sum(map(words.count, _TIGRINYA))}
    best = max(counts, key=counts.__getitem__)
    return best, (counts[best] + 1) / (sum(counts.values()) + 2)
