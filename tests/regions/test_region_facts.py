"""The facts about regions hold together, and names that newsrooms use find the place that is meant."""

import csv
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from importlib import metadata, resources
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from app.regions.standard_regions import RegionFact, fold, load

ROOT = Path(__file__).parent.parent.parent
LANGUAGES = {"en", "fr", "es", "de", "pt", "ru", "ar", "zh"}
ABOVE = {
    "world": set(),
    "region": {"world"},
    "subregion": {"region", "subregion"},
    "country": {"world", "region", "subregion"},
    "city": {"country"},
    "grouping": set(),
}
FACTS = {fact.slug: fact for fact in load()}


def of_level(level: str) -> list[RegionFact]:
    return [fact for fact in FACTS.values() if fact.level == level]


def keys(fact: RegionFact) -> set[str]:
    aliases = (name for names in fact.aliases.values() for name in names)
    return {fold(name) for name in (fact.slug, *fact.names.values(), *aliases)}


def bearers(facts: Iterable[RegionFact]) -> dict[str, set[str]]:
    result: dict[str, set[str]] = defaultdict(set)
    for fact in facts:
        for key in keys(fact):
            result[key].add(fact.slug)
    return result


COUNTRIES, PLACES = bearers(of_level("country")), bearers(load())


def ancestors(slug: str) -> list[str]:
    above = FACTS[slug].parent
    return [*ancestors(above), above] if above else []


def test_slugs_and_codes_are_each_borne_by_one_region() -> None:
    assert len(FACTS) == len(load())
    for field in ("iso2", "iso3", "iso4", "m49"):
        counts = Counter(code for fact in load() if (code := getattr(fact, field)))
        assert [code for code, times in counts.items() if times > 1] == []


def test_codes_and_slugs_have_their_form() -> None:
    for fact in load():
        assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", fact.slug)
        assert not fact.slug.isdigit()
        assert fact.m49 is None or (len(fact.m49), fact.m49.isdigit()) == (3, True)
        for code, size in ((fact.iso2, 2), (fact.iso3, 3), (fact.iso4, 4)):
            assert code is None or (len(code), code.isupper()) == (size, True)


def test_order_brings_parents_before_children_and_members_before_groupings() -> None:
    seen: set[str] = set()
    for fact in load():
        assert seen.issuperset(fact.members)
        assert fact.parent is None or fact.parent in seen
        seen.add(fact.slug)


def test_parents_are_of_a_level_above() -> None:
    odd = []
    for fact in load():
        level = FACTS[fact.parent].level if fact.parent else None
        if level not in ABOVE[fact.level] and (level or ABOVE[fact.level]):
            odd.append((fact.slug, fact.parent))
    assert odd == [("jerusalem", "western-asia")]


def test_every_place_lies_in_the_world() -> None:
    for fact in load():
        if fact.level not in ("world", "grouping"):
            assert ancestors(fact.slug)[0] == "world"


def test_countries_and_what_holds_them_have_names_in_eight_languages() -> None:
    lacking = {fact.slug: missing for fact in load() if (missing := LANGUAGES - fact.names.keys())}
    assert [slug for slug in lacking if FACTS[slug].level != "city"] == []
    assert not any("en" in missing for missing in lacking.values())


def test_links_lead_to_regions_of_the_right_level() -> None:
    for fact in load():
        assert fact.capital is None or FACTS[fact.capital].level == "city"
        assert all(FACTS[slug].level == "country" for slug in (*fact.successors, *fact.members))


def test_capitals_lie_in_their_country_while_it_exists() -> None:
    for fact in of_level("country"):
        if fact.capital and fact.until is None:
            assert FACTS[fact.capital].parent == fact.slug


def test_former_states_have_years_and_successors_and_others_have_neither() -> None:
    for fact in load():
        assert (fact.until is None) == (fact.successors == ()) == (fact.since is None)
        assert fact.since is None or fact.until is None or fact.since < fact.until
        assert fact.iso4 is None or fact.until


def test_groupings_hold_states_of_today_only() -> None:
    for fact in of_level("grouping"):
        assert len(fact.members) > 1
        assert len(set(fact.members)) == len(fact.members)
        assert not any(FACTS[slug].until for slug in fact.members)


def test_names_of_countries_are_unambiguous_in_every_language() -> None:
    assert {key: slugs for key, slugs in COUNTRIES.items() if len(slugs) > 1} == {}


def test_names_shared_across_levels_are_the_known_ones() -> None:
    shared = {frozenset(slugs) for slugs in PLACES.values() if len(slugs) > 1}
    assert shared == {
        frozenset({"algeria", "algiers"}),
        frozenset({"cuba", "juba"}),
        frozenset({"el-salvador", "salvador"}),
        frozenset({"kingston", "kingston-norfolk-island"}),
        frozenset({"mexico", "mexico-city"}),
        frozenset({"amman", "oman"}),
        frozenset({"tunis", "tunisia"}),
    }


def test_no_name_folds_to_nothing() -> None:
    assert "" not in PLACES


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("U.S.", "united-states"),
        ("Britain", "united-kingdom"),
        ("Soviet Union", "soviet-union"),
        ("Burma", "myanmar"),
        ("Kampuchea", "cambodia"),
        ("Ivory Coast", "cote-divoire"),
        ("DR Congo", "democratic-republic-of-the-congo"),
        ("Congo", "republic-of-the-congo"),
        ("Zaire", "zaire"),
        ("Holy See", "vatican-city"),
        ("Türkiye", "turkey"),
        ("Czech Republic", "czechia"),
        ("Swaziland", "eswatini"),
        ("Macedonia", "north-macedonia"),
        ("East Timor", "timor-leste"),
        ("Holland", "netherlands"),
        ("Gaza Strip", "gaza"),
        ("Bruxelles", "brussels"),
        ("Peking", "beijing"),
        ("Kiev", "kyiv"),
        ("الجزائر", "algeria"),
        ("Советский Союз", "soviet-union"),
        ("the Alliance", "nato"),
        ("OTAN", "nato"),
        ("OPEC", "opec"),
        ("Atlantis", None),
        ("OPEC+", "opec-plus"),
    ],
)
def test_names_of_the_news_lead_to_their_region(name: str, slug: str | None) -> None:
    assert bearer(name) == slug


def bearer(name: str) -> str | None:
    """As a reader takes it: a country before anything else of that name."""
    result = COUNTRIES.get(fold(name)) or PLACES.get(fold(name)) or set()
    assert len(result) < 2
    return next(iter(result), None)


@pytest.mark.parametrize(
    ("slug", "size", "holds", "lacks"),
    [
        ("nato", 32, "finland sweden", "austria ireland"),
        ("eu", 27, "croatia", "united-kingdom norway"),
        ("euro-area", 21, "bulgaria", "denmark sweden"),
        ("schengen-area", 29, "switzerland romania", "ireland cyprus"),
        ("asean", 11, "timor-leste", "papua-new-guinea"),
        ("african-union", 55, "western-sahara morocco", "reunion"),
        ("arab-league", 22, "somalia", "iran"),
        ("commonwealth", 56, "gabon rwanda", "ireland"),
        ("council-of-europe", 46, "ukraine", "russia belarus"),
        ("oecd", 38, "costa-rica", "argentina"),
        ("brics", 10, "indonesia", "saudi-arabia argentina"),
        ("ecowas", 12, "nigeria", "mali niger burkina-faso"),
        ("opec", 11, "republic-of-the-congo", "angola qatar united-arab-emirates"),
        ("nordic-countries", 8, "greenland aland-islands", "estonia"),
        ("north-america", 41, "mexico greenland", "brazil"),
    ],
)
def test_groupings_have_the_members_of_today(slug: str, size: int, holds: str, lacks: str) -> None:
    members = set(FACTS[slug].members)
    assert len(members) == size
    assert members.issuperset(holds.split())
    assert members.isdisjoint(lacks.split())


@given(st.text())
def test_a_folded_name_folds_to_itself(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.sampled_from(sorted(FACTS)), st.sampled_from(["-", "_", " ", "  ", "\u00a0", ", "]))
def test_case_and_separators_do_not_matter(slug: str, separator: str) -> None:
    assert fold(" The " + slug.upper().replace("-", separator)) == fold(slug)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Côte d’Ivoire", "cote d ivoire"),
        ("São Tomé & Príncipe", "sao tome principe"),
        ("İstanbul", "istanbul"),
        ("Łódź", "lodz"),
        ("The Hague", "hague"),
        ("Nukuʻalofa", "nuku alofa"),
        ("キーウ", "キーウ"),
        ("대한민국", "대한민국"),
        ("the", "the"),
        ("—", ""),
    ],
)
def test_folding_leaves_what_tells_names_apart(name: str, key: str) -> None:
    assert fold(name) == key


def test_the_file_is_as_the_script_writes_it() -> None:
    text = resources.files("app.regions").joinpath("regions.json").read_text(encoding="utf-8")
    rows = [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in json.loads(text)]
    assert text == "[\n" + ",\n".join(rows) + "\n]\n"
    assert len(text.encode()) < 600_000


def test_tables_changed_without_a_rebuild_are_noticed() -> None:
    tables = ROOT / "scripts" / "region_facts"
    codes = {fact.iso2: fact.slug for fact in load()}
    for slug, table in tomllib.loads((tables / "groupings.toml").read_text(encoding="utf-8")).items():
        assert table["names"].items() <= FACTS[slug].names.items()
        if not table["members"].startswith("="):
            assert {codes[code] for code in table["members"].split()} == set(FACTS[slug].members)
    for slug, table in tomllib.loads((tables / "former.toml").read_text(encoding="utf-8")).items():
        assert (table["names"], table["years"]) == (FACTS[slug].names, [FACTS[slug].since, FACTS[slug].until])
    for slug, table in tomllib.loads((tables / "cities.toml").read_text(encoding="utf-8")).items():
        assert FACTS[slug].names["en"] == table["en"]
    for code, table in tomllib.loads((tables / "capitals.toml").read_text(encoding="utf-8")).items():
        assert FACTS[FACTS[codes[code]].capital or ""].names["en"] == table["en"]


def test_the_page_on_regions_counts_right() -> None:
    page = (ROOT / "docs" / "regions.md").read_text(encoding="utf-8")
    former = sum(fact.until is not None for fact in of_level("country"))
    lines = [
        f"starts with {len(FACTS)} regions",
        f"| 1, {len(of_level('region'))}, {len(of_level('subregion'))} |",
        f"| {len(of_level('country')) - former} + {former} |",
        f"| `city` | {len(of_level('city'))} |",
        f"| `grouping` | {len(of_level('grouping'))} |",
    ]
    assert [line for line in lines if line not in page] == []


def test_building_again_gives_the_same_bytes(tmp_path: Path) -> None:
    package = os.environ.get("CLDR_CORE")
    try:
        babel = metadata.version("babel")
    except metadata.PackageNotFoundError:
        babel = "none"
    if not package or not babel.startswith("2.18."):
        pytest.skip(f"needs Babel 2.18 (here: {babel}) and CLDR_CORE, the folder of cldr-core 48 (here: {package})")
    command = [sys.executable, "scripts/build_regions.py", package, str(tmp_path / "regions.json")]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=True, capture_output=True)
    assert (tmp_path / "regions.json").read_bytes() == (ROOT / "app/regions/regions.json").read_bytes()


def test_the_published_table_of_countries_agrees(data: Callable[[str], Path]) -> None:
    path = data("regions/iso3166_m49_all.csv")
    countries = {fact.iso2: fact for fact in of_level("country")}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        fact = countries[row["alpha-2"]]
        above = ("region-code", "sub-region-code", "intermediate-region-code")
        assert (fact.iso3, fact.m49) == (row["alpha-3"], row["country-code"])
        if row["alpha-2"] != "TW":  # the table places it nowhere
            assert [FACTS[slug].m49 for slug in ancestors(fact.slug)[1:]] == [row[key] for key in above if row[key]]
    present = {fact.iso2 for fact in countries.values() if fact.until is None}
    assert present == {row["alpha-2"] for row in rows} | {"XK"}


def test_places_of_a_wire_archive_lead_to_regions_of_their_own(data: Callable[[str], Path]) -> None:
    path = data("corpora/reuters.ndjson")
    with path.open(encoding="utf-8") as file:
        places = {place for line in file for place in json.loads(line).get("places", [])}
    result = {place: bearer(place) for place in places}
    assert len(places) > 100
    assert [place for place, slug in result.items() if slug is None] == []
    assert [slug for slug, times in Counter(result.values()).items() if times > 1] == []
