"""The vocabulary: which names a text means, and what a few letters may become."""

from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import insert
from support.search_archive import SearchArchive, SearchStory

from app.models import RegionName, TagName, table
from app.search.vocabulary import completion, names
from app.search.vocabulary.names import NamedEntry, Realm, Vocabulary

NATO = NamedEntry("tag", 1, "nato", "NATO", "organisation", ("the Alliance", "OTAN"))
UNION = NamedEntry("tag", 2, "european-union", "European Union", "organisation", ("EU",))
SMITH = NamedEntry("tag", 3, "jane-smith", "Jane Smith", "contributor")
BELGIUM = NamedEntry("region", 1, "belgium", "Belgium", "country", ("Belgique", "België"))
NATURE = NamedEntry("tag", 4, "nature", "Nature", "topic")
VOCABULARY = Vocabulary([NATO, UNION, SMITH, BELGIUM, NATURE])
COUNTS = {1: 5, 2: 9, 3: 2, 4: 50}


@pytest.mark.parametrize(("kind", "text", "ids"), [
    ("tag", "nato", (1,)),
    ("tag", "otan", (1,)),
    ("tag", "Alliance", (1,)),
    ("tag", "union", (2,)),
    ("tag", "Union européenne", ()),
    ("tag", "european alliance", ()),
    ("tag", "european-union", (2,)),
    ("tag", "smith", (3,)),
    ("author", "smith", (3,)),
    ("author", "nato", ()),
    ("region", "belgie", (1,)),
    ("region", "nato", ()),
    ("tag", "belgium", ()),
    ("tag", "!", ()),
])  # fmt: skip
def test_texts_mean_names_that_hold_all_their_words(kind: str, text: str, ids: tuple[int, ...]) -> None:
    assert VOCABULARY.find_named(kind, text) == ids  # type: ignore[arg-type] # a NameKind


@pytest.mark.parametrize(("kind", "text", "ids"), [
    ("tag", "nat", (1, 4)),
    ("tag", "europ", (2,)),
    ("tag", "european un", (2,)),
    ("tag", "union europ", (2,)),
    ("tag", "european all", ()),
    ("tag", "sm", (3,)),
    ("author", "sm", (3,)),
    ("author", "nat", ()),
    ("region", "belg", (1,)),
    ("region", "nat", ()),
    ("tag", "", ()),
])  # fmt: skip
def test_beginnings_mean_names_that_hold_a_word_that_begins_so(kind: str, text: str, ids: tuple[int, ...]) -> None:
    assert VOCABULARY.find_begun(kind, text) == ids  # type: ignore[arg-type] # a NameKind


def test_beginning_of_a_region_is_that_of_its_whole_name() -> None:
    new_york = NamedEntry("region", 2, "new-york", "New York", "city")
    yorkshire = NamedEntry("region", 3, "yorkshire", "Yorkshire", "subdivision")
    europe = NamedEntry("region", 4, "europe", "Europe", "region", ("Old Yor",))
    vocabulary = Vocabulary([new_york, yorkshire, europe, NamedEntry("region", 5, "world", "York World", "world")])
    assert [region.id for region in vocabulary.find_begun_regions("yor")] == [3]
    assert [region.id for region in vocabulary.find_begun_regions("new yor")] == [2]
    assert [region.holds_others for region in vocabulary.find_begun_regions("euro")] == [False]


def test_beginning_finds_every_name_of_its_kind_however_many_others_begin_so() -> None:
    many = [NamedEntry("tag", i, f"xa-{i}", f"Xa {i}", "topic") for i in range(1, 2_000)]
    place, person = (
        NamedEntry("region", 1, "xanten", "Xanten", "city"),
        NamedEntry("tag", 2_000, "xa", "Xa", "contributor"),
    )
    vocabulary = Vocabulary([*many, place, person])
    assert vocabulary.find_begun("tag", "x") == tuple(range(1, 2_001))
    assert (vocabulary.find_begun("region", "x"), vocabulary.find_begun("author", "x")) == ((1,), (2_000,))


@pytest.mark.parametrize(("word", "edits", "near"), [
    ("smth", 1, ["smith"]),
    ("belgim", 1, ["belgium"]),
    ("belgiqe", 1, ["belgie", "belgique"]),
    ("belgium", 1, []),
    ("smth", 2, ["smith"]),
    ("europaen", 2, ["european"]),
    ("uropaean", 2, []),
    ("zeland", 1, []),
    ("zealnd", 2, []),
])  # fmt: skip
def test_misspelt_names_are_near_words_of_tags_and_whole_names_of_regions(
    word: str, edits: Literal[1, 2], near: list[str]
) -> None:
    new_zealand = NamedEntry("region", 2, "new-zealand", "New Zealand", "country")
    vocabulary = Vocabulary([NATO, UNION, SMITH, BELGIUM, NATURE, new_zealand])
    assert sorted(set(vocabulary.list_near_words(word, edits)) - {word}) == near


@pytest.mark.parametrize(("type_", "text", "slugs"), [
    ("tag", "nat", ["nature", "nato"]),
    ("tag", "alli", ["nato"]),
    ("tag", "uni eu", ["european-union"]),
    ("tag", "natre", ["nature"]),
    ("tag", "nto", []),
    ("tag", "", ["nature", "european-union", "nato"]),
    ("author", "sm", ["jane-smith"]),
    ("author", "nat", []),
    ("region", "belgi", ["belgium"]),
    ("tag", "xyz", []),
])  # fmt: skip
def test_few_letters_suggest_what_they_begin(type_: str, text: str, slugs: list[str]) -> None:
    result = completion.complete_names(VOCABULARY, {"tag": COUNTS, "region": COUNTS}, type_, text, 5)  # type: ignore[arg-type] # a type
    assert [suggestion.entry.slug for suggestion in result] == slugs


def test_names_without_articles_are_not_suggested() -> None:
    assert completion.complete_names(VOCABULARY, {"tag": {}, "region": {}}, "tag", "nat", 5) == []
    counts: dict[Realm, dict[int, int]] = {"tag": COUNTS, "region": {}}
    assert [s.count for s in completion.complete_names(VOCABULARY, counts, "tag", "nato", 1)] == [5]


def test_names_are_read_with_their_aliases(tmp_path: Path) -> None:
    archive = SearchArchive(tmp_path)
    with archive.db.engine.begin() as connection:
        tag = {"tag_id": 1, "language": "fr", "name": "Étiquette", "name_key": "etiquette", "alias": False}
        connection.execute(insert(table(TagName)), [tag])
        region = {"region_id": 2, "language": "und", "name": "Flandria", "name_key": "flandria", "alias": True}
        connection.execute(insert(table(RegionName)), [region])
    with archive.db.snapshot() as snapshot:
        vocabulary = names.load_vocabulary(snapshot)
    assert vocabulary.find_named("tag", "etiquette") == (1,)
    assert vocabulary.find_named("region", "flandria") == (2,)
    assert vocabulary.find_named("tag", "tag-3") == (3,)
    archive.close()


def test_titles_are_suggested_while_they_are_typed(tmp_path: Path) -> None:
    archive = SearchArchive(tmp_path)
    archive.put(
        SearchStory(1, "Sanctions on trade"),
        SearchStory(2, "Weather", "sanctions and trade"),
        SearchStory(3, "Trade winds"),
    )
    engine = archive.engine()
    assert [hit.id for hit in completion.find_articles(engine, "sanctions tr", (), 5)] == [1]
    assert [hit.id for hit in completion.find_articles(engine, "tra", (3,), 5)] == [1]
    assert [hit.id for hit in completion.find_articles(engine, "weathr", (), 5)] == [2]
    assert len(completion.find_articles(engine, "", (), 2)) == 2
    archive.close()
