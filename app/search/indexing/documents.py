"""Articles out of SQL as documents of an index, many with three statements: those that are published, or the others.
Writes nothing."""

import functools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from sqlalchemy import ColumnElement, Integer, bindparam, literal_column, select
from tantivy import Document

from app.articles.filters import COPY_OF, HAS_BITS, ORIGINAL, PLACED, TAGGED, A, ArticleFacts
from app.articles.html import bodies
from app.db.database import Snapshot
from app.db.sql import AnyOf, Prepared, measure_bytes, prepare, read_integer
from app.search.engine import Holding
from app.search.indexing.words_document import WordsDocument
from app.search.query.analysis import ArticleDocument
from app.search.tantivy import index_schema

T = TypeVar("T")
Content = Literal["all", "words"]
"""What an index on this machine holds of articles: all that is searched, or the words alone."""
CHUNK = 500
LARGE = 100_000
"""Bytes of a body from which on its size counts: until it is written it takes 40 times as much memory."""
PORTION = 4_000_000
"""Bytes of large bodies that are read, and wait to be written, at a time."""

_COLUMNS = (
    "id", "version", "language", "title", "standfirst", "body", "slug", "origin", "external_id", "source_id",
    "published_at", "updated_at", "created_at", "dateline_from", "dateline_to",
    "published_precision", "dateline_text", "title_derived", "status", "withdrawn_at",
)  # fmt: skip


def is_held(holding: Holding) -> ColumnElement[bool]:
    """Over `article`: whether an index has it."""
    published: ColumnElement[str] = literal_column("'published'")
    return A.c.status == published if holding == "published" else A.c.status != published


@functools.cache
def _prepare_statements(dialect: str, holding: Holding) -> dict[str, Prepared]:
    tagged = select(TAGGED.c.article_id, TAGGED.c.tag_id).order_by(TAGGED.c.article_id, TAGGED.c.position)
    placed = select(PLACED.c.article_id, PLACED.c.region_id, PLACED.c.roles, PLACED.c.roles_within)
    return {
        "articles": prepare(
            select(*(A.c[c] for c in _COLUMNS), ORIGINAL, COPY_OF, HAS_BITS).where(
                AnyOf(A.c.id, "ids"), is_held(holding)
            ),
            dialect,
            ["ids"],
        ),
        "tags": prepare(tagged.where(AnyOf(TAGGED.c.article_id, "ids")), dialect, ["ids"]),
        "regions": prepare(placed.where(AnyOf(PLACED.c.article_id, "ids")), dialect, ["ids"]),
    }


@functools.cache
def _large_statement(dialect: str, holding: Holding) -> Prepared:
    size = measure_bytes(A.c.body)
    is_large = is_held(holding) & (size > bindparam("least", type_=Integer()))
    return prepare(select(A.c.id, size).where(AnyOf(A.c.id, "ids"), is_large), dialect, ["ids"])


@functools.cache
def _held_statement(dialect: str, holding: Holding) -> Prepared:
    return prepare(select(A.c.id).where(AnyOf(A.c.id, "ids"), is_held(holding)), dialect, ["ids"])


def load_ids(snapshot: Snapshot, holding: Holding = "published") -> list[int]:
    """Every article that an index has, in the order of its number."""
    statement = select(A.c.id).where(is_held(holding)).order_by(A.c.id)
    return list(snapshot.connection.execute(statement).scalars())


def is_empty(snapshot: Snapshot, holding: Holding) -> bool:
    """Whether there is no article at all that an index has."""
    return snapshot.connection.execute(select(A.c.id).where(is_held(holding)).limit(1)).first() is None


def has_any(snapshot: Snapshot, ids: Sequence[int], holding: Holding) -> bool:
    """Whether an index has any of these articles now."""
    statement = _held_statement(snapshot.connection.dialect.name, holding)
    return bool(ids) and bool(snapshot.fetch(statement, {"ids": list(ids)}))


@dataclass(frozen=True, slots=True)
class DocumentBatch:
    """Articles that are read at once, and the bytes of the large bodies among them."""

    ids: list[int]
    large: int


def load_documents(
    snapshot: Snapshot, ids: Sequence[int], holding: Holding = "published", content: Content = "all"
) -> Iterator[Document]:
    """Documents of those ids that an index has now, a portion at a time."""
    for portion in split_into_batches(snapshot, ids, holding):
        yield from build_documents(load_rows(snapshot, portion.ids, holding), content)


def split_into_batches(
    snapshot: Snapshot, ids: Sequence[int], holding: Holding = "published"
) -> Iterator[DocumentBatch]:
    """Up to CHUNK of the ids at a time, with no more than PORTION bytes of large bodies, or one such body."""
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        sizes = measure_large(snapshot, some, holding)
        # Small bodies count as nothing: a portion is bounded by CHUNK then.
        for part in split_by_size(some, [sizes.get(id, 0) for id in some]):
            yield DocumentBatch(part, sum(sizes.get(id, 0) for id in part))


def measure_large(snapshot: Snapshot, ids: Sequence[int], holding: Holding = "published") -> dict[int, int]:
    """The bytes of those bodies that an index has now and that are LARGE, by the article's id."""
    statement = _large_statement(snapshot.connection.dialect.name, holding)
    rows = snapshot.fetch(statement, {"ids": list(ids), "least": LARGE})
    return {read_integer(id): read_integer(size) for id, size in rows}


def split_by_size(items: Sequence[T], sizes: Sequence[int]) -> Iterator[list[T]]:
    """The items in their order, each part with sizes of no more than PORTION or with one such item."""
    part: list[T] = []
    total = 0
    for item, size in zip(items, sizes, strict=True):
        if total and size and total + size > PORTION:
            yield part
            part, total = [], 0
        part.append(item)
        total += size
    if part:
        yield part


ArticleRows = dict[str, list[tuple[object, ...]]]
"""The rows of one portion, by the names of the statements: plain values, which another process can be sent."""


def load_rows(snapshot: Snapshot, ids: list[int], holding: Holding = "published") -> ArticleRows:
    """What is indexed of those ids that an index has now, by three statements."""
    statements = _prepare_statements(snapshot.connection.dialect.name, holding)
    return {name: snapshot.fetch(statement, {"ids": ids}) for name, statement in statements.items()}


@dataclass(frozen=True, slots=True)
class IndexedArticle:
    """What an index holds of one article, before any engine's document is made of it."""

    facts: ArticleFacts
    version: int
    text: index_schema.SearchableText

    def write(self, document: ArticleDocument) -> None:
        index_schema.fill_document(document, self.facts, self.version, self.text)


def build_documents(rows: ArticleRows, content: Content = "all") -> Iterator[Document]:
    """A document of each article of the rows, in their order. Pure."""
    for article in read_articles(rows):
        if content == "words":
            document = WordsDocument()
            article.write(document)
            yield document.finish()
        else:
            plain = Document()
            article.write(plain)
            yield plain


def read_articles(rows: ArticleRows) -> Iterator[IndexedArticle]:
    """Each article of the rows, in their order. Pure."""
    tags: defaultdict[int, list[int]] = defaultdict(list)
    for article, tag in rows["tags"]:
        tags[read_integer(article)].append(read_integer(tag))
    regions: defaultdict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for article, region, own, within in rows["regions"]:
        regions[read_integer(article)][read_integer(region)] = (read_integer(own), read_integer(within))
    for row in rows["articles"]:
        yield _read_article(row, tags, regions)


def _read_article(
    row: tuple[object, ...],
    tags: defaultdict[int, list[int]],
    regions: defaultdict[int, dict[int, tuple[int, int]]],
) -> IndexedArticle:
    (
        article_id, version, language, title, standfirst, body, slug, origin, external_id, source, published_at,
        updated_at, created_at, dateline_from, dateline_to, precision,
        dateline, derived, status, withdrawn_at, translation_of, copy_of, has,
    ) = cast(  # the columns of the statement "articles", in its order
        tuple[
            int, int, str, str, str | None, str, str, str, str | None, int | None, int | None, int, int, int | None,
            int | None, str, str | None, bool, str, int | None, int | None, int | None, int,
        ],
        row,
    )  # fmt: skip
    facts = ArticleFacts(
        id=article_id,
        status=status,
        language=language,
        origin=origin,
        external_id=external_id,
        slug=slug,
        source=source,
        tags=tuple(tags[article_id]),
        regions=regions[article_id],
        published_at=published_at,
        updated_at=updated_at,
        dateline=(dateline_from, dateline_to),
        translation_of=translation_of,
        has=has,
        created_at=created_at,
        withdrawn_at=withdrawn_at,
        copy_of=copy_of,
        is_coarse=precision != "instant",
    )
    text = index_schema.SearchableText(
        title, standfirst or "", bodies.to_text(body), precision, dateline or "", derived=bool(derived)
    )
    return IndexedArticle(facts, version, text)
