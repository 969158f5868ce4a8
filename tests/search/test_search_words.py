"""Finding by words: what matches, in which language and spelling, and which article stands first."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.search_archive import DAY, SearchArchive, SearchStory, ask, ids

from app.search.engine import Question
from app.search.query.parser import parse
from app.search.tantivy.local_engine import TantivyEngine

STORIES = [
    SearchStory(1, "Sanctions on trade", "The ministers sanctioned the deal.\n\nA co-op in Straßburg agreed."),
    SearchStory(2, "Weather in Munich", "München had sun; Trump’s visit to l’Europe was cold."),
    SearchStory(3, "Les écoles publiées", "Une école à Paris et l'Europe entière.", language="fr"),
    SearchStory(4, "Новости Ёлки", "Выставка открылась в Москве.", language="ru"),
    SearchStory(5, "北京大学的新闻", "今天天气很好。東京オリンピック", language="zh"),
    SearchStory(6, "ข่าวประเทศไทย", "วันนี้อากาศดี", language="th"),
    SearchStory(7, "أخبار", "قَالَ الوزيرُ إن الاقتصاد ينمو", language="ar"),
    SearchStory(8, "Αθήνα σήμερα", "Οι ειδήσεις της Ελλάδας", language="el"),
    SearchStory(9, "Talous kasvaa", "Helsingissä taloudesta puhutaan.", language="fi"),
    SearchStory(10, "İstanbul'da kış", "Işık söndü.", language="tr"),
    SearchStory(11, "कर्नाटक की खबर", "आज मौसम", language="hi"),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    archive = SearchArchive(tmp_path_factory.mktemp("words"))
    archive.put(*STORIES)
    yield archive.engine()
    archive.close()


@pytest.mark.parametrize(("text", "result"), [
    ("sanction", [1]),
    ("SANCTIONING", [1]),
    ("minister deal", [1]),
    ("minister weather", []),
    ("minister OR weather", [1, 2]),
    ("weather -sun", []),
    ("weather -rain", [2]),
    ("-weather sanction*", [1]),
    ('"sanctioned the deal"', [1]),
    ('"deal the sanctioned"', []),
    ("co-op", [1]),
    ("coop", [1]),
    ("strassburg", [1]),
    ("Straßburg", [1]),
    ("munchen", [2]),
    ("MÜNCHEN", [2]),
    ("trump", [2]),
    ("trump's", [2]),
    ("europe", [2, 3]),
    ("l’Europe", [2, 3]),
    ("ecole", [3]),
    ("école", [3]),
    ("елка", [4]),
    ("москва", [4]),
    ("北京", [5]),
    ("大学", [5]),
    ("北京大学", [5]),
    ("学北京", []),
    ("京", [5]),
    ("学", [5]),
    ("オリンピック", [5]),
    ("ประเทศไทย", [6]),
    ("อากาศ", [6]),
    ("قال", [7]),
    ("الوزير", [7]),
    ("αθηνα", [8]),
    ("ΑΘΉΝΑ", [8]),
    ("taloudesta", [9]),
    ("istanbul", [10]),
    ("isik", [10]),
    ("कर्नाटक", [11]),
    ("title:weather", [2]),
    ("title:minister", []),
    ("body:minister", [1]),
    ("title:(weather OR trade) munich", [2]),
    ("sanc*", [1]),
    ("title:sanctio*", [1]),
    ("title:sanctions*", [1]),
    ("body:sanctions*", [1]),
    ("minis*", [1]),
    ("zz*", []),
    ("nothing-like-it", []),
])  # fmt: skip
def test_words_find_their_articles(engine: TantivyEngine, text: str, result: list[int]) -> None:
    languages = ("en", "fr", "ru")
    assert sorted(ids(ask(engine, text, languages=languages))) == result


@pytest.mark.parametrize(("text", "language", "result"), [
    ("talous", "fi", [9]),
    ("ειδηση", "el", [8]),
    ("sanctioning", "fr", []),
    ("publié", "fr", [3]),
])  # fmt: skip
def test_words_are_read_in_the_language_asked_for(
    engine: TantivyEngine, text: str, language: str, result: list[int]
) -> None:
    assert ids(ask(engine, text, languages=(language,))) == result


def test_only_negations_find_all_the_rest(engine: TantivyEngine) -> None:
    results = ask(engine, "-weather -sanctions", limit=50)
    assert sorted(ids(results)) == [story.id for story in STORIES if story.id > 2]
    assert ask(engine, "-(zz OR xx) -yy").total == len(STORIES)


@pytest.mark.parametrize("text", [
    '"a"', '"one"', "title:a", '"?"', "-", "a", "the the the", '"' + "a " * 60 + '"', "x" * 500, "1", "*a*",
    "京" * 400, "a.b.c.d" * 60, "tag:x", "region:x", "author:x", "NOT a", "é", "\u0301", "a\u0000b", "😀", "body:😀a",
    "\ud800", "(" * 200, "%s {0} \\", "AND", "a OR a OR a",
])  # fmt: skip
@pytest.mark.parametrize("options", [
    {}, {"match": "any"}, {"match": "auto", "typo": True, "prefix": True, "recency": "strong"}, {"limit": 0},
    {"offset": 9_999}, {"languages": ("xx", "en-GB", "")},
])  # fmt: skip
def test_no_text_and_no_option_makes_searching_fail(
    engine: TantivyEngine, text: str, options: dict[str, object]
) -> None:
    results = ask(engine, text, **options)
    assert results.total >= len(results.hits)
    engine.count_facets(Question(tree=parse(text).tree), ("tag", "region", "language", "year"))


def test_limit_zero_counts_only(engine: TantivyEngine) -> None:
    for order in ("relevance", "-published_at"):
        results = engine.search(Question(tree=parse("weather").tree, order=order, limit=0))
        assert (results.hits, results.total) == ((), 1)


def test_page_beyond_the_last_is_empty_and_keeps_the_total(engine: TantivyEngine) -> None:
    results = ask(engine, "-zz", offset=10_000)
    assert (results.hits, results.total) == ((), len(STORIES))


@pytest.mark.parametrize("usual", [None, "Some words below the title", "A few"])
def test_title_stands_over_standfirst_over_body(tmp_path_factory: pytest.TempPathFactory, usual: str | None) -> None:
    archive = SearchArchive(tmp_path_factory.mktemp("parts"))
    filler = [
        SearchStory(i, f"Filler number {i}", f"Some words of nothing {i}", standfirst=usual) for i in range(10, 30)
    ]
    archive.put(
        SearchStory(1, "Quiet day there", "Nothing about it: the zebra slept in the sun."),
        SearchStory(
            2, "Quiet day there", "Nothing about it: the horse slept in the sun.", standfirst="The zebra slept well"
        ),
        SearchStory(3, "Zebra day there", "Nothing about it: the horse slept in the sun."),
        *filler,
    )
    assert ids(ask(archive.engine(), "zebra")) == [3, 2, 1]
    archive.close()


def test_newer_stands_over_older_as_far_as_asked(tmp_path_factory: pytest.TempPathFactory) -> None:
    now = 1_700_000_000 // DAY * DAY
    archive = SearchArchive(tmp_path_factory.mktemp("recent"))
    archive.put(
        SearchStory(1, "Zebra story", "zebra", published_at=now - 4_000 * DAY),
        SearchStory(2, "A zebra too", "and horses", published_at=now - 2 * DAY),
        SearchStory(3, "Zebra story", "zebra", published_at=now - 100 * DAY),
        *[SearchStory(i, f"Filler number {i}", published_at=now) for i in range(10, 60)],
    )
    engine = archive.engine()
    assert ids(ask(engine, "zebra", recency="normal", today=now)) == [3, 1, 2]
    assert ids(ask(engine, "zebra", recency="strong", today=now))[0] == 2
    assert sorted(ids(ask(engine, "zebra", recency="off", today=now))[:2]) == [1, 3]
    archive.close()


pieces = st.sampled_from(
    ["sanctions", "sanctons", "the", "co-op", "title:", "tag:", "body:", "-", " OR ", "NOT ", "(", ")", '"', "*", " ",
     "北京", "é", "\u0301", "\x00", "’s", "l'", "1"]
)  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(
    text=st.lists(pieces, max_size=14).map("".join) | st.text(max_size=40),
    match=st.sampled_from(["auto", "all", "any"]),
    typo=st.booleans(),
    prefix=st.booleans(),
    order=st.sampled_from(["relevance", "-published_at"]),
)
def test_any_query_is_run_and_counts_what_it_shows(
    engine: TantivyEngine, text: str, match: str, typo: bool, prefix: bool, order: str
) -> None:
    results = ask(engine, text, match=match, typo=typo, prefix=prefix, order=order, limit=50)
    assert results.total == len(results.hits)
    assert len(set(ids(results))) == results.total


@settings(max_examples=60, deadline=None)
@given(text=st.lists(st.sampled_from(["sanctions", "weather", "-sun", "co-op", "école"]), min_size=1, max_size=4))
def test_all_words_find_no_more_than_any(engine: TantivyEngine, text: list[str]) -> None:
    strict, loose = (set(ids(ask(engine, " ".join(text), match=match, limit=50))) for match in ("all", "any"))
    assert strict <= loose
