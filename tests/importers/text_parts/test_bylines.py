"""Bylines: people are authors; titles, agencies, places and addresses are not, and no word of them is lost."""

import io
import json

import pytest

from app.importers.document import Document, NameReference, ParseContext
from app.importers.formats.registry import PARSERS
from app.importers.text_parts.bylines import Byline, read_byline, read_name


def read(kind: str, text: str) -> Document:
    [document] = PARSERS[kind](io.BytesIO(text.encode()), "f", ParseContext())
    assert isinstance(document, Document), document
    return document


@pytest.mark.parametrize(
    ("line", "names", "rest"),
    [
        ("By Ann Lee, Political Editor", ("Ann Lee",), ("Political Editor",)),
        ("By Ann Lee, Associated Press", ("Ann Lee",), ("Associated Press",)),
        ("Ann Lee, The Associated Press", ("Ann Lee",), ("The Associated Press",)),
        ("Ann Lee, AP", ("Ann Lee",), ("AP",)),
        ("Von Hans Müller, Berlin", ("Hans Müller",), ("Berlin",)),
        ("By Ann Lee and Bob Ray, New York", ("Ann Lee", "Bob Ray"), ("New York",)),
        ("By Ann Lee in Paris", ("Ann Lee",), ("Ann Lee in Paris",)),
        ("By Ann Lee, special to the Globe", ("Ann Lee",), ("special to the Globe",)),
        ("Ann Lee <ann@x.example>", ("Ann Lee",), ("Ann Lee <ann@x.example>",)),
        ("ann@x.example", (), ("ann@x.example",)),
        ("null", (), ("null",)),
        ("Staff Writer", (), ("Staff Writer",)),
        ("Ann Lee, Bob Ray", ("Ann Lee", "Bob Ray"), ()),
        ("Ann Lee; Suzy", ("Ann Lee", "Suzy"), ()),
        ("Ann, Bob & Cy", ("Ann", "Bob", "Cy"), ()),
        ("Ann Lee, Jr., and Bob Ray", ("Ann Lee, Jr.", "Bob Ray"), ()),
        ("von Trapp", ("von Trapp",), ()),
        ("Von Miller", ("Von Miller",), ()),
        ("Frank Staff, Ani Rossi", ("Frank Staff", "Ani Rossi"), ()),
        ("李明, 王芳", ("李明", "王芳"), ()),
        ("Staff Writer Jane Doe", ("Jane Doe",), ("Staff Writer Jane Doe",)),
        ("By Editor Ann Lee", ("Ann Lee",), ("Editor Ann Lee",)),
        ("Reporters Without Borders", ("Reporters Without Borders",), ()),
        ("Journalist Support Committee", ("Journalist Support Committee",), ()),
        ("Will Staff", ("Will Staff",), ()),
        ("Jane Doe Bureau Chief", ("Jane Doe Bureau Chief",), ()),
        ("Boston Globe Staff", (), ("Boston Globe Staff",)),
        ("Chief Political Correspondent", (), ("Chief Political Correspondent",)),
        ("Editor-in-Chief", (), ("Editor-in-Chief",)),
        ("New York Correspondent", (), ("New York Correspondent",)),
        ("García Márquez, Gabriel", ("García Márquez", "Gabriel"), ()),
        ("García Márquez, Victoria", ("García Márquez", "Victoria"), ()),
        ("Ann Lee, Paris", ("Ann Lee",), ("Paris",)),
        ("Ann Lee, Bob, Carl and Dee", ("Ann Lee", "Bob", "Carl", "Dee"), ()),
        ("Women in Tech", ("Women in Tech",), ()),
        ("Women in London", ("Women in London",), ()),
        ("Nan, NaN", ("Nan",), ("NaN",)),
        ("For Freedoms", ("For Freedoms",), ()),
    ],
)
def test_only_people_are_names(line: str, names: tuple[str, ...], rest: tuple[str, ...]) -> None:
    assert read_byline(line) == Byline(names, rest)


def test_a_name_in_a_list_is_one() -> None:
    assert read_name("Lee, Ann") == Byline(("Lee, Ann",))
    assert read_name("Ann Lee, Political Editor") == Byline(("Ann Lee",), ("Ann Lee, Political Editor",))
    assert read_name("Editor Ann Lee") == Byline(("Ann Lee",), ("Editor Ann Lee",))
    assert read_name("Staff") == Byline((), ("Staff",))
    assert read_name("Staff", is_stated=True) == Byline(("Staff",))
    assert read_name("null", is_stated=True) == Byline((), ("null",))


def test_byline_that_says_more_than_names_stays_beside_the_article() -> None:
    line = "By Ann Lee, Political Editor"
    document = read("ndjson", json.dumps({"title": "T", "byline": line}))
    assert (document.authors, document.extra) == (("Ann Lee",), {"byline": line})
    note = "byline: 'By Ann Lee, Political Editor' holds what is no name of a person: 'Political Editor'"
    assert document.notes == (note,)
    text = read("text", f"A title\n\n{line}\n\nThe first paragraph.\n\nThe second one.")
    assert (text.authors, text.extra) == (("Ann Lee",), {"byline": line})
    page = f"<html><head><title>A title</title></head><body><article><h1>A title</h1><p>{line}</p>"
    page += "<p>The ferry was late again on Monday, and nobody knew why it had been so.</p>" * 9 + "</article></body>"
    body = read("html", page).body
    assert body
    assert "Political Editor" in body.content


def test_a_sentence_of_a_page_names_no_authors() -> None:
    page = "<html><head><title>A title</title></head><body><article><h1>A title</h1>"
    page += "<p>By Monday, most of the ferries had been late again, and nobody knew why.</p>"
    page += "<p>The ferry was late again on Monday, and nobody knew why it had been so.</p>" * 9 + "</article></body>"
    assert read("html", page).authors == ()


def test_objects_and_exports_name_who_they_name() -> None:
    people = [{"name": "Reuters", "slug": "reuters"}, {"name": "Ann Lee <ann@x.example>"}]
    document = read("ndjson", json.dumps({"title": "T", "authors": people}))
    assert document.authors == ("Reuters", "Ann Lee")
    assert document.author_refs == (NameReference("Reuters", "reuters"), NameReference("Ann Lee"))
    own = {"id": 1, "version": 1, "published_precision": "day", "title": "T", "authors": ["null", "Staff"]}
    assert read("ndjson", json.dumps(own)).authors == ("null", "Staff")


def test_long_bylines_are_read_in_a_moment() -> None:
    assert read_byline("a" * 50_000 + "@").names
    assert read_byline("@" * 50_000).rest
    assert len(read_byline("A B, " * 20_000).names) == 1
