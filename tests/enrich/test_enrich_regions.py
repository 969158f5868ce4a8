"""Which regions a text is about: names, doubts about names, people, datelines, former states."""

import pytest

from app.enrich import regions
from app.enrich.gazetteer import Gazetteer
from app.enrich.regions import Texts
from app.enrich.suggestion import ABOUT, DATELINE, MENTION, SuggestedValue
from bench.enrich import load_gazetteer


@pytest.fixture(scope="module")
def places() -> Gazetteer:
    return load_gazetteer()


def find_regions(places: Gazetteer, body: str = "", **texts: str | int) -> dict[str, SuggestedValue]:
    return {one.value: one for one in regions.suggest(Texts(body=body, **texts), places)}  # type: ignore[arg-type]


def test_story_of_one_country_is_about_that_country_first(places: Gazetteer) -> None:
    body = "The Polish parliament met in Warsaw. Poland's ministers had asked for talks with Norway before the vote."
    suggested = regions.suggest(Texts("Poland votes on its budget", "", body), places)
    assert suggested[0].value == "poland"
    assert suggested[0].roles == ABOUT
    assert {one.value: one.roles for one in suggested}["norway"] == MENTION
    assert {one.value: one.roles for one in suggested}["warsaw"] == MENTION


@pytest.mark.parametrize(
    ("body", "country"),
    [
        ("Talks went on in Georgia, where the Georgian opposition met in Tbilisi.", "georgia"),
        ("Voters in Georgia and Alabama go to the polls, the Atlanta office said.", "united-states"),
        ("A flood closed roads near Paris, Texas, on Monday.", "united-states"),
        ("A flood closed roads near Paris on Monday.", "france"),
        ("Ministers flew to Turkey for the meeting.", "turkey"),
        ("The U.S. and its partners signed.", "united-states"),
        ("Turkey and Bulgaria have a border.", "turkey bulgaria"),
        ("Egypt, Jordan share the sea.", "egypt jordan"),
        ("Jordan’s king and Turkey's president met.", "jordan turkey"),
        ("The plan was welcomed in N'Djamena, and the government of Chad agreed.", "chad"),
    ],
)
def test_name_of_several_places_is_the_one_that_the_text_speaks_of(places: Gazetteer, body: str, country: str) -> None:
    countries = {slug for slug in find_regions(places, body) if places.regions[slug].level == "country"}
    assert countries == {*country.split()}


@pytest.mark.parametrize(
    "body",
    [
        "The novels of Jack London sell well, as Mr. Brussels and Michael Jordan know.",
        "Chad Smith played the drums for Paris Hilton.",
        "Jordan's point guard passed, and Michael Jordan and Chad Smith won. Turkey and cranberries are eaten.",
        "Turkey is eaten at the end of November, and us too it pleases.",
        "They were reading a nice book in the mobile home of the lincoln brothers.",
    ],
)
def test_people_and_plain_words_are_no_places(places: Gazetteer, body: str) -> None:
    assert find_regions(places, body) == {}


def test_seat_of_an_alliance_is_not_what_its_story_is_about(places: Gazetteer) -> None:
    body = "NATO ministers met in Brussels. NATO will answer, officials in Brussels said of the Russian move in Russia."
    suggested = find_regions(places, body, title="NATO weighs its answer to Russia", dateline="BRUSSELS, Dec 3 -")
    assert suggested["russia"].roles & suggested["nato"].roles & ABOUT
    assert not suggested["belgium"].roles & ABOUT
    assert suggested["brussels"].roles & DATELINE


def test_dateline_with_a_state_gives_its_country(places: Gazetteer) -> None:
    suggested = find_regions(places, "The company said that it opened a plant.", dateline="TROY, Mich., March 3 -")
    assert suggested["united-states"].roles == ABOUT | DATELINE


def test_year_tells_a_former_state_from_that_of_today(places: Gazetteer) -> None:
    body = "Germany and its Bundesbank raised rates. German banks followed."
    assert next(iter(find_regions(places, body, year=1987))) == "west-germany"
    assert next(iter(find_regions(places, body, year=2024))) == "germany"


@pytest.mark.parametrize(
    ("language", "body"),
    [
        ("fr", "La Russie a répondu hier à Moscou."),
        ("ru", "В России приняли закон, сообщили в Москве."),
        ("zh", "俄罗斯外交部在莫斯科发表声明。"),
        ("ar", "وصل الوفد إلى روسيا يوم الثلاثاء."),
    ],
)
def test_names_of_the_articles_language_are_found(places: Gazetteer, language: str, body: str) -> None:
    assert "russia" in find_regions(places, body, language=language)


def test_currency_is_no_country(places: Gazetteer) -> None:
    assert find_regions(places, "The bond of 50 mln Canadian dlrs was issued in Norway.")["norway"].score > (
        find_regions(places, "The bond of 50 mln Canadian dlrs was issued in Norway.")["canada"].score
    )


def test_languages_without_names_share_one_lexicon(places: Gazetteer) -> None:
    english = places.lexicon("en")
    assert all(places.lexicon(odd) is english for odd in ("q1", "zz-123 whatever!", "", "en-gb", "und"))
    assert places.lexicon("de-at") is places.lexicon("de") is not english
    assert places.lexicon("ru").stems
