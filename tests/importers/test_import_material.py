"""Whole collections from outside the project: every article comes out, whole."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from app.importers.document import Document, Failure, Item, ParseContext
from app.importers.formats import markdown, ndjson, text
from app.importers.formats.detect import detect_format

Data = Callable[[str], Path]


def collection(file: Path) -> tuple[list[Document], list[Failure]]:
    with file.open("rb") as stream:
        return halves(ndjson.parse(ndjson.read_lines(stream), file.name, ParseContext()))


def halves(items: Iterable[Item]) -> tuple[list[Document], list[Failure]]:
    result = list(items)
    return [item for item in result if isinstance(item, Document)], [
        item for item in result if isinstance(item, Failure)
    ]


def test_first_thousand_wire_stories_come_out_with_their_dates(data: Data) -> None:
    with data("corpora/reuters.ndjson").open("rb") as stream:
        lines = itertools.islice(ndjson.read_lines(stream), 1_000)
        documents, failures = halves(ndjson.parse(lines, "reuters.ndjson", ParseContext()))
    assert (len(documents), failures) == (1_000, [])
    assert sum(document.title_derived for document in documents) == 15
    assert {document.dateline.date[:4] for document in documents if document.dateline and document.dateline.date} == {
        "1987"
    }


@pytest.mark.torture
def test_every_wire_story_with_a_title_or_body_comes_out(data: Data) -> None:
    documents, failures = collection(data("corpora/reuters.ndjson"))
    assert (len(documents), [failure.reason for failure in failures]) == (15389, ["neither a title nor a body"])
    assert sum(document.title_derived for document in documents) == 708
    precisions = Counter(document.dateline.precision for document in documents if document.dateline)
    assert precisions["day"] > 13_400
    years = {document.dateline.date[:4] for document in documents if document.dateline and document.dateline.date}
    assert years == {"1987"}
    assert all(document.body is None or document.body.kind == "text" for document in documents)


@pytest.mark.torture
def test_every_post_comes_out_with_its_date(data: Data) -> None:
    documents, failures = collection(data("corpora/digitalgov.ndjson"))
    assert (len(documents), len(failures)) == (2074, 1)
    assert all(document.published for document in documents)
    assert set().union(*(document.extra for document in documents)) == {"path", "published_at_raw"}


def test_every_french_article_comes_out_by_the_day(data: Data) -> None:
    documents, failures = collection(data("corpora/wikinews_fr.ndjson"))
    assert (len(documents), failures) == (100, [])
    assert {document.published.precision for document in documents if document.published} == {"day"}


def test_every_markdown_file_comes_out(data: Data) -> None:
    paths = sorted(data("markdown").rglob("2*.md"))
    assert paths
    assert {detect_format("x", path.read_bytes()[:4096]) for path in paths} == {"markdown"}
    items = [item for path in paths for item in markdown.parse(path.read_bytes(), path.name, ParseContext())]
    documents, failures = halves(items)
    assert (len(documents), failures) == (len(paths), [])
    assert all(document.published and document.title and not document.title_derived for document in documents)


def test_the_example_article_is_told_into_its_parts(data: Data) -> None:
    content = data("seed/article.txt").read_bytes()
    assert detect_format("article", content) == "text"
    (article,) = text.parse(content, "article.txt", ParseContext())
    assert isinstance(article, Document)
    assert article.dateline
    assert (article.dateline.text, article.dateline.date) == ("Brussels, December 2025.", "2025-12")
    assert article.body
    assert article.body.content.count("\n\n") == 8
    assert article.standfirst
    assert article.signature
    assert (article.signature.count(" / "), len(article.related)) == (1, 3)
