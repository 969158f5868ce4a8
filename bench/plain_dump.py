"""All rows of all tables of an archive, read without Dateline: by sqlite3 or psycopg alone, in one snapshot.

    python bench/plain_dump.py ADDRESS                a line for each table: rows, and a hash of all of them
    python bench/plain_dump.py ADDRESS OTHER          the tables in which two differ; exit status 1 if there are any

Hashes are of the rows as JSON in the order of their texts, columns by name, so that they are the same wherever the
archive lies. Left out is what differs between an archive and its copy: epochs, what servers note of themselves, and the
version of the schema.
"""

import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

LEFT_OUT = ("alembic_version", "index_position", "lease")

Hashes = dict[str, tuple[int, str]]


def read_hashes(address: str) -> Hashes:
    """By table how many rows it has, and their hash."""
    return _read_postgres(address) if address.startswith("postgres") else _read_sqlite(address)


def _read_sqlite(address: str) -> Hashes:
    file = Path(address.removeprefix("sqlite:///")).absolute()
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("BEGIN")
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        hashes = {}
        for name in sorted(name for name in names if name not in LEFT_OUT and not name.startswith("sqlite_")):
            columns = connection.execute(f'PRAGMA table_info("{name}")').fetchall()
            flags = {column[1] for column in columns if column[2] == "BOOLEAN"}
            cursor = connection.execute(f'SELECT * FROM "{name}"')
            hashes[name] = _hash_rows([one[0] for one in cursor.description], flags, cursor)
        return hashes
    finally:
        connection.close()


def _read_postgres(address: str) -> Hashes:
    import psycopg

    with psycopg.connect(address) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        hashes = {}
        for name in sorted(name for (name,) in names if name not in LEFT_OUT):
            with connection.cursor(name="rows") as cursor:
                cursor.execute(f'SELECT * FROM "{name}"'.encode())
                assert cursor.description is not None
                hashes[name] = _hash_rows([one.name for one in cursor.description], set(), cursor)
        return hashes


def _hash_rows(columns: Sequence[str], flags: set[str], rows: Iterable[Sequence[object]]) -> tuple[int, str]:
    lines = []
    for row in rows:
        values = {
            name: bool(value) if name in flags and value is not None else _encode(value)
            for name, value in zip(columns, row, strict=True)
            if name != "epoch"
        }
        lines.append(hashlib.sha256(json.dumps(values, sort_keys=True).encode()).digest())
    return len(lines), hashlib.sha256(b"".join(sorted(lines))).hexdigest()


def _encode(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return f"bytes:{bytes(value).hex()}"
    # A text is told from what looks like bytes, and a float keeps its last bit.
    return f"text:{value}" if isinstance(value, str) else value.hex() if isinstance(value, float) else value


def list_differing(hashes: Hashes, others: Hashes) -> list[str]:
    """Tables that are not the same in both, or only in one."""
    return sorted(name for name in hashes.keys() | others.keys() if hashes.get(name) != others.get(name))


def main(addresses: Sequence[str]) -> int:
    dumps = [read_hashes(address) for address in addresses]
    if len(dumps) == 1:
        for name, (count, digest) in dumps[0].items():
            print(f"{count:>10,}  {digest[:16]}  {name}")
        return 0
    differing = list_differing(*dumps)
    print(f"{sum(count for count, _ in dumps[0].values()):,} rows of {len(dumps[0])} tables; differing: {differing}")
    return bool(differing)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    raise SystemExit(main(sys.argv[1:]))
