"""What stands first: titles, whole queries that are titles, places; and explanations that add up."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.search_archive import SearchArchive, SearchStory, ask, ids

from app.search.engine import NamedRegion, NameKind, Question
from app.search.query import typos
from app.search.query.parser import parse
from app.search.tantivy import matches
from app.search.tantivy.interpretation import interpret
from app.search.tantivy.local_engine import TantivyEngine


class PlaceNames:
    """A vocabulary of two regions and a tag."""

    def find_named(self, kind: NameKind, text: str) -> tuple[int, ...]:
        return (1,) if (kind, text.lower()) == ("tag", "rivers") else ()

    def find_regions(self, words: tuple[str, ...]) -> tuple[NamedRegion, ...]:
        regions = {
            ("brussels",): NamedRegion(1, "brussels", "Brussels", holds_others=True),
            ("bruxelles",): NamedRegion(1, "brussels", "Brussels", holds_others=True),
            ("new", "zealand"): NamedRegion(2, "new-zealand", "New Zealand", holds_others=True),
            ("europe",): NamedRegion(3, "europe", "Europe", holds_others=False),
        }
        return (regions[words],) if words in regions else ()

    def find_begun(self, kind: NameKind, text: str) -> tuple[int, ...]:
        return self.find_named(kind, text)

    def find_begun_regions(self, text: str) -> tuple[NamedRegion, ...]:
        return self.find_regions((text.lower(),))

    def list_near_words(self, word: str, edits: int) -> tuple[str, ...]:
        known = ("rivers", "brussels", "bruxelles", "europe")
        return tuple(name for name in known if typos.measure_distance(word, name, edits) == edits)


NAMES = PlaceNames()
FILLER = [SearchStory(i, f"Filler number {i}", "Nothing of note happened.") for i in range(100, 130)]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SearchArchive]:
    made = SearchArchive(tmp_path)
    yield made
    made.close()


def test_a_word_in_the_title_outranks_a_tag_and_the_body(archive: SearchArchive) -> None:
    archive.put(
        SearchStory(1, "Rivers of Europe", "They flow to four seas, and all of them are old."),
        SearchStory(2, "Water of Europe", "It flows to four seas, and all of its rivers are old.", tags=(1,)),
        SearchStory(3, "Seas of Europe", "There are four of them, and all of them are old.", tags=(1,)),
        *FILLER,
    )
    assert ids(ask(archive.engine(), "rivers", names=NAMES)) == [1, 2, 3]


def test_places_are_found_by_every_name_and_stand_behind_words(archive: SearchArchive) -> None:
    archive.put(
        SearchStory(1, "The summit", "Ministers met on Thursday.", regions={1: (4, 5)}),
        SearchStory(2, "Trams of Brussels", "They are yellow."),
        SearchStory(3, "The garden", "A town on a hill.", regions={4: (1, 1), 3: (0, 1)}),
        SearchStory(4, "New rules", "They apply from March.", regions={2: (1, 1)}),
        *FILLER,
    )
    engine = archive.engine()
    result = ask(engine, "brussels", names=NAMES)
    assert ids(result) == [2, 1]
    assert [(note.code, note.filter) for note in result.interpretation.notes] == [("region_named", "region=brussels")]
    assert ids(ask(engine, "Bruxelles", names=NAMES)) == [1]
    assert ids(ask(engine, "new zealand", names=NAMES)) == [4]
    assert ids(ask(engine, '"New Zealand" rules', names=NAMES)) == [4]
    # Not each word of a name for itself, not what is ruled out, and not all that lies in a continent.
    assert ids(ask(engine, "zealand", names=NAMES)) == []
    assert ids(ask(engine, "europe", names=NAMES)) == []
    assert ids(ask(engine, "ministers -brussels", names=NAMES)) == [1]
    assert ids(ask(engine, "brussels", match="any", names=NAMES)) == [2, 1]


def test_a_dateline_is_a_weak_field(archive: SearchArchive) -> None:
    archive.put(
        SearchStory(1, "The summit", "Ministers met on Thursday.", printed_dateline="Tromsø, March 2024."),
        SearchStory(2, "The lights of Tromsø", "They are green."),
        *FILLER,
    )
    assert ids(ask(archive.engine(), "tromso")) == [2, 1]


@pytest.mark.parametrize("query", [
    "RECENTLY FILED SHIPPING DATA",
    "recently filed shipping data",
    "“Recently filed: shipping data”",
])  # fmt: skip
def test_the_title_that_is_the_query_stands_first(archive: SearchArchive, query: str) -> None:
    archive.put(
        SearchStory(1, "Recently filed shipping data", "Short."),
        SearchStory(2, "Recent filing: shipping data", "Recent filings of shipping data, and shipping data again."),
        SearchStory(3, "Recent files on shipping data", "Recently filed shipping data. Recently filed shipping data."),
        *FILLER,
    )
    for match in ("all", "any", "auto"):
        assert ids(ask(archive.engine(), query, match=match))[0] == 1


def test_operators_do_not_hide_the_title_that_they_stand_in(archive: SearchArchive) -> None:
    title = "G-7 WILL NOT CUT U.S. DEFICIT -BANGEMANN"
    archive.put(
        SearchStory(1, title, "The deficit stays."),
        SearchStory(2, "G-7 will not cut U.S. deficit", "So it was said."),
        *FILLER,
    )
    engine = archive.engine()
    result = ask(engine, title)
    assert ids(result)[:1] == [1]
    assert result.total == len(ids(result)) == 2
    assert "title_equals_query" in {note.code for note in result.interpretation.notes}
    assert ids(ask(engine, "-deficit filler", names=NAMES))[:1] != [1]


def test_a_title_made_of_first_words_weighs_no_more_than_they_do(archive: SearchArchive) -> None:
    text = "The ferry was late. Nobody minded, as the bar was open."
    archive.put(
        SearchStory(1, "The ferry was late. Nobody…", text, title_derived=True),
        SearchStory(2, "The ferry", "It was late. Nobody minded, as the bar was open."),
        *FILLER,
    )
    engine = archive.engine()
    assert ids(ask(engine, "ferry")) == [2, 1]
    whole = "The ferry was late. Nobody…"
    assert ids(ask(engine, whole))[0] == 1


def test_a_word_that_a_query_has_twice_counts_twice(archive: SearchArchive) -> None:
    archive.put(SearchStory(1, "Apple", "A fruit."), SearchStory(2, "Pear", "A fruit."), *FILLER)
    engine = archive.engine()
    once, twice = (
        {hit.id: hit.score or 0 for hit in ask(engine, text, match="any").hits}
        for text in ("pear apple", "pear pear apple")
    )
    assert twice[2] == pytest.approx(2 * once[2], rel=0.01)
    assert twice[1] == pytest.approx(once[1], rel=0.01)


WORDS = ["deficit", "trade", "brussels", "new", "zealand", "co-op", "covid-19", "the", "of", "rain*", '"cut deficit"',
         "-sun", "title:trade", "(sun OR rain)", "trde", "京都", "U.S.", "standfirst:cut", "tag:rivers"]  # fmt: skip


@pytest.fixture(scope="module", name="mixed_engine")
def make_mixed_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    chance = random.Random(7)
    plain = ["deficit", "trade", "Brussels", "new", "Zealand", "co-op", "COVID-19", "the", "of", "rain", "rainy", "cut",
             "sun", "京都大学", "U.S.", "apple", "pear"]  # fmt: skip
    made = SearchArchive(tmp_path_factory.mktemp("mixed"))
    made.put(*[
        SearchStory(
            i, " ".join(chance.choices(plain, k=4)), " ".join(chance.choices(plain, k=20)),
            standfirst=" ".join(chance.choices(plain, k=6)) if i % 3 else None, tags=(1,) if i % 5 == 0 else (),
            regions={1: (1, 1)} if i % 4 == 0 else {}, printed_dateline="Brussels, March 2024." if i % 7 == 0 else "",
        )
        for i in range(1, 120)
    ])  # fmt: skip
    yield made.engine()
    made.close()


@pytest.mark.parametrize(("text", "readings"), [("elected chairs", 2), ("elected election", 1)])
def test_forms_of_one_word_do_not_stand_near_themselves(archive: SearchArchive, text: str, readings: int) -> None:
    """As they are written they are two words, in English one."""
    archive.put(SearchStory(1, "The vote", "They elected a chair before the election of a board."))
    view, query = archive.engine().view(), parse(text)
    question = Question(tree=query.tree, text=text, fallback=query.fallback, order="relevance")
    near = list(matches.score_nearness(view, question, interpret(view, question)))
    assert len(near) == 2 * readings  # in titles and in bodies


@pytest.mark.parametrize("seed", range(60))
def test_parts_of_a_score_add_up_to_it(mixed_engine: TantivyEngine, seed: int) -> None:
    chance = random.Random(seed)
    text = " ".join(chance.choices(WORDS, k=chance.randrange(1, 7)))
    question = Question(
        tree=parse(text).tree, text=text, order="relevance", match=chance.choice(["all", "any", "auto"]), typo=True,
        recency=chance.choice(["off", "normal", "strong"]), today=1_700_000_000, names=NAMES, limit=20,
    )  # fmt: skip
    hits = mixed_engine.search(question).hits
    explained = mixed_engine.explain(question, tuple(hit.id for hit in hits))
    assert explained.keys() == {hit.id for hit in hits}
    for hit in hits:
        parts = explained[hit.id]
        assert sum(part.score for part in parts) == pytest.approx(hit.score, rel=1e-4, abs=0.002), text
        # What no part explains would be "words together" of a relaxed query, or of neighbours, and is never negative.
        assert all(part.score > 0 for part in parts), (text, parts)
