"""Which properties of articles people have edited here, told from who saved each version. Reads only.

A property is an editor's while the last version that changed it was saved by somebody; what an import or the schedule
saved is nobody's decision. An undo that puts an older version back gives each property back to whoever's it was then.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import ColumnElement, Connection, and_, select

from app.articles.store import revision_texts, stored_article
from app.articles.store.field_hashes import FIELDS
from app.articles.store.revision_texts import COLUMNS, JOINED
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


@dataclass(frozen=True, slots=True)
class PrunedHistory:
    """What holds with a version by all that came before it: the fields that are editors', whether somebody has saved
    any, and the languages that people and imports have saved. Kept with a version whose predecessor is not."""

    edited: frozenset[str] = frozenset()
    by_person: bool = False
    languages: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str) -> "PrunedHistory":
        said = orjson.loads(text)
        return cls(frozenset(said["edited"]), said["by_person"], frozenset(said["languages"]))

    def write(self) -> str:
        """JSON."""
        said = {"edited": sorted(self.edited), "by_person": self.by_person, "languages": sorted(self.languages)}
        return orjson.dumps(said).decode()


Version = tuple[StoredArticle, str | None, PrunedHistory | None]


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
        kept = select(REVISION.c.article_id, REVISION.c.pruned).where(
            REVISION.c.article_id.in_(some), REVISION.c.pruned.is_not(None)
        )
        edited_ids |= {id for id, pruned in connection.execute(kept) if PrunedHistory.read(pruned).by_person}
    return edited_ids


def find_edited_fields(connection: Connection, current: Sequence[StoredArticle]) -> dict[int, frozenset[str]]:
    """The fields (of `field_hashes.FIELDS`) that are editors', by article."""
    known = find_edited(connection, [one.existing_row.id for one in current])
    return {
        one.existing_row.id: _find_current_history(connection, one).edited
        if one.existing_row.id in known
        else frozenset()
        for one in current
    }


def _find_current_history(connection: Connection, current: StoredArticle) -> PrunedHistory:
    [(_, history)] = deque(_follow(_versions(connection, current)), maxlen=1)
    return history


def _follow(versions: Iterable[Version]) -> Iterator[tuple[int, PrunedHistory]]:
    """Each version by its number, the oldest first, with what holds with it."""
    known: dict[int, frozenset[str]] = {}
    before: StoredArticle | None = None
    by_person, languages = False, frozenset[str]()
    fields = frozenset[str]()
    for after, by, pruned in versions:
        by_person |= by is not None and not is_machine(by)
        languages |= frozenset() if by == ENRICH else {after.columns["language"]}
        if pruned is not None:
            fields, by_person, languages = pruned.edited, pruned.by_person, pruned.languages
        elif before is None:
            fields = frozenset() if is_machine(by) or by is None else frozenset(FIELDS)
        else:
            names = stored_article.compare(before, after)
            changed = {field for name in names for field in _FIELDS_OF.get(name, (name,))}
            fields = fields - changed if is_machine(by) else fields | changed
            if by is not None and (restored := find_restored(by)) is not None:
                fields = known.get(restored, fields)
        number = after.columns["version"]
        known[number] = fields
        before = after
        yield number, PrunedHistory(fields, by_person, languages)


def find_histories(connection: Connection, current: StoredArticle) -> dict[int, PrunedHistory]:
    """What holds with each kept version of an article, and with the current one, by their numbers."""
    return dict(_follow(_versions(connection, current)))


def find_restored(by: str | None) -> int | None:
    """The version that an undo has put back, by who saved that; None of any other."""
    restored = None if by is None else _RESTORED.fullmatch(by)
    return None if restored is None else int(restored[1])


def find_languages(connection: Connection, current: StoredArticle) -> frozenset[str]:
    """Every language that the article has had by what people and imports saved."""
    return _find_current_history(connection, current).languages


def _versions(connection: Connection, current: StoredArticle) -> Iterator[Version]:
    """All that are kept, the oldest first, and the current one; a few at a time, for each holds a whole text."""
    id, last = current.existing_row.id, 0
    columns = (REVISION.c.version, REVISION.c.saved_by, REVISION.c.pruned, *COLUMNS)
    older = select(*columns).select_from(JOINED).where(REVISION.c.article_id == id)
    older = older.order_by(REVISION.c.version).limit(AT_ONCE)
    while rows := connection.execute(older.where(REVISION.c.version > last)).all():
        for last, by, pruned, *text in rows:
            history = None if pruned is None else PrunedHistory.read(pruned)
            yield stored_article.from_document(revision_texts.read_text(*text), id, last), by, history
    yield current, current.columns["saved_by"], None
