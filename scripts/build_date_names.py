"""Writes app/importers/dates/names.txt: the names of months and weekdays in many languages, folded, sorted, the same
bytes for the same sources.

Run from the project's root, in an environment that has Babel, whose tables are those of Unicode CLDR:
    PYTHONPATH=. python scripts/build_date_names.py [OUTPUT]
Never reads the network. What newspapers write and CLDR does not list stands in `EXTRA` below, by hand.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import babel
from babel import localedata
from babel.localedata import Alias

from app.importers.dates.lexicon import fold_word

OUTPUT = Path("app/importers/dates/names.txt")
# Variants of a language are read into it: what Arabic calls the months differs from country to country.
LOCALES = """
en es it pt pt_PT nl fr fr_CA de de_AT pl cs sk sl hr sr sr_Latn bs_Latn bg mk uk ru be ro hu sv da nb nn is fi et
lv lt el tr az ca gl eu af sq ga cy ar ar_DZ ar_IQ ar_LB ar_MA ar_TN ar_SA fa ur he hi bn ta th vi id ms fil sw ja
ko zh zh_Hant hy ka kk uz
"""
EXTRA = """
en m 9 sept
en d 2 tues
en d 4 thurs thur
es m 9 setiembre set
es d 3 mier
de m 1 jänner jän
de m 2 feber
de m 3 mrz
de d 6 sonnabend
fr m 2 fev
fr m 8 aou
it m 9 sett
nl m 3 mrt
pt d 1 segunda
pt d 2 terça
pt d 3 quarta
pt d 4 quinta
pt d 5 sexta
ru m 5 мая
ru m 6 июня июн
ru m 7 июля июл
ru m 9 сен сент
ru m 11 ноя нояб
uk m 2 лют
uk m 11 лист
ro m 1 ian
ro m 9 sept
ro m 11 noi
sv m 9 sept
fi m 1 tammik
fi m 3 maalisk
fi m 10 lokak
hu m 4 ápr
hu m 5 máj
el m 5 μαΐου μαϊου μαίου
el m 9 σεπτ
ar m 1 جانفي
ar m 2 فيفري
ar m 4 أفريل
ar m 5 ماي
ar m 6 جوان
ar m 7 جويلية
ar m 8 أوت
ar d 1 الإثنين
he d 7 ראשון
he d 1 שני
he d 2 שלישי
he d 3 רביעי
he d 4 חמישי
he d 5 שישי
fa d 2 سه‌شنبه
fa d 4 پنج‌شنبه
id m 8 agt agu
"""


def main(output: Path) -> None:
    rows: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for language, kind, number, name in [*_cldr(), *_extra()]:
        if (word := fold_word(name).removeprefix("de ")) and not word.replace(" ", "").isdecimal():
            rows[language, kind, number].add(word)
    lines = [f"# Unicode CLDR as in Babel {babel.__version__}, and EXTRA in scripts/build_date_names.py"]
    for (language, kind, number), words in sorted(rows.items()):
        lines.append(f"{language}\t{kind}\t{number}\t{','.join(sorted(words))}")
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{output}: {len(lines) - 1} rows, {sum(map(len, rows.values()))} names, {output.stat().st_size} bytes")


def _cldr() -> Iterator[tuple[str, str, int, str]]:
    """Language, `m` or `d`, the number of the month or of the weekday (Monday is 1), a name. Initials are left out."""
    for locale in LOCALES.split():
        data = localedata.load(locale)
        for kind, field in (("m", "months"), ("d", "days")):
            for context in data[field].values():
                for width, names in context.items():
                    chosen_name = names[1] if isinstance(names, tuple) else names
                    if width == "narrow" or isinstance(chosen_name, Alias):
                        continue
                    for number, name in chosen_name.items():
                        yield locale.partition("_")[0], kind, number + (kind == "d"), str(name)


def _extra() -> Iterator[tuple[str, str, int, str]]:
    for line in EXTRA.strip().splitlines():
        language, kind, number, *names = line.split()
        for name in names:
            yield language, kind, int(number), name


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT)
