"""Datasette over an SQLite file of the same articles: canned queries, FTS5 with its Porter stemmer."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from bench.beside.processes import ProcessGroup, run_processes
from bench.beside.questions import LIMIT, LoadQuestion, LoadResult, Row, list_tags, strip_private

NOT_IN_LISTS = ("related",)
"""Columns that only a response of one article has."""


@dataclass(frozen=True, slots=True)
class Datasette:
    """One process with three threads for SQL, as it comes."""

    group: ProcessGroup
    file: Path
    name: str = "Datasette"

    def make_path(self, question: LoadQuestion) -> str:
        shape = {"_shape": "array"}
        if question.article is not None:
            return "/beside/article.json?" + urlencode({"id": question.article, **shape})
        if question.slug is not None:
            return "/beside/slug.json?" + urlencode({"slug": question.slug, **shape})
        if question.words:
            query = "search" if question.bodies else "search_cards"
            return f"/beside/{query}.json?" + urlencode({"q": question.words, **shape})
        if question.tag:
            return "/beside/tag.json?" + urlencode({"tag": question.tag, **shape})
        return "/beside/newest.json?" + urlencode(shape)

    def read_page(self, question: LoadQuestion, content: bytes) -> LoadResult:
        return LoadResult(json.loads(content))

    def count_hits(self, question: LoadQuestion, page: LoadResult) -> int | None:
        """From the file: its responses do not say how many hits there are."""
        with sqlite3.connect(self.file) as connection:
            row = connection.execute("select count(*) from words where words match ?", [question.words]).fetchone()
        connection.close()
        return int(row[0])


def make_queries(columns: Sequence[str]) -> dict[str, dict[str, str]]:
    """By name. Hits are put in order by their numbers alone, and their columns are read after that: as quick as it
    gets."""
    listed = [name for name in columns if name not in NOT_IN_LISTS]
    item, rows, cards = (
        ", ".join(f'a."{name}"' for name in names)
        for names in (columns, listed, [name for name in listed if name != "body"])
    )
    hits = f"(select rowid, rank from words where words match :q order by rank limit {LIMIT}) f"
    order = "order by t.published_at desc, t.article_id desc"
    queries = {
        "article": f"select {item} from articles a where a.id = :id",
        "slug": f"select {item} from articles a where a.slug = :slug",
        "newest": f"select {rows} from articles a order by a.published_at desc, a.id desc limit {LIMIT}",
        "tag": f"select {rows} from article_tag t join articles a on a.id = t.article_id where t.tag = :tag "
        f"{order} limit {LIMIT}",
        "search": f"select {rows} from {hits} join articles a on a.id = f.rowid order by f.rank",
        "search_cards": f"select {cards} from {hits} join articles a on a.id = f.rowid order by f.rank",
    }
    return {name: {"sql": sql} for name, sql in queries.items()}


def write_database(file: Path, articles: Sequence[Row]) -> list[str]:
    """The articles with a column for each of their fields, lists and objects as JSON; returns the columns."""
    shown = [strip_private(row) for row in articles]
    columns = list(shown[0])
    connection = sqlite3.connect(file)
    with connection:
        names = ", ".join(f'"{name}"' + (" integer primary key" if name == "id" else "") for name in columns)
        connection.execute(f"create table articles ({names})")
        connection.execute("create table article_tag (tag, article_id, published_at)")
        connection.execute("create virtual table words using fts5(title, body, content='', tokenize='porter')")
        marks = ", ".join("?" * len(columns))
        connection.executemany(
            f"insert into articles values ({marks})", ([_encode(row[name]) for name in columns] for row in shown)
        )
        connection.executemany(
            "insert into article_tag values (?, ?, ?)",
            ([tag, row["id"], row["published_at"]] for row in articles for tag in list_tags(row)),
        )
        connection.executemany(
            "insert into words (rowid, title, body) values (?, ?, ?)",
            ([row["id"], row["title"], row["body_text"]] for row in articles),
        )
        connection.execute("insert into words (words) values ('optimize')")
        connection.execute("create unique index of_slug on articles (slug)")
        connection.execute("create index newest on articles (published_at desc, id desc)")
        connection.execute("create index of_tag on article_tag (tag, published_at desc, article_id desc)")
    connection.execute("vacuum")
    connection.execute("analyze")
    connection.close()
    return columns


def _encode(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value


@contextmanager
def run_datasette(
    environment: Path, folder: Path, port: int, articles: Sequence[Row], log: Path
) -> Iterator[Datasette]:
    """Serves a file that it writes into the folder."""
    program = environment / "bin" / "datasette"
    if not program.exists():
        raise SystemExit(f"There is no Datasette in {environment}: python -m venv {environment} && "
                         f"{environment}/bin/pip install datasette")  # fmt: skip
    file, metadata = folder / "beside.db", folder / "metadata.json"
    columns = write_database(file, articles)
    metadata.write_text(json.dumps({"databases": {"beside": {"queries": make_queries(columns)}}}))
    command = [str(program), "serve", "-i", str(file), "--metadata", str(metadata), "--port", str(port)]
    command += ["--setting", "default_cache_ttl", "0", "--setting", "sql_time_limit_ms", "60000"]
    with run_processes(command, port, {}, folder, log) as group:
        yield Datasette(group, file)
