"""How well enrichment does on the shared corpora: regions and languages, and what an article costs.

    .venv/bin/python -m bench.enrich FOLDER_WITH_CORPORA

The wires say in `places` which countries they concern; these are withheld. Weights were set on the stories with an even
number, so the figures that count are those of the others.
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.enrich import language, near_duplicates, regions
from app.enrich.gazetteer import Gazetteer, KnownPlace
from app.enrich.regions import Texts, Weights
from app.enrich.suggestion import ABOUT
from app.regions import standard_regions
from app.regions.standard_regions import fold

YEAR = 1987
"""Of the few wires that bear no date."""

Story = dict[str, object]


def load_gazetteer() -> Gazetteer:
    """That of a new archive; tests use it too."""
    levels = {fact.slug: fact.level for fact in standard_regions.load()}
    return Gazetteer(
        KnownPlace(
            fact.slug,
            fact.level,
            fact.parent if fact.level == "city" and fact.parent and levels[fact.parent] == "country" else fact.slug,
            (*fact.names.items(), *((language, name) for language, names in fact.aliases.items() for name in names)),
            fact.since,
            fact.until,
        )
        for fact in standard_regions.load()
    )


def make_texts(story: Story, *, dateline: bool) -> Texts:
    return Texts(
        title=str(story.get("title") or ""),
        body=str(story.get("body") or ""),
        dateline=str(story.get("dateline") or "") if dateline else "",
        year=int(str(story.get("published_at") or YEAR)[:4]),
    )


class RegionScore:
    """Counts of (right, suggested, wanted) countries and of primary ones."""

    def __init__(self) -> None:
        self.right = self.suggested = self.expected = self.primary = self.asked = 0

    def add(self, suggested: Sequence[str], expected: set[str]) -> None:
        self.right += len(expected.intersection(suggested))
        self.suggested += len(suggested)
        self.expected += len(expected)
        if expected:
            self.asked += 1
            self.primary += bool(suggested) and suggested[0] in expected

    def render_line(self) -> str:
        precision, recall = self.right / self.suggested, self.right / self.expected
        f1 = 2 * precision * recall / (precision + recall)
        return (
            f"P {precision:.3f}  R {recall:.3f}  F1 {f1:.3f}  primary {self.primary / self.asked:.3f}  n {self.asked}"
        )


def measure_regions(stories: Iterable[Story], places: Gazetteer, *, dateline: bool, weights: Weights) -> RegionScore:
    called = load_country_names()
    levels = places.regions
    result = RegionScore()
    for story in stories:
        places_of_story = story.get("places") or []
        assert isinstance(places_of_story, list)
        expected = {called[fold(place)] for place in places_of_story if fold(place) in called}
        suggested = regions.suggest(make_texts(story, dateline=dateline), places, weights)
        about = [one.value for one in suggested if one.roles & ABOUT and levels[one.value].level == "country"]
        result.add(about, expected)
    return result


def load_country_names() -> dict[str, str]:
    """Countries by their folded names."""
    by_name: dict[str, str] = {}
    for fact in standard_regions.load():
        if fact.level == "country":
            for name in (*fact.names.values(), *(n for ns in fact.aliases.values() for n in ns), fact.slug):
                by_name.setdefault(fold(name), fact.slug)
    return by_name


def main(data: Path) -> None:
    stories = [json.loads(line) for line in (data / "corpora/reuters.ndjson").read_text().splitlines()]
    places = load_gazetteer()
    places.lexicon("en")
    for dateline in (True, False):
        for name, part in (("even", stories[::2]), ("odd", stories[1::2]), ("all", stories)):
            began = time.process_time()
            result = measure_regions(part, places, dateline=dateline, weights=regions.WEIGHTS)
            each = (time.process_time() - began) / len(part) * 1000
            print(
                f"regions, dateline {'given' if dateline else 'withheld':8} {name:5} "
                f"{result.render_line()}  {each:.2f} ms"
            )
    measure_languages(data, stories)
    measure_copies(stories)


def measure_languages(data: Path, wires: Sequence[Story]) -> None:
    """What is recognised of texts of which the language is known."""
    news = [json.loads(line) for line in (data / "corpora/wikinews_fr.ndjson").read_text().splitlines()]
    for name, expected, part in (("French news", "fr", news), ("wires", "en", wires)):
        began = time.process_time()
        suggested = [language.suggest(str(one.get("title") or ""), str(one.get("body") or "")) for one in part]
        each = (time.process_time() - began) / len(part) * 1000
        right = sum(one is not None and one.value == expected for one in suggested)
        none = suggested.count(None)
        print(f"language, {name:12} right {right}  none {none}  wrong {len(part) - right - none}  {each:.2f} ms")


def measure_copies(stories: Sequence[Story]) -> None:
    """What looking for near-duplicates costs, and how many there are."""
    first: dict[int, int] = {}
    matched = compared = 0
    began = time.process_time()
    for number, story in enumerate(stories):
        body = str(story.get("body") or "")
        keys = near_duplicates.keys(near_duplicates.words(body))
        earlier = {first.setdefault(key, number) for key in keys} - {number}
        compared += len(earlier)
        own = near_duplicates.runs(body) if earlier else frozenset()
        others = (near_duplicates.runs(str(stories[other].get("body") or "")) for other in earlier)
        matched += any(near_duplicates.containment(own, other) >= near_duplicates.COPY for other in others)
    print(
        f"near-duplicates {matched} of {compared} compared  "
        f"{(time.process_time() - began) / len(stories) * 1000:.2f} ms"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
