"""How a query is read against the archive: misspelt words, too many words, unfinished words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.search_archive import SearchArchive, SearchStory, ask, ids

from app.articles.filters import ArticleFilter
from app.search.engine import SpellingCorrection
from app.search.query.tree import render
from app.search.tantivy.local_engine import TantivyEngine
from app.search.vocabulary.names import NamedEntry, Vocabulary


def _fill_archive(folder: Path) -> SearchArchive:
    archive = SearchArchive(folder)
    archive.put(
        SearchStory(1, "Sanctions against banks", "Parliament voted on Tuesday.", tags=(1,)),
        SearchStory(2, "Parliament meets", "Members of parliament spoke about trade.", tags=(2,)),
        SearchStory(3, "Trade talks", "Officials from Brussels spoke.", tags=(1,)),
        SearchStory(4, "Presidential election", "The president won with 2024 votes."),
    )
    return archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[SearchArchive]:
    archive = _fill_archive(tmp_path)
    yield archive
    archive.close()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    archive = _fill_archive(tmp_path_factory.mktemp("read"))
    yield archive.engine()
    archive.close()


@pytest.mark.parametrize(("text", "result"), [
    ("sanctons", [1]),
    ("sancttions", [1]),
    ("sanctionz", [1]),
    ("asnctions", [1]),
    ("zanctions", [1]),
    ("parlaiment", [1, 2]),
    ("parlement", [1, 2]),
    ("presidentail", [4]),
    ("prezidentiel", [4]),
    ("brusels officals", [3]),
    ("title:sanctons", [1]),
])  # fmt: skip
def test_misspelt_words_still_find_their_articles(engine: TantivyEngine, text: str, result: list[int]) -> None:
    results = ask(engine, text, typo=True)
    assert sorted(ids(results)) == result
    assert len(results.interpretation.corrections) == len(text.split())


@pytest.fixture(scope="module", name="placed")
def open_placed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    """Names that no text has: of tags, an author, regions, and in a dateline. The last ones are a draft's alone."""
    archive = SearchArchive(tmp_path_factory.mktemp("placed"))
    archive.put(
        SearchStory(1, "Ministers meet", "They spoke of fish.", regions={1: (1, 1)}),
        SearchStory(2, "Ferries", "They are late.", tags=(1, 2)),
        SearchStory(3, "Fish", "It is dear.", printed_dateline="Ostend, March 2025."),
        SearchStory(4, "New rules", "For ships.", regions={2: (1, 1)}),
        SearchStory(5, "The old zealand", "A ship."),
        SearchStory(6, "Secret", "Nothing yet.", status="draft", tags=(3,), regions={3: (1, 1)}),
    )
    yield archive.engine()
    archive.close()


PLACES = Vocabulary([
    NamedEntry("region", 1, "brussels", "Brussels", "city", ("Bruxelles",)),
    NamedEntry("region", 2, "new-zealand", "New Zealand", "country"),
    NamedEntry("region", 3, "malta", "Malta", "country"),
    NamedEntry("tag", 1, "fisheries", "Fisheries", "topic"),
    NamedEntry("tag", 2, "ada-vandermeulen", "Ada Vandermeulen", "contributor"),
    NamedEntry("tag", 3, "smuggling", "Smuggling", "topic"),
])  # fmt: skip


@pytest.mark.parametrize(("text", "result", "corrections"), [
    ("brussels", [1], {}),  # which no text has, and is right
    ("brusels", [1], {"brusels": ("brussels",)}),
    ("bruxeles", [1], {"bruxeles": ("bruxelles",)}),
    ("brusels ministers", [1], {"brusels": ("brussels",)}),
    ("fisherys", [2], {"fisherys": ("fisheries",)}),
    ("fishereis", [2], {"fishereis": ("fisheries",)}),
    ("vandermuelen", [2], {"vandermuelen": ("vandermeulen",)}),
    ("ostnd", [3], {"ostnd": ("ostend",)}),
    ("new zeland", [4], {"zeland": ("zealand",)}),
    ("zeland", [5], {"zeland": ("zealand",)}),
    ("mata", [], {}),
    ("smugling", [], {}),
])  # fmt: skip
def test_misspelt_names_are_corrected_as_words_of_texts_are(
    placed: TantivyEngine, text: str, result: list[int], corrections: dict[str, tuple[str, ...]]
) -> None:
    results = ask(placed, text, typo=True, names=PLACES)
    assert sorted(ids(results)) == result
    assert {one.word: one.read_as for one in results.interpretation.corrections} == corrections


@pytest.mark.parametrize(("text", "result"), [
    ("bru*", [1]),
    ("bruxel*", [1]),
    ("fisher*", [2]),
    ("fish*", [1, 2, 3]),
    ("vanderm*", [2]),
    ("oste*", [3]),
    ("new-zea*", [4]),
    ("smugg*", []),
    ("mal*", []),
    ("tag:fisher*", [2]),
    ("tag:vanderm*", [2]),
    ("author:vanderm*", [2]),
    ("author:fisher*", []),
    ("region:new-zea*", [4]),
    ("title:bru*", []),
])  # fmt: skip
def test_beginnings_of_names_find_what_the_names_find(placed: TantivyEngine, text: str, result: list[int]) -> None:
    assert sorted(ids(ask(placed, text, names=PLACES))) == result


@pytest.mark.parametrize(("text", "result"), [("brus", [1]), ("brusse", [1]), ("osten", [3]), ("fisheri", [2])])
def test_unfinished_names_are_not_corrected(placed: TantivyEngine, text: str, result: list[int]) -> None:
    results = ask(placed, text, typo=True, prefix=True, names=PLACES)
    assert (sorted(ids(results)), results.interpretation.corrections) == (result, ())


@pytest.mark.parametrize(("text", "meant"), [
    ("tag:fisherys", "tag:fisheries"),
    ("tag:vandermuelen", "tag:vandermeulen"),
    ("author:vandermuelen", "author:vandermeulen"),
    ("author:fisherys", None),
    ("region:brusels", "region:brussels"),
    ("region:fisherys", None),
    ("tag:brusels", None),
    ("tag:smugling", None),
    ("region:mata", None),
    ("tag:fisheries", None),
    ("tag:fisherys ships", "tag:fisheries ships"),
    ("tag:smuglers", None),
    ("tag:fisherys ferries tag:ferries", "tag:fisheries ferries tag:ferries"),
    ("region:brusels fish tag:fish", "region:brussels fish tag:fish"),
])  # fmt: skip
def test_misspelt_names_within_fields_are_told_and_not_replaced(
    placed: TantivyEngine, text: str, meant: str | None
) -> None:
    results = ask(placed, text, typo=True, names=PLACES)
    assert (results.interpretation.did_you_mean, results.interpretation.corrections) == (meant, ())
    if meant is not None and " " not in meant:
        assert (results.total, ask(placed, meant, names=PLACES).total >= 1) == (0, True)


def test_misspelt_word_stands_for_a_stop_word_only_where_there_is_no_other(tmp_path: Path) -> None:
    archive = SearchArchive(tmp_path)
    archive.put(
        *(SearchStory(i, f"Story {i}", "It was not said.") for i in range(1, 6)), SearchStory(6, "NATO meets", "Soon.")
    )
    reading = ask(archive.engine(), "naot", typo=True).interpretation
    assert reading.corrections == (SpellingCorrection("naot", ("nato",)),)
    assert reading.did_you_mean == "nato"
    assert ask(archive.engine(), "siad", typo=True).interpretation.did_you_mean == "said"
    assert ask(archive.engine(), "wsas", typo=True).interpretation.did_you_mean == "was"
    archive.close()


def test_word_that_only_a_stem_of_another_language_finds_may_be_misspelt(tmp_path: Path) -> None:
    archive = SearchArchive(tmp_path)
    archive.put(
        SearchStory(1, "Senate votes", "The senators voted.", language="en"),
        SearchStory(2, "Nothing", "No more.", language="en"),
        SearchStory(3, "Il se tait", "Les ministres se taisent.", language="fr"),
    )
    page = ask(archive.engine(), "seante", typo=True)
    assert (ids(page), page.interpretation.corrections) == ([3], ())
    assert page.interpretation.did_you_mean == "senate"
    for right in ("senate", "voting", "taisent"):  # as written, by a stem of the commonest language, as written
        assert ask(archive.engine(), right, typo=True).interpretation.did_you_mean is None, right
    archive.close()


def test_languages_without_a_stemmer_take_no_place_of_those_that_have_one(tmp_path: Path) -> None:
    archive = SearchArchive(tmp_path)
    tags = ["und"] * 9 + ["en-GB"] * 4 + ["en"] * 3 + ["en-US"] * 3 + ["ja"] * 3 + ["fr"] * 2 + ["de"] * 2 + ["sv"]
    archive.put(*(SearchStory(i, f"Story {i}", "A text.", language=tag) for i, tag in enumerate(tags, 1)))
    assert archive.engine().languages() == ("en", "de", "fr")
    archive.close()


def test_names_that_only_drafts_have_change_nothing_of_what_is_told(placed: TantivyEngine) -> None:
    """`smuggling` is a draft's: as near to it as to a public name, a word is mended the same with and without it."""
    public = Vocabulary([entry for entry in PLACES.entries.values() if entry.slug not in ("smuggling", "malta")])
    hidden = Vocabulary([*PLACES.entries.values(), NamedEntry("tag", 4, "fisherie", "Fisherie", "topic")])
    for text in (
        "tag:fisherie",
        "fisherie",
        "tag:fisherys",
        "fish*",
        "tag:fish*",
        "-tag:fish*",
        "smuggl*",
        "region:mal*",
    ):
        one, other = (ask(placed, text, typo=True, names=names) for names in (public, hidden))
        assert ids(one) == ids(other), text
        assert one.interpretation.did_you_mean == other.interpretation.did_you_mean, text


def test_region_that_is_named_twice_is_told_of_once(placed: TantivyEngine) -> None:
    assert len(ask(placed, "brussels brusels", typo=True, names=PLACES).interpretation.notes) == 1


def test_corrected_name_of_a_region_is_told_of_as_one(placed: TantivyEngine) -> None:
    [note] = ask(placed, "brusels", typo=True, names=PLACES).interpretation.notes
    assert (note.code, note.filter) == ("region_named", "region=brussels")
    as_typed = ask(placed, "brusels", typo=False, names=PLACES)
    assert (as_typed.total, as_typed.interpretation.notes) == (0, ())
    assert as_typed.interpretation.did_you_mean == "brussels"


def test_corrections_say_what_was_done(engine: TantivyEngine) -> None:
    reading = ask(engine, "sanctons banks", typo=True).interpretation
    assert reading.corrections == (SpellingCorrection("sanctons", ("sanctions",)),)
    assert reading.did_you_mean == "sanctions banks"


@pytest.mark.parametrize("text", ['"sanctons"', "2023", "bnks2", "trd", "tag:sanctons", "-sanctons zzzz"])
def test_quoted_words_numbers_and_short_words_are_never_corrected(engine: TantivyEngine, text: str) -> None:
    results = ask(engine, text, typo=True)
    assert results.total == 0
    assert results.interpretation.corrections == ()


QUOTED = '"Officials from Brussels spoke with parliament about sanctions"'


@pytest.mark.parametrize("options", [{}, {"match": "auto"}, {"match": "auto", "order": "-published_at"}])
def test_quoted_headline_that_no_article_has_is_read_as_words(engine: TantivyEngine, options: dict[str, str]) -> None:
    reading = ask(engine, QUOTED, **options).interpretation
    assert render(reading.tree) == QUOTED.strip('"')
    assert [note.code for note in reading.notes] == ["phrase_as_words"]
    assert bool(ask(engine, QUOTED, **options).total) == reading.any_word


def test_quoted_headline_that_an_article_has_is_a_phrase_whatever_the_filters(archive: SearchArchive) -> None:
    archive.put(SearchStory(5, "Parliament votes on trade with all of the neighbours", tags=(2,)))
    text = '"Parliament votes on trade with all of the neighbours"'
    engine = archive.engine()
    for tag, result in ((2, [5]), (1, [])):
        results = ask(engine, text, filter=ArticleFilter(tags=(tag,)))
        assert ids(results) == result
        assert results.interpretation.notes == ()


def test_typo_off_corrects_nothing_but_knows_better(engine: TantivyEngine) -> None:
    results = ask(engine, "sanctons", typo=False)
    assert results.total == 0
    assert results.interpretation.corrections == ()
    assert results.interpretation.did_you_mean == "sanctions"


def test_word_that_is_there_is_left_alone(archive: SearchArchive) -> None:
    archive.put(SearchStory(5, "Sanctons is a village"))
    results = ask(archive.engine(), "sanctons", typo=True)
    assert ids(results) == [5]
    assert results.interpretation.corrections == ()


def test_withdrawn_words_are_no_corrections(archive: SearchArchive) -> None:
    engine = archive.engine()
    archive.withdraw(1)
    assert ask(engine, "sanctons", typo=True, excluded=(1,)).interpretation.corrections == ()
    archive.index()
    results = ask(engine, "sanctons", typo=True)
    assert (results.total, results.interpretation.corrections, results.interpretation.did_you_mean) == (0, (), None)


def test_too_few_with_all_words_relaxes_to_any_with_the_fullest_first(engine: TantivyEngine) -> None:
    results = ask(engine, "the parliament spoke about sanctions", match="auto")
    assert results.interpretation.relaxed
    assert ids(results)[0] == 2
    assert sorted(ids(results)) == [1, 2, 3]


def test_article_with_all_words_stands_before_any_with_some(archive: SearchArchive) -> None:
    archive.put(
        SearchStory(10, "Trade trade trade", "trade " * 30),
        SearchStory(11, "A very long story", "word " * 400 + " trade and then at last the parliament"),
        SearchStory(12, "Parliament parliament", "parliament " * 30),
    )
    results = ask(archive.engine(), "trade parliament", match="auto")
    assert results.interpretation.relaxed
    assert set(ids(results)[:2]) == {2, 11}


def test_enough_with_all_words_stays_strict(archive: SearchArchive) -> None:
    archive.put(*[SearchStory(i, "Trade in parliament") for i in range(100, 119)])
    engine = archive.engine()
    assert not ask(engine, "trade parliament", match="auto").interpretation.relaxed
    assert ask(engine, "trade parliament", match="auto").total == 20
    assert ask(engine, "trade sanctions", match="auto").interpretation.relaxed


def test_relaxing_hangs_on_the_query_alone(archive: SearchArchive) -> None:
    archive.put(*[SearchStory(i, "Trade in parliament", tags=(3,)) for i in range(100, 119)])
    engine = archive.engine()
    narrow = ArticleFilter(tags=(2,))
    assert ids(ask(engine, "trade parliament", match="auto", filter=narrow)) == [2]
    assert ids(ask(engine, "trade parliament", match="auto", offset=19)) != []
    by_date = ask(engine, "trade sanctions", match="auto", order="-published_at")
    assert not by_date.interpretation.relaxed
    assert by_date.total == 0


@pytest.mark.parametrize(
    "text", ["trade", "trade -sanctions", "trade OR sanctions", '"trade talks"', "-trade -sanctions"]
)
def test_single_words_and_alternatives_cannot_relax(engine: TantivyEngine, text: str) -> None:
    assert not ask(engine, text, match="auto").interpretation.relaxed


def test_any_keeps_what_is_ruled_out(engine: TantivyEngine) -> None:
    assert sorted(ids(ask(engine, "sanctions trade -brussels", match="any"))) == [1, 2]


def test_stop_words_count_where_there_is_nothing_else(engine: TantivyEngine) -> None:
    assert ask(engine, "the of", match="any").total > 0


@pytest.mark.parametrize(("text", "result"), [
    ("presid", [4]),
    ("parliament spo", [2]),
    ("trade talks offic", [3]),
    ("trade talks", [3]),
    ("xyzx", []),
    ('"trade tal"', []),
])  # fmt: skip
def test_last_word_may_be_unfinished(engine: TantivyEngine, text: str, result: list[int]) -> None:
    assert ids(ask(engine, text, prefix=True)) == result


def test_unfinished_word_is_no_misspelling(engine: TantivyEngine) -> None:
    results = ask(engine, "presiden", prefix=True, typo=True)
    assert ids(results) == [4]
    assert results.interpretation.corrections == ()
