"""Queries as people type them: what they are read as, and that nothing makes reading fail."""

from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from app.errors import InvalidInput
from app.search.query.parser import parse
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
     "北京", "«", "”", "\u0301", "\x00", "'", "--", ".", "1", "\u3000"]
)  # fmt: skip
queries = st.lists(pieces, max_size=24).map("".join) | st.text(max_size=60)


def within_limits(text: str) -> bool:
    try:
        parse(text)
    except InvalidInput:
        return False
    return True


@given(queries.filter(within_limits))
@example('title:(a OR -b) "c\'d" e*')
@example('a"b"-c')
def test_any_query_rendered_reads_back_to_the_same_tree(text: str) -> None:
    tree = parse(text).tree
    again = parse(render(tree))
    assert again.tree == tree
    assert not {note.code for note in again.notes} - {"star_as_text"}


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


def test_minus_within_a_word_rules_nothing_out() -> None:
    assert parse('"target"-denial').tree == And((Phrase("target"), Word("denial")))
