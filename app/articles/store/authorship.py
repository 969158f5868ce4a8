"""Which properties of articles people have edited here, told from who saved each version. Reads only.

A property is an editor's while the last version that changed it was saved by somebody; what an import or the schedule
saved is nobody's decision. An undo that puts an older version back gives each property back to whoever's it was then.
"""

import re
from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, select

from app.articles.store import stored_article
from app.articles.store.field_hashes import FIELDS
from app.articles.store.stored_article import StoredArticle
from app.models import Article, Revision, table

A, REVISION = table(Article), table(Revision)

IMPORT = "import"
SCHEDULE = "schedule"
UNDO = "undo"
"""Who saved the version that an undo withdrew or binned, and that nobody has touched since."""
ENRICH = "dateline enrich"
"""Who saved a version in which only what was recognised in the text differs."""
MACHINES = (IMPORT, SCHEDULE, UNDO, ENRICH)
AT_ONCE = 50
_FIELDS_OF = {
    "published_precision": ("published_at",),
    "translation_of": ("original",),
    "tags": ("tags", "sections"),  # which kind of tag it was, no version tells
}

Version = tuple[StoredArticle, str | None]


_UNDO_OF = f"{UNDO} (version "
_RESTORED = re.compile(r"undo \(version ([0-9]{1,9})\)")


def sign(name: str | None) -> str | None:
    """Who a version was saved by, as it is kept: a key that is called like a machine is no machine, nor is one whose
    name LIKE takes for that of an undo, on SQLite whatever its capitals."""
    alike = name is not None and (is_machine(name) or name.lower().startswith(_UNDO_OF))
    return f"key {name}" if alike else name


def sign_restored(version: int) -> str:
    """Who saves a version in which an undo puts an older one back."""
    return f"{UNDO} (version {version})"


def is_machine(name: str | None) -> bool:
    """Whether what this one saved is nobody's decision."""
    return name in MACHINES or (name is not None and _RESTORED.fullmatch(name) is not None)


def is_persons(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a version was saved by somebody, in SQL; of those whose name nobody knows it is not true."""
    return and_(column.not_in(MACHINES), column.not_like(f"{_UNDO_OF}%)"))


def find_edited(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Articles of which any version was saved by somebody."""
    edited_ids: set[int] = set()
    for i in range(0, len(ids), 500):
        some = ids[i : i + 500]
        for of, by in ((A.c.id, A.c.saved_by), (REVISION.c.article_id, REVISION.c.saved_by)):
            rows = connection.execute(select(of).where(of.in_(some), is_persons(by)))
            edited_ids |= set(rows.scalars())
    return edited_ids


def find_edited_fields(connection: Connection, current: Sequence[StoredArticle]) -> dict[int, frozenset[str]]:
    """The fields (of `field_hashes.FIELDS`) that are editors', by article."""
    known = find_edited(connection, [one.existing_row.id for one in current])
    return {
        one.existing_row.id: _collect_edited_fields(_versions(connection, one))
        if one.existing_row.id in known
        else frozenset()
        for one in current
    }


def _collect_edited_fields(versions: Iterator[Version]) -> frozenset[str]:
    before, by = next(versions)
    fields = set() if is_machine(by) or by is None else set(FIELDS)
    known = {before.columns["version"]: frozenset(fields)}
    for after, by in versions:
        changed = {field for name in stored_article.compare(before, after) for field in _FIELDS_OF.get(name, (name,))}
        fields = fields - changed if is_machine(by) else fields | changed
        if by is not None and (restored := _RESTORED.fullmatch(by)):
            fields = set(known.get(int(restored[1]), fields))
        known[after.columns["version"]] = frozenset(fields)
        before = after
    return frozenset(fields)


def find_languages(connection: Connection, current: StoredArticle) -> set[str]:
    """Every language that the article has had by what people and imports saved."""
    return {version.columns["language"] for version, by in _versions(connection, current) if by != ENRICH}


def _versions(connection: Connection, current: StoredArticle) -> Iterator[Version]:
    """All that are kept, the oldest first, and the current one; a few at a time, for each holds a whole text."""
    id, last = current.existing_row.id, 0
    columns = (REVISION.c.version, REVISION.c.saved_by, REVISION.c.document)
    older = select(*columns).where(REVISION.c.article_id == id).order_by(REVISION.c.version).limit(AT_ONCE)
    while rows := connection.execute(older.where(REVISION.c.version > last)).all():
        for last, by, document in rows:
            yield stored_article.from_document(document, id, last), by
    yield current, current.columns["saved_by"]
