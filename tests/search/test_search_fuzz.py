"""Odd queries by the thousand, through reader, composer and engine, and over HTTP: a response or a named 422.

FUZZ_QUERIES sets how many go through the reader and composer; a hundredth of them is searched for, a fiftieth sent.
"""

import os
import random
from pathlib import Path

import pytest
from conftest import Served
from support.search_archive import SearchArchive, SearchStory

from app.errors import QueryTooComplex
from app.search.engine import Question
from app.search.query.parser import parse
from app.search.tantivy.query_builder import QueryBuilder
from app.search.tantivy.reader import find_languages
from app.search.tantivy.term_stats import get_stats as terms_of

QUERIES = int(os.environ.get("FUZZ_QUERIES", "3000"))
PIECES = (
    "danube", "river", "the", "a", "NATO", "OR", "AND", "NOT", "-", "--", '"', '""', "(", ")", "((",
    "))", "*", "**", "?", "~", "^2", ":", "::", "title:", "body:", "tag:", "region:", "author:x",
    "title:(", "[1 TO 2]", "{", "}", "\\", "/", "&&", "||", "!", "+", "\u202e", "\u200b", "é", "ß", "İ",
    "ﬁ", "中文", "日本", "ไทย", "العربية", "አማርኛ", "Yorùbá", "😀", "👩‍👩‍👧", "\t", "\n", " ", "\ud7ff",
    "\uffff", "0", "-1", "1e309", "a" * 60, "x" * 300, "10 000", " 000", "🎺", ".NET", "C++",
    "U.N.", "co-op", "o'neil", "rivver", "danubbe",
)  # fmt: skip


def queries(count: int, seed: int = 11) -> list[str]:
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        pieces = chance.choices(PIECES, k=chance.randrange(1, 25))
        made.append(chance.choice(("", " ")).join(pieces)[: chance.choice((20, 100, 600))])
    return made


def test_odd_queries_are_read_composed_and_searched(tmp_path: Path) -> None:
    stories = [
        SearchStory(n, title=f"The river Danube, part {n}", body="A river of NATO and 中文. " * 3) for n in range(1, 40)
    ]
    made = SearchArchive(tmp_path)
    made.put(*stories)
    engine = made.engine()
    view = engine.view()
    composer = QueryBuilder(terms_of(view, find_languages(view)))
    refused = 0
    for number, text in enumerate(queries(QUERIES)):
        try:
            query = parse(text)
        except QueryTooComplex:
            refused += 1
            continue
        if query.tree is None:
            continue
        composer.build(query.tree)
        if number % 100 == 0:
            question = Question(tree=query.tree, order="relevance", match="auto", typo=True, prefix=number % 200 == 0)
            engine.search(question)
    made.close()
    assert 0 < refused < QUERIES


@pytest.mark.anyio
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_odd_queries_over_http_get_a_response_or_a_named_refusal(api: Served) -> None:
    await api.post(title="The river Danube", body={"text": "A river of NATO and 中文."})
    for text in queries(QUERIES // 50, seed=12):
        response = await api.public.get("/v1/search", params={"q": text, "highlight": "title,body", "limit": "3"})
        assert response.status_code == 200 or (
            response.status_code == 422 and response.json()["code"] in ("query_too_complex", "invalid_value")
        ), (text, response.text)
