"""How well languages are recognised, on samples of which the language is known, and what a text costs.

    .venv/bin/python -m bench.language FOLDER [LANGUAGES]

FOLDER has `headlines/LANG.txt` and `texts/LANG.txt`, where LANG is the code that is right: a sample a line, of a text
its title and its body with a tab between. LANGUAGES are the codes to take, with commas; all where not given. Weights
are set on other samples than those whose figures count.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from app.enrich import language
from app.enrich.suggestion import UNKNOWN_LANGUAGE

Confusions = Counter[tuple[str, str]]
"""How often (the right code, what was recognised)."""


def read_samples(folder: Path, codes: set[str]) -> Iterator[tuple[str, str, str]]:
    """Code, title and body of each sample."""
    for path in sorted(folder.glob("*.txt")):
        for line in path.read_text("utf-8").splitlines() if not codes or path.stem in codes else ():
            title, _, body = line.partition("\t")
            if title:
                yield path.stem, title, body


def measure(samples: list[tuple[str, str, str]]) -> tuple[Confusions, float]:
    """With the processor time for each sample, in microseconds."""
    results: Confusions = Counter()
    began = time.process_time()
    for code, title, body in samples:
        suggested = language.suggest(title, body)
        results[code, suggested.value if suggested else UNKNOWN_LANGUAGE] += 1
    return results, (time.process_time() - began) / max(len(samples), 1) * 1e6


def print_results(kind: str, results: Confusions, each: float) -> None:
    total, right = results.total(), sum(number for (code, said), number in results.items() if code == said)
    unknown = sum(number for (_, said), number in results.items() if said == UNKNOWN_LANGUAGE)
    languages = sorted({code for code, _ in results})
    print(
        f"{kind}: {total} samples in {len(languages)} languages: right {right} ({right / total:.3f}), "
        f"unknown {unknown}, wrong {total - right - unknown}; {each:.0f} µs a text"
    )
    for code in languages:
        own = {said: number for (one, said), number in results.items() if one == code}
        others = ", ".join(f"{said} {n}" for said, n in sorted(own.items(), key=lambda pair: -pair[1]) if said != code)
        print(f"  {code:4} {own.get(code, 0):3} of {sum(own.values()):3}  {others}".rstrip())


def main(folder: Path, codes: set[str]) -> None:
    language.suggest("", "The model is read before anything is measured.")
    for kind in ("texts", "headlines"):
        samples = list(read_samples(folder / kind, codes))
        if samples:
            print_results(kind, *measure(samples))


if __name__ == "__main__":
    main(Path(sys.argv[1]), set(sys.argv[2].split(",")) if len(sys.argv) > 2 else set())
