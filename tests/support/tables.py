"""Looks for words in every table of an archive."""

from collections.abc import Iterator

from sqlalchemy import inspect

from app.db.database import Database


def tables_with(db: Database, word: str) -> Iterator[str]:
    """Tables and columns where the word stands, whatever its case."""
    with db.snapshot() as snapshot:
        for name in inspect(snapshot.connection).get_table_names():
            for row in snapshot.connection.exec_driver_sql(f'SELECT * FROM "{name}"').mappings():
                for column, value in row.items():
                    text = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    if word.encode() in text.lower():
                        yield f"{name}.{column}"
