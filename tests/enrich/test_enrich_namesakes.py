"""Places that share a name with others: towns called like famous cities, companies called like places, and what stands
first of a dateline."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.enrich import regions
from app.enrich.gazetteer import Gazetteer
from app.enrich.regions import Texts
from app.enrich.suggestion import ABOUT, DATELINE
from bench.enrich import load_gazetteer


@pytest.fixture(scope="module")
def places() -> Gazetteer:
    return load_gazetteer()


def countries(places: Gazetteer, body: str, title: str = "", **texts: str) -> list[str]:
    suggested = regions.suggest(Texts(title, body=body, **texts), places)  # type: ignore[arg-type]
    return [one.value for one in suggested if places.regions[one.value].level == "country"]


@pytest.mark.parametrize(
    ("body", "country"),
    [
        ("The fair in London, Ontario, opened. People in London welcomed it.", "canada"),
        ("The fair in London opened, said the mayor of a city in Middlesex County, Ontario.", "canada"),
        ("The Eiffel Tower of Paris, Texas, wears a red hat. Paris put it there.", "united-states"),
        ("The Lamar County sheriff said that Paris is the seat of the county in Texas.", "united-states"),
        ("Waterloo Region in Ontario lies between London and Cambridge.", "canada"),
        ("Alexandria lies on the Red River, in Rapides Parish.", "united-states"),
        ("A federal court in Alexandria, Louisiana, heard the case.", "united-states"),
        ("The University of Georgia was founded in Athens.", "united-states"),
        ("The city of Athens, Georgia, is in Clarke County.", "united-states"),
        ("The University of Idaho is in Moscow, Idaho.", "united-states"),
        ("Odessa, Texas, is a town of the Permian Basin. Odessa is the seat of Ector County.", "united-states"),
        ("The Dali museum of St. Petersburg, Fla., has a new roof.", "united-states"),
        ("The Iron Bowl used to be played in Birmingham, Alabama.", "united-states"),
        ("Steel was made in Bethlehem, Pa., for a century.", "united-states"),
        ("The rocket could be seen from Melbourne, Florida.", "united-states"),
        ("Fans came to Memphis and Nashville, in Tennessee.", "united-states"),
        ("Lebanon, Pa., is known for its sausages.", "united-states"),
        ("The souk of Tripoli, Lebanon, is old. Tripoli has a citadel too.", "lebanon"),
        ("Hyderabad, in the Sindh province, lies on the Indus. Karachi is to the south-west.", "pakistan"),
        ("The Perth Museum is in Perth, Scotland.", "united-kingdom"),
        ("The port of Barcelona, Venezuela, is small.", "venezuela"),
        ("Paris Texas has an Eiffel Tower. Paris built it itself.", "united-states"),
        ("Fort Stanwix is in Rome, New York. Rome lies on the Mohawk.", "united-states"),
        ("Fort Vancouver is in Vancouver, Washington.", "united-states"),
        ("The station is in Paris, TX, and another is in Athens, GA.", "united-states"),
        ("Boats leave Granada for the islets. Managua is an hour away.", "nicaragua"),
        ("Archimedes lived in Syracuse, in Sicily.", "italy"),
    ],
)
def test_town_called_like_a_famous_city_lies_where_the_text_says(places: Gazetteer, body: str, country: str) -> None:
    assert countries(places, body) == [country]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("The Houses of Parliament in London were built by Charles Barry.", ["united-kingdom"]),
        ("The Louvre in Paris was a palace of the kings of France.", ["france"]),
        ("The library of Alexandria was famous.", ["egypt"]),
        ("The Parthenon stands in Athens.", ["greece"]),
        ("A Texas museum sent the painting to Paris, the Louvre said.", ["france", "united-states"]),
        ("A museum in Ontario lent the mask to the British Museum in London.", ["united-kingdom", "canada"]),
        ("The treaty of Paris, U.S. historians say, ended the war.", ["france", "united-states"]),
        ("Lebanon, Israel and Syria have borders with each other.", ["israel", "lebanon", "syria"]),
        ("The Rio Grande flows between Mexico, Texas and New Mexico.", ["united-states", "mexico"]),
        ("The Louvre lends to museums in London, Paris and Texas.", ["united-kingdom", "france", "united-states"]),
        ("There are flights from Paris to Texas.", ["france", "united-states"]),
        ("The Toronto Maple Leafs have played in London.", ["canada", "united-kingdom"]),
        ("The Olympic Games were held in Atlanta, and later in Athens.", ["united-states", "greece"]),
        ("Tehran, Israel and Moscow, Ukraine are no towns.", ["iran", "israel", "russia", "ukraine"]),
        ("In London, OR gates were shown.", ["united-kingdom"]),
    ],
)
def test_famous_city_stays_where_nothing_speaks_for_another(places: Gazetteer, body: str, expected: list[str]) -> None:
    assert sorted(countries(places, body)) == sorted(expected)


def test_famous_city_stands_alone_in_a_dateline(places: Gazetteer) -> None:
    body = "Ontario has an office in the High Commission of Canada. Ontario opened it long ago."
    assert countries(places, body, dateline="LONDON, Dec 3 -")[0] == "united-kingdom"
    assert countries(places, body, dateline="LONDON, Dec 3 -", home="canada") == ["canada"]
    assert countries(places, body, dateline="LONDON, Ontario, Dec 3 -") == ["canada"]


def test_publisher_at_home_means_the_town_at_home(places: Gazetteer) -> None:
    body = "The council of London met on Monday."
    assert countries(places, body) == ["united-kingdom"]
    assert countries(places, body, home="canada") == ["canada"]
    assert countries(places, body, home="france") == ["united-kingdom"]
    assert countries(places, f"{body} The British Library was there.", home="canada") == ["united-kingdom"]
    assert countries(places, "Police in Birmingham closed a road.", home="united-kingdom") == ["united-kingdom"]


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Boston Scientific Corp sells a unit", "Boston Scientific said that it makes stents."),
        ("Paris Business Forms Inc sets dividend", "Paris Business Forms prints forms."),
        ("London International Group Plc", "London International Group Plc makes gloves."),
        ("", "Shares of Phoenix Technologies Ltd rose."),
        ("", "Berlin Packaging LLC and Vienna Insurance Group AG have new chairmen."),
        ("", "American Express and Canada Dry are brands, and Texas Instruments is one."),
        ("The Miami Herald", "The Chicago Tribune and the Los Angeles Times are papers, as is the Washington Post."),
        (
            "Kyoto Protocol",
            "The Paris Agreement and the Treaty of Versailles were signed; so was the Geneva Convention.",
        ),
        ("", "Brussels sprouts, French fries, Swiss cheese and a Danish pastry are food. Panama hats are not."),
        ("", "The English Channel, the Irish Sea, the Gulf of Mexico and the Sea of Japan are no countries."),
        ("", "The Dublin Gas Company Ltd, Milan Laboratories Pty and Santiago Holdings are listed."),
    ],
)
def test_company_called_like_a_place_is_none(places: Gazetteer, title: str, body: str) -> None:
    assert countries(places, body, title) == []


@pytest.mark.parametrize(
    ("title", "body", "expected"),
    [
        ("Siemens AG opens an office in Paris", "", ["france"]),
        ("In Tokyo Nissan Motor Co said so", "In Tokyo Nissan Motor Co said that it builds cars.", ["japan"]),
        ("", "Japan's Toyota Motor Corp builds cars in Kentucky.", ["united-states", "japan"]),
        ("", "They met in Paris. Siemens AG was there.", ["france"]),
        ("", "Fiat SpA is from Turin and Renault SA from a suburb of Paris.", ["france", "italy"]),
        ("", "The Texas AG and the New York AG are attorneys general.", ["united-states"]),
        ("", "The fair is in the Geneva Convention Centre, near the Berlin Post Office.", ["germany", "switzerland"]),
        (
            "",
            "Swiss ministers came to Panama, and French ones to Brazil.",
            ["brazil", "france", "panama", "switzerland"],
        ),
        ("PARIS TO BUY RENAULT SA SHARES", "The state buys shares.", ["france"]),
    ],
)
def test_place_beside_a_company_is_one(places: Gazetteer, title: str, body: str, expected: list[str]) -> None:
    assert sorted(countries(places, body, title)) == sorted(expected)


@pytest.mark.parametrize(
    "body",
    [
        "The guide is in English and Spanish.",
        "There is a French version of the page, and a Dutch translation.",
        "She teaches German, Polish, and Italian.",
    ],
)
def test_language_is_no_country(places: Gazetteer, body: str) -> None:
    suggested = regions.suggest(Texts("The guide is ready", body=body), places)
    assert [one.value for one in suggested if one.roles & ABOUT] == []


def test_people_of_a_country_are_no_language(places: Gazetteer) -> None:
    assert sorted(countries(places, "German and French ministers met the Dutch.")) == [
        "france", "germany", "netherlands",
    ]  # fmt: skip


def test_long_text_is_not_about_what_it_names_once_at_its_end(places: Gazetteer) -> None:
    texts = Texts("Bread", body="Bread is made of flour and water. " * 100 + "It is eaten in Lisbon too.")
    assert [one.value for one in regions.suggest(texts, places) if one.roles & ABOUT] == []


def test_quotation_says_where_a_company_is_listed_and_no_more(places: Gazetteer) -> None:
    text = Texts("BP <BP.L> SETS DIVIDEND", body="BP <BP.L> set a dividend.")
    assert [(one.value, one.evidence) for one in regions.suggest(text, places)] == [("united-kingdom", "<BP.L>")]
    assert countries(places, "Texas Instruments <TXN> makes chips in Italy.") == ["italy", "united-states"]
    assert countries(places, "Write the <B> tag, or <TABLE>, in capitals.") == []
    assert countries(places, "HTML <TABLE> and </TABLE> belong together.") == []


def test_story_without_a_dateline_is_about_what_it_names_once(places: Gazetteer) -> None:
    texts = Texts("Dam is opened", body="The dam is the largest in Ethiopia.")
    assert [(one.value, one.roles) for one in regions.suggest(texts, places)] == [("ethiopia", ABOUT)]
    dated = Texts("Dam is opened", body="The dam is the largest in Ethiopia.", dateline="NAIROBI, Dec 3 -")
    about = [one.value for one in regions.suggest(dated, places) if one.roles & ABOUT]
    assert about == ["kenya"]


CITIES = ("ankara", "athens", "brussels", "cairo", "lima")
BODIES = ("", "It rained.", "Russia and the Kremlin said so, in Moscow and in all of Russia.", "NATO and the EU met.")


@given(city=st.sampled_from(CITIES), body=st.sampled_from(BODIES), times=st.integers(0, 6))
def test_datelines_country_stands_before_its_city(places: Gazetteer, city: str, body: str, times: int) -> None:
    name = city.title()
    suggested = regions.suggest(Texts("", body=f"{body} {name}, " * times, dateline=f"{name.upper()}, Dec 3 -"), places)
    slugs = [one.value for one in suggested]
    assert slugs.index(places.regions[city].country) < slugs.index(city)
    assert next(one for one in suggested if one.value == city).roles & DATELINE
    assert [one.score for one in suggested] == sorted((one.score for one in suggested), reverse=True)
