"""What all servers are asked, and what they have to send: the same articles with the same columns. Pure."""

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Row = dict[str, object]
WORD = re.compile(r"\w+")
LIMIT = 20
QUESTIONS = 100
"""Different ones of each kind that asks for one article or for words."""
ONE_WORD = (0.01, 0.25)
ONE_OF_THREE = (0.08, 0.5)
"""Shares of the articles that have the word."""


@dataclass(frozen=True, slots=True)
class LoadQuestion:
    """One article by number or slug, the newest of a tag, those that have all of these words, or else the newest."""

    article: int | None = None
    slug: str | None = None
    tag: str | None = None
    words: str | None = None
    bodies: bool = True

    @property
    def is_of_one(self) -> bool:
        return self.article is not None or self.slug is not None


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The rows of a response, and how many there are in all where it says so."""

    rows: Sequence[Row]
    total: int | None = None

    @property
    def ids(self) -> list[int]:
        return [int(str(row["id"])) for row in self.rows]


@dataclass(frozen=True, slots=True)
class LoadKind:
    """Questions that are asked in turn, and measured together."""

    name: str
    questions: Sequence[LoadQuestion]


def strip_private(row: Row) -> Row:
    """The row as clients see it: without what only helps to index it."""
    return {name: value for name, value in row.items() if name != "body_text"}


def list_tags(row: Row) -> list[str]:
    tags = row["tags"]
    assert isinstance(tags, list)
    return [str(tag["slug"]) for tag in tags]


def list_words(row: Row) -> set[str]:
    return set(WORD.findall(f"{row['title']} {row['body_text']}"))


def make_kinds(rows: Sequence[Row], seed: int = 7) -> list[LoadKind]:
    """Questions about these articles; each finds a whole page at least."""
    chance = random.Random(seed)
    words_by_article = [list_words(row) for row in rows]
    counts = Counter(word for words in words_by_article for word in words)
    articles = chance.sample(rows, min(QUESTIONS, len(rows)))
    tags = Counter(tag for row in rows for tag in list_tags(row))
    common = [tag for tag, count in tags.most_common(LIMIT) if count >= LIMIT]
    single = _pick(_list_shared(counts, len(rows), ONE_WORD), chance)
    triples = _pick_triples(words_by_article, _list_shared(counts, len(rows), ONE_OF_THREE), chance)
    return [
        LoadKind("one article", [LoadQuestion(article=int(str(row["id"]))) for row in articles]),
        LoadKind("one by its slug", [LoadQuestion(slug=str(row["slug"])) for row in articles]),
        LoadKind("20 newest, with bodies", [LoadQuestion()]),
        LoadKind("20 of a tag, with bodies", [LoadQuestion(tag=tag) for tag in common]),
        LoadKind("one word, 20 cards", [LoadQuestion(words=word, bodies=False) for word in single]),
        LoadKind("three words, 20 cards", [LoadQuestion(words=words, bodies=False) for words in triples]),
        LoadKind("one word, 20 with bodies", [LoadQuestion(words=word) for word in single]),
        LoadKind("three words, 20 with bodies", [LoadQuestion(words=words) for words in triples]),
    ]


def _list_shared(counts: Counter[str], articles: int, share: tuple[float, float]) -> list[str]:
    """Words that such a share of the articles has, but a page of them at least."""
    least, most = max(LIMIT, share[0] * articles), share[1] * articles
    return sorted(word for word, count in counts.items() if least <= count <= most)


def _pick(words: Sequence[str], chance: random.Random) -> list[str]:
    return chance.sample(words, min(QUESTIONS, len(words)))


def _pick_triples(articles: Sequence[set[str]], words: Sequence[str], chance: random.Random) -> list[str]:
    """Three words that stand in a page of articles together."""
    numbers: dict[str, set[int]] = {word: set() for word in words}
    for number, article in enumerate(articles):
        for word in article & numbers.keys():
            numbers[word].add(number)
    triples: list[str] = []
    for _ in range(100 * QUESTIONS):
        three = chance.sample(words, 3)
        if len(set.intersection(*(numbers[word] for word in three))) >= LIMIT:
            triples.append(" ".join(three))
        if len(triples) == QUESTIONS:
            break
    return triples


@dataclass(frozen=True, slots=True)
class Comparison:
    """The questions that find as many everywhere, and how much of the first 20 hits two rankings share on average."""

    kind: LoadKind
    shared: float


def compare_responses(kind: LoadKind, asks: Sequence[Callable[[LoadQuestion], LoadResult]]) -> Comparison:
    """Holds the responses of all servers against those of the first. SystemExit where lists, totals or columns differ.

    Each ranks hits as it does: of searches the number of articles has to be equal, and each page has to be full. The
    stemmers differ in a few words; questions that these let find more or fewer are left out.
    """
    equal, shared = [], []
    for question in kind.questions:
        first, *others = [ask(question) for ask in asks]
        for page in others:
            if columns := _compare_columns(first.rows, page.rows):
                raise SystemExit(f"{kind.name}: only some responses have {', '.join(sorted(columns))}: {question}")
            if question.words is None and page.ids != first.ids:
                raise SystemExit(f"{kind.name}: {question} finds {first.ids} and {page.ids}")
        totals = {page.total for page in (first, *others)}
        if question.words is None or (len(totals) == 1 and all(len(p.rows) == LIMIT for p in (first, *others))):
            equal.append(question)
            shared += [len({*first.ids} & {*page.ids}) / len(first.ids) for page in others]
    if len(equal) < 0.8 * len(kind.questions) or not equal:
        raise SystemExit(f"{kind.name}: only {len(equal)} of {len(kind.questions)} questions find as many everywhere")
    return Comparison(LoadKind(kind.name, equal), sum(shared) / len(shared) if shared else 1.0)


def _compare_columns(rows: Sequence[Row], others: Sequence[Row]) -> set[str]:
    columns = {frozenset(row) for row in (*rows, *others)}
    return set().union(*columns) - set(frozenset.intersection(*columns)) if columns else set()
