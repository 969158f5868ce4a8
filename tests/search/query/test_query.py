"""Queries as people type them: what they are read as, and that nothing makes reading fail."""

from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.search.query.parser import ParsedQuery, parse
from app.search.query.tree import And, Field, Node, Not, Or, Phrase, Prefix, Word, list_leaves, render

A, B, C, D = (Word(letter) for letter in "abcd")


@pytest.mark.parametrize(("text", "tree"), [
    ("", None),
    ("  \t\n ", None),
    ("a b", And((A, B))),
    ("a AND b", And((A, B))),
    ("a OR b", Or((A, B))),
    ("a b OR c d", Or((And((A, B)), And((C, D))))),
    ("(a OR b) c", And((Or((A, B)), C))),
    ("(a b) c", And((A, B, C))),
    ("-a b", And((Not(A), B))),
    ("NOT a", Not(A)),
    ("NOT NOT a", A),
    ("-(a b)", Not(And((A, B)))),
    ("NOT -a", A),
    ('"a  b"', Phrase("a b")),
    ("“a b” c", And((Phrase("a b"), C))),
    ('-"a b"', Not(Phrase("a b"))),
    ("nat*", Prefix("nat")),
    ("title:a", Field("title", A)),
    ("TITLE:a", Field("title", A)),
    ('body:"a b"', Field("body", Phrase("a b"))),
    ("tag:(a OR b)", Field("tag", Or((A, B)))),
    ("-author:a*", Not(Field("author", Prefix("a")))),
    ("co-op", Word("co-op")),
    ("covid-19,", Word("covid-19")),
    ("a-b -c", And((Word("a-b"), Not(C)))),
    ("or and not", And((Word("or"), Word("and"), Word("not")))),
    ("https://example.org/x", Word("https://example.org/x")),
    ("कर्नाटक की", And((Word("कर्नाटक"), Word("की")))),
    ("10 000 a", And((Word("10 000"), A))),
    ("$1\u202f000\u00a0000, a", And((Word("1 000 000"), A))),
    ("-10 000 a", And((Not(Word("10 000")), A))),
    ("title:10 000", Field("title", Word("10 000"))),
    ("10 000-20 000", And((Word("10 000"), Word("20 000")))),
    ("10 000,5", Word("10 000,5")),
    ("10  000", And((Word("10"), Word("000")))),
    ("10 0000", And((Word("10"), Word("0000")))),
    ("10 000km", And((Word("10"), Word("000km")))),
    ("2020 300", And((Word("2020"), Word("300")))),
    ("MH370 123", And((Word("MH370"), Word("123")))),
    ("MH 370", And((Word("MH"), Word("370")))),
    ("🎺", Word("🎺")),
    ("-🎺 a", And((Not(Word("🎺")), A))),
    ("title:👨‍👩‍👧!", Field("title", Word("👨‍👩‍👧"))),
    ("a🎺 ❤️a", And((A, A))),
    ("C++, C# a", And((Word("C++"), Word("C#"), A))),
    (".NET -.NET-Framework", And((Word(".NET"), Not(Word(".NET-Framework"))))),
    ("title:.NET", Field("title", Word(".NET"))),
    ("...a ''.b 1+ .5", And((A, B, Word("1"), Word("5")))),
    ("U.N. U.S., a. etc.", And((Word("U.N."), Word("U.S."), A, Word("etc")))),
])  # fmt: skip
def test_well_formed_queries_are_read_without_a_note(text: str, tree: Node | None) -> None:
    read = parse(text)
    assert read.tree == tree
    assert read.notes == ()


@pytest.mark.parametrize(("text", "tree", "code"), [
    ('a "b', And((A, B)), "unclosed_quote"),
    ('"a b" "c', And((Phrase("a b"), C)), "unclosed_quote"),
    ("(a", A, "unbalanced_parenthesis"),
    ("a) b", And((A, B)), "unbalanced_parenthesis"),
    ("OR a", And((Word("or"), A)), "operator_as_text"),
    ("a OR", And((A, Word("or"))), "operator_as_text"),
    ("a OR OR b", Or((A, And((Word("or"), B)))), "operator_as_text"),
    ("NOT", Word("not"), "operator_as_text"),
    ("a AND )", And((A, Word("and"))), "unbalanced_parenthesis"),
    ("w*d", Word("w*d"), "star_as_text"),
    ("*", None, "nothing_to_search"),
    ("!!! ()", None, "nothing_to_search"),
    ('""', None, "nothing_to_search"),
])  # fmt: skip
def test_odd_queries_are_text_and_say_so(text: str, tree: Node | None, code: str) -> None:
    read = parse(text)
    assert read.tree == tree
    assert code in {note.code for note in read.notes}


@pytest.mark.parametrize(("text", "tree"), [
    ("a - b", And((A, B))),
    ("--a", A),
    ("title: a", And((Word("title"), A))),
    (".title:a", Field("title", A)),
    ("title:!", Word("title")),
    ("f(a)", And((Word("f"), A))),
    ("() a", A),
    ("-() a", A),
    ("... — a!", A),
    ('"?!" a', A),
])  # fmt: skip
def test_stray_punctuation_is_passed_over(text: str, tree: Node) -> None:
    assert parse(text).tree == tree


@pytest.mark.parametrize("text", [
    "a" * 513,
    "( " * 256 + "x" * 2,
    " ".join(["a"] * 65),
    '"' + " ".join(["a"] * 65) + '"',
    "(" * 9 + "a" + ")" * 9,
    "-(" * 9 + "a" + ")" * 9,
    "(" * 3_000 + "a" + ")" * 3_000,
])  # fmt: skip
def test_too_much_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(text)
    assert refused.value.code == "query_too_complex"
    assert refused.value.errors[0].parameter == "q"


@pytest.mark.parametrize("text", [
    "a" * 512,
    " ".join(["a"] * 64),
    "(" * 8 + "a" + ")" * 8,
    "(" * 255 + "a",
    ")" * 500,
    "NOT " * 127 + "a",
    "-" * 512,
    '"' * 511,
])  # fmt: skip
def test_as_much_as_is_possible_is_read(text: str) -> None:
    parse(text)


def test_leaves_shown_are_those_not_ruled_out() -> None:
    assert list(list_leaves(parse('a -b (c OR title:"d e") -(f g*)').tree)) == [A, C, Phrase("d e")]


pieces = st.sampled_from(
    ["a", "b", "word", "title:", "tag:", "x:y", "-", "NOT ", "OR", " OR ", " AND ", "(", ")", '"', "*", " ", "é", "ß",
     "北京", "«", "”", "\u0301", "\x00", "'", "--", ".", "1", "\u3000",
     "10", "000", " 000", "🎺", "❤️", "++", "#", "U.N.", ".x"]
)  # fmt: skip
queries = st.lists(pieces, max_size=24).map("".join) | st.text(max_size=60)


def within_limits(text: str) -> bool:
    try:
        parse(text)
    except InvalidInput:
        return False
    return True


def reads_back(tree: Node | None) -> bool:
    """With no more notes than are there each time."""
    again = parse(render(tree))
    return again.tree == tree and not {note.code for note in again.notes} - {"star_as_text", "exclusion_in_text"}


@given(queries.filter(within_limits))
@example('title:(a OR -b) "c\'d" e*')
@example('a"b"-c')
@example("-10 AND 000 AND 000 a")
@example("A B C D E 10  000")
def test_any_query_rendered_reads_back_to_the_same_tree(text: str) -> None:
    assert reads_back(parse(text).tree)


long_queries = st.lists(
    st.sampled_from(["a", "B", "-c", "-D", "NOT", "AND", "(e", "(-f", ")", "-(g", "10", "000", "1 000", "U.N.", "C++"]),
    min_size=6,
    max_size=20,
).map(" ".join)


@given(long_queries.filter(within_limits))
@example("a AND b c d e f -g h")
@example("(a b -c d) e f g h i")
@example("a b c d e f g -h -i")
@example("-a -b -c -d -e -f -g")
def test_long_query_rendered_reads_back_to_the_same_tree(text: str) -> None:
    assert reads_back(parse(text).tree)


@given(st.lists(pieces, min_size=1, max_size=24).map("".join).filter(lambda text: '"' not in text))
def test_fallback_of_a_quoted_text_is_words_that_read_back(text: str) -> None:
    query = parse(f'"{text} one two three four five six seven"')
    if query.fallback is not None:
        nodes = query.fallback.tree.nodes if isinstance(query.fallback.tree, And) else ()
        assert nodes
        assert all(isinstance(node, Word) for node in nodes)
        assert reads_back(query.fallback.tree)


def compose(text: str) -> str:
    return normalize("NFC", text)


@given(st.lists(st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=1, max_size=8), min_size=2, max_size=30))
def test_plain_words_are_read_as_they_stand(words: list[str]) -> None:
    plain = [word for word in map(compose, words) if word not in ("OR", "AND", "NOT")]
    if len(plain) > 1:
        assert parse(" ".join(plain)) == ParsedQuery(And(tuple(map(Word, plain))))


def read_documented() -> list[list[str]]:
    page = (Path(__file__).parent.parent.parent.parent / "docs" / "search.md").read_text(encoding="utf-8")
    table = page.partition("| query | is read as | note |\n|---|---|---|\n")[2].partition("\n\n")[0]
    return [[cell.strip().strip("`") for cell in line.split("|")[1:4]] for line in table.splitlines()]


def test_documentation_shows_what_queries_are_read_as() -> None:
    rows = read_documented()
    assert len(rows) > 8
    for text, shown, note in rows:
        read = parse(text)
        assert render(read.tree) == shown
        assert [n.code for n in read.notes] == [code for code in [note] if code]


def test_headline_in_capitals_reads_its_operators_as_words() -> None:
    read = parse("FED NOT EXPECTED TO ACT IN MONEY MARKETS")
    assert read.tree == And(tuple(map(Word, ["FED", "not", "EXPECTED", "TO", "ACT", "IN", "MONEY", "MARKETS"])))
    assert [note.code for note in read.notes] == ["operator_as_text"]


def test_few_capitals_keep_their_operators() -> None:
    assert parse("NATO OR EU").tree == Or((Word("NATO"), Word("EU")))
    assert isinstance(parse("NATO OR EU OR UN OR WTO OR IMF").tree, Or)


def list_codes(text: str) -> list[str]:
    return [note.code for note in parse(text).notes]


def test_pasted_headline_reads_its_operators_as_words() -> None:
    text = "Bank says it will NOT cut -the rates -sources -Bangemann"
    assert render(parse(text).tree) == "Bank says it will not cut the rates -sources -Bangemann"
    assert list_codes("Bank says it will NOT cut its rates") == ["operator_as_text"]
    assert list_codes("Oil -led rally lifts shares in Asia again") == ["operator_as_text"]
    assert "-sources -Bangemann" in parse(text).notes[-1].detail


def test_pasted_headline_in_capitals_keeps_the_exclusion_at_its_end() -> None:
    text = "SPAIN SAYS IT WILL NOT CUT U.S. DEFICIT -BANGEMANN"
    assert render(parse(text).tree) == "SPAIN SAYS IT WILL not CUT U.S. DEFICIT -BANGEMANN"
    assert list_codes(text) == ["operator_as_text", "exclusion_in_text"]


@pytest.mark.parametrize("sign", ["title:x", "x*", '"x y"', "AND x", "OR x", "-(x)", "NOT (x)", "(x -y)", '-"x y"'])
def test_sign_of_a_composed_query_keeps_the_operators_of_a_long_one(sign: str) -> None:
    text = f"a b c -d e f g h {sign}"
    assert D not in list_leaves(parse(text).tree)
    assert list_codes(text) == []


def test_parentheses_of_words_alone_stand_in_pasted_texts() -> None:
    assert parse("a b c d (e f) -g h").tree == And(tuple(map(Word, "abcdefgh")))


def test_six_words_keep_their_operators() -> None:
    assert parse("a b -c d e NOT f").tree == And((A, B, Not(C), D, Word("e"), Not(Word("f"))))
    assert list_codes("-a -b -c -d -e -f -g") == []


def test_quoted_headline_has_its_words_to_fall_back_on() -> None:
    query = parse("“Bank: title:x will NOT cut 10 000 jobs (-sources)”.")
    assert isinstance(query.tree, Phrase)
    assert query.fallback is not None
    assert render(query.fallback.tree) == "Bank title x will not cut 10 000 jobs sources"
    assert [note.code for note in query.fallback.notes] == ["phrase_as_words"]
    assert parse('"FED EXPECTED TO ACT SOON"').fallback is not None


@pytest.mark.parametrize(
    "text", ['"red line agreement"', '"to be or not to be"', '"a b c d e f g" -h', "a b c d e f g"]
)
def test_short_phrases_and_composed_queries_have_nothing_to_fall_back_on(text: str) -> None:
    assert parse(text).fallback is None


def test_minus_within_a_word_rules_nothing_out() -> None:
    assert parse('"target"-denial').tree == And((Phrase("target"), Word("denial")))
