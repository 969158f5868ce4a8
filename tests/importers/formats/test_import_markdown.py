"""Markdown: front matter read as written, refused when broken, and the parts around the body."""

import pytest
from hypothesis import given, strategies as st

from app.importers.document import Document, DocumentBody, Failure, ParseContext, RelatedReference, SourceDateline
from app.importers.formats import markdown


def read(source: str) -> Document:
    (item,) = markdown.parse(source.encode(), "a.md", ParseContext())
    assert isinstance(item, Document), item
    return item


def fail(source: str) -> Failure:
    (item,) = markdown.parse(source.encode(), "a.md", ParseContext())
    assert isinstance(item, Failure), item
    return item


def test_yaml_front_matter_goes_through_the_table_of_names() -> None:
    document = read(
        "---\ntitle: 'Ferries &#8211; a start'\nslug: 2014\ndate: 2014-08-15 11:00:49 -0400\nsummary: Short.\n"
        "authors: [ann]\ntopics:\n  - sea\n  - law\naliases: [/old/]\ndraft: true\nexpirydate: 2025-01-01\n---\n\nBody."
    )
    assert (document.title, document.slug, document.standfirst) == ("Ferries – a start", "2014", "Short.")
    assert (document.authors, document.tags, document.previous_urls) == (("ann",), ("sea", "law"), ("/old/",))
    assert document.published
    assert (document.published.instant, document.status) == (1408114849, "draft")
    assert (document.extra, document.body) == ({"expirydate": "2025-01-01"}, DocumentBody("markdown", "Body."))
    assert document.notes == (
        "title: character references resolved",
        "draft: True: not public at its source, kept as a draft",
        "expirydate in the past: not public at its source, kept as a draft",
    )


def test_yaml_values_stay_as_written() -> None:
    document = read("---\ntitle: T\nlanguage: no\nid: 012\nlength: 12:30\nweight: 3\npinned: false\n---\nx")
    assert (document.language, document.external_id) == ("no", "012")
    assert document.extra == {"length": "12:30", "weight": 3, "pinned": False}


def test_toml_front_matter_is_read() -> None:
    document = read('+++\ntitle = "T"\ndate = 2025-12-03T10:00:00Z\n[params]\nday = 2025-12-03\n+++\nBody.')
    assert document.title == "T"
    assert document.published
    assert document.published.instant == 1764756000
    assert document.extra == {"params": {"day": "2025-12-03"}}


def test_a_second_name_of_a_field_is_kept() -> None:
    document = read("---\ntitle: T\ndescription: two\nsummary: one\ntext: other\n---\nBody.")
    assert (document.standfirst, document.extra) == ("one", {"description": "two", "text": "other"})


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("---\ntitle: A: B\n---\nBody.", 2),
        ("---\na: 1\nb: [1, 2\n---\nBody.", 4),
        ("---\ntitle: T\nBody without an end", 1),
        ("---\n{a: 1}, b\n---\nBody.", 2),
        ('+++\na = 1\nb = "\n+++\nBody.', 3),
        ("---\na: !!python/object:os.system x\n---\n", 2),
        ("---\na: 1\n? {c: d}\n: e\n---\n", 3),
    ],
)
def test_broken_front_matter_fails_with_its_line(source: str, line: int) -> None:
    assert fail(source).where == f"a.md:{line}"


def test_bombs_are_refused() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))
    assert "values" in fail(f"---\nl0: &l0 [x]\n{levels}---\n").reason
    assert "aliases" in fail("---\na: &a x\nb: [" + "*a, " * 1001 + "]\n---\n").reason
    assert "levels" in fail("---\na: " + "[" * 500_00 + "\n---\n").reason
    assert "1 MB" in fail("---\na: " + "x" * 1_000_001 + "\n---\n").reason
    assert fail("---\na: &a [*a]\n---\nBody.").where == "a.md:2"


def test_without_front_matter_the_heading_is_the_title() -> None:
    document = read("\n# The *ferry* [line](/x) #\n\nBody.\n")
    assert (document.title, document.title_derived, document.body) == (
        "The ferry line",
        False,
        DocumentBody("markdown", "Body."),
    )
    assert read("The line\n===\n\nBody.").title == "The line"


def test_a_lower_heading_is_the_title_and_stays() -> None:
    document = read("## Part one\n\nBody.")
    assert (document.title, document.title_derived) == ("Part one", True)
    assert document.body == DocumentBody("markdown", "## Part one\n\nBody.")


def test_a_heading_that_repeats_the_title_goes() -> None:
    assert read("---\ntitle: Same\n---\n# Same\n\nBody.").body == DocumentBody("markdown", "Body.")
    assert read("---\ntitle: Same\n---\n# Other\n\nBody.").body == DocumentBody("markdown", "# Other\n\nBody.")


def test_rules_are_no_front_matter() -> None:
    for source in ("---\nJust words\n---\nBody.", "---\n\n# Head\n\n---\n\nBody.", "---\n- a\n---\nBody."):
        assert read(source).body == DocumentBody("markdown", source)


def test_a_related_section_moves_and_shortcodes_stay() -> None:
    document = read(
        "# T\n\nBody {{< ref a.md >}}.\n\n\n1.  x\n\n        code\n\n## Related posts\n\n- [One](/one)\n- Two\n"
    )
    assert document.related == (RelatedReference("One", "/one"), RelatedReference("Two"))
    assert document.body == DocumentBody("markdown", "Body {{< ref a.md >}}.\n\n\n1.  x\n\n        code")


def test_prose_under_a_related_heading_stays() -> None:
    content = "Body.\n\n## See also\n\nThe [report](/r) and its [annex](/a) say more."
    assert read("# T\n\n" + content).body == DocumentBody("markdown", content)


def test_a_dated_dateline_is_taken_from_the_first_paragraph() -> None:
    document = read("# T\n\nOstend, December 2025. It **rained**.\n\nMore.")
    assert document.dateline == SourceDateline("Ostend, December 2025.", "Ostend", "2025-12", "month")
    assert document.body == DocumentBody("markdown", "It **rained**.\n\nMore.")


def test_an_empty_file_fails() -> None:
    assert fail("").reason == "neither a title nor a body"


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda s: f"---\n{s}\n---\nx".encode())))
def test_any_bytes_give_one_article_or_one_failure(data: bytes) -> None:
    assert len(list(markdown.parse(data, "x", ParseContext()))) == 1


@pytest.mark.parametrize(
    "unit", ["#", "# ", "[", "[a](", "{{", "- ", "---\n", "***", "<p ", "\n ", "\n", "1987, ", "A, "]
)
def test_long_runs_of_markup_take_no_time(unit: str) -> None:
    assert (
        len(list(markdown.parse((f"x{unit * 20_000}\n\nSee also\n\n" + unit * 9000).encode(), "x", ParseContext())))
        == 1
    )
