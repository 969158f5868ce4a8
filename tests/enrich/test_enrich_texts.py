"""Languages, near-duplicates and tags, told from texts alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.enrich import language, near_duplicates, tags
from app.enrich.tags import LexiconTag

SAMPLES = [
    line.split("\t", 1) for line in (Path(__file__).parent / "language_samples.txt").read_text("utf-8").splitlines()
]
STORY = (
    "The harbour board of Port Amber has put off its vote on the new crane for a week, because two of its seven "
    "members were kept at home by the storm that closed the coast road on Sunday night and has not let up since."
)

needs_models = pytest.mark.skipif(language.model() is None, reason="the extra `importers` is not installed")


@needs_models
@pytest.mark.parametrize(("code", "text"), SAMPLES)
def test_text_of_a_language_is_recognised(code: str, text: str) -> None:
    result = language.suggest("", text)
    assert result is not None
    assert result.value == code


@needs_models
@pytest.mark.parametrize(
    "text",
    ["", "Hello", "12345 67890 123 4567", f"{SAMPLES[0][1]} {SAMPLES[1][1]}", f"{SAMPLES[2][1]}\n{SAMPLES[11][1]}"],
)
def test_text_that_is_short_or_mixed_has_no_language(text: str) -> None:
    assert language.suggest("", text) is None


@needs_models
def test_headline_in_capitals_is_recognised() -> None:
    result = language.suggest("COUNCIL CLOSES OLD HARBOUR BRIDGE WHILE ENGINEERS LOOK AT ITS TOWERS", "")
    assert result is not None
    assert result.value == "en"


@needs_models
@pytest.mark.parametrize(
    ("code", "headline"),
    [
        ("ko", "시의회 다리 폐쇄"), ("th", "สภาเมืองปิดสะพาน"), ("el", "Κλείνει η παλιά γέφυρα"),
        ("he", "הגשר הישן ייסגר"),
        ("hy", "Հին կամուրջը փակ է"), ("ka", "ძველი ხიდი დაიხურა"), ("km", "បិទស្ពានចាស់"), ("lo", "ປິດຂົວເກົ່າ"),
        ("my", "တံတားဟောင်း ပိတ်မည်"), ("ta", "பழைய பாலம் மூடப்பட்டது"), ("gu", "જૂનો પુલ બંધ"), ("si", "පැරණි පාලම වසා දමයි"),
        ("am", "አሮጌው ድልድይ ተዘጋ"), ("ti", "እቲ ኣረጊት ድልድል ተዓጽዩ"), ("ja", "古い橋が閉鎖へ"), ("zh", "旧桥本周二关闭"),
        ("el", "Apple και Google: νέα γέφυρα"), ("th", "Apple เปิดร้านใหม่"),
    ],
)  # fmt: skip
def test_headline_in_a_script_of_its_own_has_its_language(code: str, headline: str) -> None:
    result = language.suggest(headline, "")
    assert result is not None
    assert result.value == code


@needs_models
@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("hr", "Gradsko vijeće odlučilo je u utorak zatvoriti stari most dok inženjeri ne provjere sustav, a tisuće "
         "ljudi tijekom tjedna neće moći prijeći rijeku vlakom."),
        ("sr", "Gradsko veće odlučilo je u utorak da zatvori stari most dok inženjeri ne provere sistem, a hiljade "
         "ljudi tokom nedelje neće moći da pređe reku vozom."),
        ("bs", "Gradsko vijeće odlučilo je u utorak da zatvori stari most dok inženjeri ne provjere sistem, a hiljade "
         "ljudi tokom sedmice neće moći preći rijeku, saopćeno je u utorak."),
        ("sr", "Градско веће одлучило је у уторак да затвори стари мост"),
        ("no", "Byrådet vedtok tirsdag å stenge den gamle broen mens ingeniører ser etter sprekker i tårnene"),
        ("da", "Byrådet besluttede tirsdag at lukke den gamle bro, mens ingeniører undersøger revnerne i tårnene"),
        ("xh", "Ibhunga lesixeko ligqibe ngoLwesibini ukuba livale ibhulorho endala ngelixa iinjineli zijonga"),
        ("ig", "Kansụl obodo kpebiri na Tuzdee imechi àkwà mmiri ochie ahụ ka ndị injinia na-elele mgbawa"),
        ("ln", "Bakonzi ya engumba bakanisi na mokolo ya mibale kokanga gbagba ya kala mpo ete banzenie batala yango"),
        ("sn", "Kanzuru yeguta yakasarudza neChipiri kuvhara bhiriji rekare apo mainjiniya anotarisa mitswe"),
        ("so", "Golaha magaalada ayaa go'aansaday in la xiro buundada hore"),
        ("en", "Oil prices rise again"),
    ],
)  # fmt: skip
def test_language_that_models_mistake_is_told_from_its_neighbours(code: str, text: str) -> None:
    result = language.suggest("", text)
    assert result is not None
    assert result.value == code


@needs_models
@pytest.mark.parametrize(
    "name", ["Angela Merkel", "Kofi Annan", "FC Barcelona", "Volkswagen AG", "iPhone 15 Pro Max", "Xi"]
)
def test_name_alone_has_no_language(name: str) -> None:
    assert language.suggest(name, "") is None


@needs_models
@given(st.text(max_size=200))
def test_any_text_has_one_language_or_none(text: str) -> None:
    result = language.suggest(text, text)
    assert result is None or (0 <= result.score <= 1 and 2 <= len(result.value) <= 4)


def keys(content: str) -> set[int]:
    return set(near_duplicates.keys(near_duplicates.words(content)))


def test_edited_copy_has_keys_in_common_and_another_story_has_none() -> None:
    edited = STORY.replace("two of its", "three of its") + " More follows."
    assert keys(STORY) & keys(edited)
    assert not keys(STORY) & keys(SAMPLES[0][1] + SAMPLES[4][1])
    assert (
        near_duplicates.containment(near_duplicates.runs(STORY), near_duplicates.runs(edited)) >= near_duplicates.COPY
    )


def test_keys_are_the_same_wherever_they_are_made() -> None:
    assert near_duplicates.keys([f"word{n}" for n in range(20)])[:2] == (401939804702690754, 1040643517236154429)


@pytest.mark.parametrize("content", ["", "Shr 29 cts vs 34 cts", "more to come " * 50])
def test_text_that_says_too_little_has_no_keys(content: str) -> None:
    assert keys(content) == set()


def test_containment_is_of_the_shorter_text() -> None:
    whole, part = near_duplicates.runs(STORY), near_duplicates.runs(STORY[:90])
    assert near_duplicates.containment(part, whole) > 0.9
    assert near_duplicates.containment(whole, near_duplicates.runs("")) == 0


def test_names_in_the_text_propose_tags_and_words_do_not() -> None:
    known = tags.extend(
        tags.EMPTY,
        [LexiconTag(1, "NATO", ("the Alliance",)), LexiconTag(2, "WHO", ()), LexiconTag(3, "Harbour board", ())],
    )
    result = tags.find_named("Who votes?", "The harbour board asked NATO, who knows why.", known)
    assert {one.target for one in result} == {1, 3}


def test_neighbours_vote_with_their_scores() -> None:
    names = {1: "Ports", 2: "Storms", 3: "Gone"}
    result = tags.vote([(2.0, (1,)), (1.0, (1, 2)), (1.0, ())], names)
    assert [(one.target, one.score) for one in result] == [(1, 0.75)]
    assert tags.merge(result, [])[0].origin == "neighbours"
    assert tags.vote([], names) == []
