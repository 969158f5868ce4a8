"""Lines of data without a fence at the head of a text: they say its state, and prose is no data."""

import io

import pytest

from app.importers.document import Document, ParseContext
from app.importers.formats.registry import PARSERS
from app.importers.records import head_lines

PELICAN = "Title: Tunnel opens\nDate: 2024-03-01\nTags: rail, works\nStatus: {}\n\nThe tunnel opened on Friday.\n"


def read(kind: str, text: str) -> Document:
    [document] = PARSERS[kind](io.BytesIO(text.encode()), "x", ParseContext())
    assert isinstance(document, Document)
    return document


def test_lines_with_a_title_are_front_matter() -> None:
    document = read("markdown", PELICAN.format("published"))
    assert (document.title, document.tags, document.status) == ("Tunnel opens", ("rail", "works"), "published")
    assert document.body is not None
    assert document.body.content.strip() == "The tunnel opened on Friday."


@pytest.mark.parametrize("word", ["draft", "hidden"])
def test_draft_of_pelican_is_a_draft(word: str) -> None:
    assert read("markdown", PELICAN.format(word)).status == "draft"
    held = read("text", PELICAN.format(word))
    assert held.status == "draft"
    assert held.notes == (f"its first lines say Status: '{word}': not public at its source, kept as a draft",)


def test_front_matter_of_hexo_needs_no_opening_fence() -> None:
    document = read("markdown", "title: Tunnel opens\ntags:\n  - rail\npublished: false\n---\nIt opened.")
    assert (document.title, document.tags, document.status) == ("Tunnel opens", ("rail",), "draft")


def test_what_is_no_yaml_above_a_rule_is_no_failure() -> None:
    document = read("markdown", "title: One: two: [three\nauthor: Ann Lee\n---\nIt opened.")
    assert (document.title, document.authors) == ("One: two: [three", ("Ann Lee",))


@pytest.mark.parametrize("kind", ["markdown", "text"])
def test_properties_below_a_title_hold_an_article_back(kind: str) -> None:
    document = read(kind, "# Tunnel opens\n\nStatus: Draft\nOwner: Ann Lee\n\nThe tunnel opened on Friday.")
    assert document.status == "draft"
    assert document.body is not None
    assert "Status: Draft" in document.body.content


@pytest.mark.parametrize(
    "text",
    [
        "Private: a garden that nobody has seen for fifty years opens.\n\nIt is in the north.",
        "Draft: yes\nThe rest of the paragraph is prose.",
        "Title: the one word that he never used\n---\nIt was his last book.",
        "Ann: Is it open?\nBo: Not yet.\n\nThey waited.",
        "Status: published\nOwner: Ann\n\nThe tunnel opened.",
        "State: Texas\nWhere: Dallas\n\nIt rained.",
        "Visibility: good\nWind: south\n\nThe day is fine.",
        "Private: Ryan\n\nA film of war.",
        "It opened on Friday.\n\nStatus: draft\n",
    ],
)
def test_prose_is_public(text: str) -> None:
    assert [read(kind, text).status for kind in ("markdown", "text")] == [None, None]


@pytest.mark.parametrize(
    "text",
    [
        "Title: Fog\nDate: Monday\nANN: Is it open?\nBO: No.\nANN: A pity.\n\nThey wait.",
        "Title: Soup\nNote: use a fresh leek\nServes: 4\n\nCut the leek.",
        "title: Fog\ndate: Monday\nann: Is it open\nann: A pity\n---\nThey wait.",
    ],
)
def test_no_word_of_a_dialogue_or_a_recipe_is_lost(text: str) -> None:
    document = read("markdown", text)
    assert document.body is not None
    assert document.body.content.strip() == text


def test_name_that_comes_again_hides_as_well() -> None:
    assert read("markdown", "Title: Fog\nStatus: published\nStatus: draft\n\nIt lay.").status == "draft"


def test_text_below_the_lines_is_whole() -> None:
    assert head_lines.split_lines("A: b\n  c\nD:\n\nE: f\n") == ({"A": "b c", "D": ""}, "E: f\n")
    assert head_lines.split_lines("A: b\nprose") == ({}, "A: b\nprose")
