"""What sources call languages, read into codes: `en`, `en_US`, `eng`, `English`, `Deutsch`. Pure.

Names and codes of three letters come from the CLDR as Babel packages it, which the extra `importers` brings; without it
only codes are understood.
"""

import importlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any

from app.enrich.suggestion import UNKNOWN_LANGUAGE

LONGEST_CODE, LONGEST_NAME = 35, 60
_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8})*")


def read_code(text: str | None) -> str | None:
    """The code in small letters; None where it says nothing: an empty text, `und`, or a word that is no language."""
    said = " ".join(text.split()).lower() if text else ""
    code = said.replace("_", "-").partition(".")[0]
    if len(code) <= LONGEST_CODE and _CODE.fullmatch(code):
        base, hyphen, rest = code.partition("-")
        base = _read_aliases().get(base, base)
        return None if base == UNKNOWN_LANGUAGE else f"{base}{hyphen}{rest}"
    if not said or len(said) > LONGEST_NAME:
        return None
    name = said.partition("(")[0].strip()
    return _read_english_names().get(name) or _read_own_names().get(name)


@cache
def _babel() -> Any:
    """The module, whose parts are looked up by name; None where it is not installed."""
    return importlib.import_module("babel.core") if find_spec("babel") else None


@cache
def _read_aliases() -> Mapping[str, str]:
    """Codes of ISO 639-2 and withdrawn ones by which the CLDR knows a code of two letters: `ger`, `deu`, `iw`."""
    babel = _babel()
    aliases: Mapping[str, str] = babel.get_global("language_aliases") if babel else {}
    return {old: new for old, new in aliases.items() if len(new) == 2 and (len(old) == 3 or old in ("in", "iw", "ji"))}


@cache
def _read_english_names() -> Mapping[str, str]:
    babel = _babel()
    return _list_names(babel.Locale("en").languages) if babel else {}


@cache
def _read_own_names() -> Mapping[str, str]:
    """What languages are called in themselves. Reads some two hundred files, where a source has such a name."""
    babel = _babel()
    if babel is None:
        return {}
    codes = {identifier for identifier in babel.localedata.locale_identifiers() if len(identifier) == 2}
    own = {code: babel.Locale(code).languages.get(code) for code in sorted(codes)}
    return _list_names({code: name for code, name in own.items() if name})


def _list_names(languages: Mapping[str, str]) -> dict[str, str]:
    """Codes by name in small letters; of languages with varieties (`zh_Hans`) only the whole."""
    names: dict[str, str] = {}
    for code, name in sorted(languages.items(), key=lambda pair: (len(pair[0]), pair[0])):
        if _CODE.fullmatch(code) and code != UNKNOWN_LANGUAGE:
            names.setdefault(name.lower(), code)
    return names
