"""Spellings of one word find one another, in either direction, also in phrases, and are marked as they are written."""

import re
import time
from collections import deque
from collections.abc import Iterator
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.search_archive import SearchArchive, SearchStory, ask, ids

from app.search.engine import QueryInterpretation
from app.search.highlighting import highlight
from app.search.query import analysis, compounds, spelling
from app.search.query.parser import parse
from app.search.query.tree import Word
from app.search.tantivy.local_engine import TantivyEngine

SAME: list[tuple[str, ...]] = [
    ("en", "UN envoy", "U.N. envoy"),
    ("en", "an EU summit", "an E.U. summit"),
    ("en", "his PhD thesis", "his Ph.D. thesis"),
    ("en", "JK Rowling writes", "J.K. Rowling writes"),
    ("en", "covid19 wards", "covid-19 wards", "COVID 19 wards", "Covid‑19 wards"),
    ("en", "a G7 summit", "a G-7 summit", "a G 7 summit"),
    ("en", "flight MH370 lost", "flight MH 370 lost", "flight MH-370 lost"),
    ("en", "an A380 lands", "an A-380 lands", "an A 380 lands"),
    ("en", "H1N1 again", "H1-N1 again"),
    ("en", "nodejs turns old", "Node.js turns old", "node-js turns old"),
    ("en", "cooperation treaty", "co-operation treaty", "co‐operation treaty"),
    ("en", "wifi works", "wi-fi works"),
    ("en", "obrien sings", "O'Brien sings", "O’Brien sings", "OʼBrien sings"),
    ("en", "10000 people", "10,000 people", "10.000 people", "10\u00a0000 people", "10\u202f000 people"),
    ("en", "20000 people", "20'000 people", "20’000 people"),
    ("en", "1000000 euro", "1,000,000 euro", "1.000.000 euro"),
    ("hi", "1000000 रुपये", "10,00,000 रुपये", "१०,००,००० रुपये"),
    ("uk", "п'ять років", "пʼять років", "п’ять років"),
    ("fa", "کتاب ملی", "كتاب ملي", "کتاب ملى"),
    ("fa", "سال ۱۴۰۳", "سال ١٤٠٣", "سال 1403"),
    ("ur", "لاہور شہر", "لاهور شهر"),
    ("ar", "المدرسة الكبيرة", "المدرسه الكبيره"),
    ("ar", "أحمد هنا", "احمد هنا", "إحمد هنا"),
    ("ar", "شؤون عامة", "شئون عامة"),
    ("ar", "محمد هنا", "محـــمد هنا", "مُحَمَّد هنا"),
    ("ja", "パソコンの画面", "ﾊﾟｿｺﾝの画面"),
    ("hi", "हिन्दी भाषा", "हिंदी भाषा"),
    ("hi", "पञ्जाब राज्य", "पंजाब राज्य"),
    ("bn", "সঙ্গীত সভা", "সংগীত সভা"),
    ("zh", "國會大廈", "国会大厦"),
    ("zh", "臺灣選舉", "台湾选举"),
    ("ca", "una col·lecció nova", "una col‧lecció nova", "una coŀlecció nova", "una collecció nova"),
    ("de", "Müller gewinnt", "Mueller gewinnt"),
    ("de", "große Straße", "grosse Strasse"),
    ("da", "Århus by", "Aarhus by"),
    ("en", "code in C++ now", "code in c++ now"),
    ("en", "👍 done", "👍🏽 done"),
    ("ko", "２０２４년 예산", "2024년 예산"),
]  # fmt: skip
"""A language, and texts that mean the same."""
DIFFERENT = [
    ("en", "C++", "The C language"), ("en", "C++", "C# in games"), ("en", "C#", "The C language"),
    ("en", ".NET", "a net profit"), ("en", "US", "Let us pray"), ("en", "WHO", "who was there"),
    ("en", "🎺", "a 🎸 plays"), ("en", "10,000", "10 and 000"), ("uk", "ріка", "рйка"),
]  # fmt: skip
WITHIN = [
    ("ko", "한국은행이 기준금리를 동결했다", ("한국은행", "기준금리", "동결", "은행")),
    ("ko", "2024년 삼성전자는 AI반도체를 발표했다", ("삼성전자", "반도체", "AI반도체", "2024년")),
    ("zh", "神舟20号飞船，2021年发射", ("神舟20号", "20号飞船", "2021年", "2021年发射", "飞船")),
    ("zh", "新冠病毒COVID-19疫情", ("新冠病毒COVID-19", "COVID-19疫情", "COVID19", "病毒")),
    ("ja", "東京2020大会の記録、ＮＨＫが報道", ("東京2020大会", "2020大会", "NHKが", "NHKが報道", "記録")),
    ("ja", "データベースとサーバー", ("データベース", "サーバー", "データ")),
    ("ja", "人々は時々、「東京」へ", ("人々", "時々", "東京")),
    ("th", "กรุงเทพมหานคร2567", ("กรุงเทพ", "กรุงเทพมหานคร2567")),
]  # fmt: skip


@pytest.fixture(scope="module", name="engine")
def make_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    archive = SearchArchive(tmp_path_factory.mktemp("spellings"))
    stories = [(language, text) for language, *texts in SAME for text in texts]
    stories += [(language, text) for language, _, text in DIFFERENT] + [
        (language, text) for language, text, _ in WITHIN
    ]
    archive.put(*(
        SearchStory(i, f"Story {i}", text, language=language) for i, (language, text) in enumerate(stories, 1)
    ))  # fmt: skip
    yield archive.engine()
    archive.close()


def number_of(text: str) -> int:
    stories = [one for _, *texts in SAME for one in texts] + [one for *_, one in DIFFERENT] + [one[1] for one in WITHIN]
    return stories.index(text) + 1


@pytest.mark.parametrize(("language", "query", "text"), [
    (language, query, text) for language, *texts in SAME for query, text in permutations(texts, 2)
])  # fmt: skip
def test_each_spelling_finds_the_others(engine: TantivyEngine, language: str, query: str, text: str) -> None:
    number = number_of(text)
    for asked in (query, f'"{query}"'):
        assert number in ids(ask(engine, asked, languages=(language,), limit=100)), asked


@pytest.mark.parametrize(("language", "query", "text"), DIFFERENT)
def test_other_words_stay_other_words(engine: TantivyEngine, language: str, query: str, text: str) -> None:
    assert number_of(text) not in ids(ask(engine, query, languages=(language,), limit=100))


@pytest.mark.parametrize(
    ("language", "text", "query"), [(la, text, q) for la, text, queries in WITHIN for q in queries]
)
def test_parts_of_sentences_without_spaces_are_found(
    engine: TantivyEngine, language: str, text: str, query: str
) -> None:
    for asked in (query, f'"{query}"'):
        assert number_of(text) in ids(ask(engine, asked, languages=(language,), limit=100)), asked


@pytest.mark.parametrize(("language", "query", "text", "marked"), [
    ("en", "UN", "The U.N. met", "The <mark>U.N.</mark> met"),
    ("en", "cooperation", "Their co-operation ends", "Their <mark>co-operation</mark> ends"),
    ("en", "covid-19", "A covid19 ward", "A <mark>covid</mark><mark>19</mark> ward"),
    ("en", "10000", "About 10,000 people", "About <mark>10,000</mark> people"),
    ("ar", "محمد", "محـــمد هنا", "<mark>محـــمد</mark> هنا"),
    ("ja", "パソコン", "新しいﾊﾟｿｺﾝが", "新しい<mark>ﾊﾟｿｺﾝ</mark>が"),
    ("zh", "国会", "國會大廈", "<mark>國會</mark>大廈"),
    ("ja", "京", "東京都知事選", "東<mark>京</mark>都知事選"),
    ("ko", "은행", "한국은행이", "한국<mark>은행</mark>이"),
    ("en", "👍", "done 👍🏽 now", "done <mark>👍🏽</mark> now"),
    ("en", "trumpet", "a 👨‍👩‍👧‍👧 🇺🇦 trumpet", "a 👨‍👩‍👧‍👧 🇺🇦 <mark>trumpet</mark>"),
    ("en", "C++", "Why C++ endures", "Why <mark>C++</mark> endures"),
    ("de", "Mueller", "Die Müller kommen", "Die <mark>Müller</mark> kommen"),
])  # fmt: skip
def test_what_matched_is_marked_as_it_is_written(language: str, query: str, text: str, marked: str) -> None:
    tree = parse(query).tree
    if query == "cooperation":
        tree = Word(query, variants=("co operation",))
    marks = highlight.find_marks(QueryInterpretation(tree, (language,)), "body")
    shown = highlight.mark_text(text, language, marks)
    assert (shown or text).replace("</mark><mark>", "") == marked.replace("</mark><mark>", "")


TEXTS = st.text(
    st.sampled_from("aZ1. MISUt\"צהֹ°²ىيਂੰ,-'+#é\u00a0\u200d\u0301ـیکكةءんｶﾞ國国·lL👍🏽🇺🇦न्द한글US")
    | st.characters(codec="utf-8"),
    max_size=60,
)


@given(text=TEXTS)
def test_places_lead_back_into_the_text(text: str) -> None:
    normalized = spelling.normalize_with_places(text)
    assert normalized.text == spelling.normalize(text)
    spans = [normalized.find_source(i, i + 1) for i in range(len(normalized.text))]
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert [start for start, _ in spans] == sorted(start for start, _ in spans)


@given(text=TEXTS)
def test_a_normalized_text_has_the_same_terms(text: str) -> None:
    once = spelling.normalize(text)
    assert spelling.normalize_with_places(once).text == spelling.normalize(once)
    assert analysis.analyse(once, "en").stems == analysis.analyse(text, "en").stems


@given(text=st.from_regex(re.compile(r"\A([a-z]{1,12} ){0,9}[a-z]{1,12}\Z")))
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert spelling.normalize(text) is text
    assert not [*compounds.list_compounds(text)]


SHAPES = [
    "1", "1,", "1,234 ", "a.", "U.S.", "A", "US ", "ü", "a-", "a'", "👍", "\U0001f1e6", "a1", "ｶﾞ", "न्", "é\u0301", "l·",
    " .ab", "A. ", "צ\"", "يء", "C++1", "MI6", "1 ",
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_long_hostile_texts_come_to_an_end(shape: str) -> None:
    # Quadratic time would be hours: the time limit of a test is what fails.
    text = shape * (100_000 // len(shape))
    assert spelling.normalize_with_places(text).text == (normalized := spelling.normalize(text))
    assert sum(1 for _ in compounds.list_compounds(normalized)) <= len(text)


@pytest.mark.parametrize("shape", ["1,", "a.", "A. ", "a-", "a'", "e\u0301", "ü", 'צ"', "MI6", "न्"])
def test_four_times_the_text_takes_about_four_times_as_long(shape: str) -> None:
    def measure(size: int) -> float:
        text, times = shape * (size // len(shape)), []
        for _ in range(3):
            start = time.process_time()
            normalized = spelling.normalize(text)
            deque(compounds.list_compounds(normalized), maxlen=0)
            times.append(time.process_time() - start)
        return min(times)

    # Were it quadratic, it would be sixteen times.
    assert measure(80_000) < 10 * measure(20_000) + 0.01
