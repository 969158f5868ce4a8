"""From sources to articles: prepares each document, saves in batches, keeps a report.

A broken item never stops the rest; running an import again changes nothing that its source has not changed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import islice
from pathlib import PurePath
from typing import Protocol

from sqlmodel import Session

from app.articles.bulk import records
from app.articles.service import Outcome, Saved
from app.db.actor import act_as, acting_within
from app.db.database import Database
from app.db.log_position import LogHead
from app.importers import batches, enrichment, sources
from app.importers.document import BodyKind, Bookmark, Document, Failure, Identity, Item, ParseContext, Remark
from app.importers.prepare import PreparedItem
from app.importers.web import crawl_state as kept
from app.importers.web.fetch import Fetch
from app.regions import service as regions
from app.tags import lexicon as tags
from app.text import keys

BATCH = 500
MOST_NAMED, MOST_SHOWN = 20, 2
"""Sources that a record names, in its options and for people."""


class Pool(Protocol):
    """Processes that prepare documents beside one another."""

    def prepare(
        self, documents: Sequence[tuple[str, Document]], origin: str | None, *, enrich: bool
    ) -> list[PreparedItem | Failure] | None:
        """As `prepare_documents` does, with regions and tags as they are now; None: it is left to the caller."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import. `origin` names the archive that the items come from where they do not say; `timezone` is that
    of dates without one; `body_kind` what bodies are where the source does not say; `source_dates` gives articles
    without a date that of their feed or file; `identity` what entries of feeds are known by; `overwrite` takes the
    source's side against what was edited here; `base_url` is the address of the site that files were written for; `by`
    is whose import it is."""

    format: str | None = None
    origin: str | None = None
    timezone: tzinfo | None = None
    body_kind: BodyKind | None = None
    dry_run: bool = False
    enrich: bool = True
    site_url: str = ""
    source_dates: bool = False
    identity: Identity | None = None
    overwrite: bool = False
    base_url: str | None = None
    by: str | None = None


@dataclass(slots=True)
class ImportReport:
    """What became of the items. `failures` are (where, reason), `notes` the places that each note is about; `unknown`
    counts fields without a place, which are kept in `extra`; `met` is where each item was met first, and its article;
    `record` is the number of the import's record; `copies` are (where, article, the earlier one that it says nearly the
    same as)."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    unknown_regions: Counter[str] = field(default_factory=Counter)
    head: LogHead | None = None
    met: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    copies: list[tuple[str, int, int]] = field(default_factory=list)
    record: int | None = None

    def count(self, outcome: Outcome) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)

    @property
    def done(self) -> int:
        return self.created + self.updated + self.unchanged + len(self.failures)


def open_items(
    source: sources.SourceInput, options: ImportOptions, web: sources.WebAccess | None, now: int
) -> Iterator[Item]:
    """Parses one source as the options say; `now` is the time of the archive, which embargoes are measured by."""
    origin = options.origin or PurePath(source.path).name
    context = ParseContext(
        origin, options.timezone or ParseContext().timezone, options.body_kind, base_url=options.base_url,
        source_dates=options.source_dates, now=now, identity=options.identity,
    )  # fmt: skip
    return sources.read_items(source, options.format, context, web)


def run_import(
    db: Database,
    import_sources: Iterable[sources.SourceInput],
    options: ImportOptions,
    now: Callable[[], int],
    progress: Callable[[ImportReport], None] = lambda _: None,
    fetch: Fetch | None = None,
    pool: Pool | None = None,
) -> ImportReport:
    """Imports everything, one transaction for each batch; `progress` is called after each. Without `fetch` addresses
    on the web are not read, without `pool` this process does all of the work."""
    import_sources = list(import_sources)
    report = ImportReport()
    if not options.dry_run:
        report.record = db.write_now(_begin, import_sources, options).value
    with act_as(acting_within(origin=options.origin)):
        try:
            _run(db, import_sources, options, now, progress, fetch, report, pool)
        except BaseException:
            with suppress(Exception):  # why it broke off says more than that this could not be noted
                _end(db, report, records.BROKEN_OFF)
            raise
        _end(db, report, None)
    return report


def _begin(session: Session, import_sources: Sequence[sources.SourceInput], options: ImportOptions) -> int:
    names = ("format", "origin", "body_kind", "source_dates", "identity", "overwrite", "base_url")
    option_values: dict[str, object] = {name: getattr(options, name) for name in names}
    option_values |= {"timezone": str(options.timezone) if options.timezone else None, "enrich": options.enrich}
    source_names = list(dict.fromkeys(source.name for source in import_sources))
    source_text = ", ".join(source_names[:MOST_SHOWN]) + (
        f" and {len(source_names) - MOST_SHOWN} more" if len(source_names) > MOST_SHOWN else ""
    )
    arguments = {name: value for name, value in option_values.items() if value} | {"sources": source_names[:MOST_NAMED]}
    return records.begin(session, records.COMMAND, keys.clean(source_text), arguments, options.by)


def _end(db: Database, report: ImportReport, error: str | None) -> None:
    if report.record is not None:
        counts = {name: getattr(report, name) for name in ("created", "updated", "unchanged")}
        progress = {**counts, "failed": len(report.failures), "read": report.done}
        db.write_now(records.end, report.record, progress, error)


def _run(
    db: Database,
    import_sources: Sequence[sources.SourceInput],
    options: ImportOptions,
    now: Callable[[], int],
    progress: Callable[[ImportReport], None],
    fetch: Fetch | None,
    report: ImportReport,
    pool: Pool | None,
) -> None:
    # To take the source's side everywhere, pages that have not changed since the last import are read again too.
    web = sources.WebAccess(fetch, lambda url: {} if options.overwrite else _load_state(db, url)) if fetch else None
    began = now()
    stream = ((source, item) for source in import_sources for item in open_items(source, options, web, began))
    lost: set[str] = set()  # sources whose readers take something for read that failed later
    # Saved batch by batch as it is read: what came before a source that breaks off is in the archive.
    while batch := list(islice(stream, BATCH)):
        documents: list[tuple[sources.SourceInput, Document]] = []
        bookmarks: dict[str, Bookmark] = {}
        for source, item in batch:
            if isinstance(item, Failure):
                report.failures.append((item.where, item.reason))
            elif isinstance(item, Remark):
                report.notes.setdefault(item.text, []).append(item.where)
            elif isinstance(item, Bookmark):
                bookmarks[item.url] = item
            else:
                documents.append((source, item))
        if documents:
            before = len(report.failures)
            _save(db, documents, options, report, pool)
            failed = {where for where, _ in report.failures[before:]}
            lost |= {source.name for source, document in documents if document.where in failed}
        # After the batch is saved: a bookmark says that everything before it needs no second reading.
        for bookmark in bookmarks.values() if not options.dry_run else ():
            if bookmark.url not in lost:
                db.write_now(kept.save_state, bookmark, now(), report.record)
        progress(report)


def _load_state(db: Database, url: str) -> Mapping[str, object]:
    with db.snapshot() as snapshot:
        return kept.load_state(snapshot.connection, url)


def _save(
    db: Database,
    documents: list[tuple[sources.SourceInput, Document]],
    options: ImportOptions,
    report: ImportReport,
    pool: Pool | None,
) -> None:
    paths = [(source.path, document) for source, document in documents]
    items = prepare_all(db, paths, options.origin, enrich=options.enrich, pool=pool)
    report.failures += [(one.where, one.reason) for one in items if isinstance(one, Failure)]
    prepared = [one for one in items if isinstance(one, PreparedItem)]
    if options.dry_run:
        with db.snapshot() as snapshot:
            outcomes = batches.preview_batch(snapshot.connection, prepared, overwrite=options.overwrite)
    else:
        written = db.write_now(
            batches.save_batch, prepared, site_url=options.site_url, overwrite=options.overwrite, record=report.record
        )
        outcomes, report.head = written.value, written.head
    for one, outcome in zip(prepared, outcomes, strict=True):
        _report_outcome(report, one, outcome)


def prepare_all(
    db: Database,
    documents: Sequence[tuple[str, Document]],
    origin: str | None,
    *,
    enrich: bool,
    sees_hidden: bool = True,
    pool: Pool | None = None,
) -> list[PreparedItem | Failure]:
    """What is to be saved of each document, with its path, in their order. Outside of any transaction, so that the lock
    on writing is held for SQL only."""
    items = pool.prepare(documents, origin, enrich=enrich) if pool is not None else None
    if items is None:
        with db.snapshot() as snapshot:
            atlas = regions.atlas(snapshot.connection)
            lexicon = tags.current(snapshot) if enrich else None
        items = enrichment.prepare_documents(documents, origin, atlas, lexicon)
    return batches.refuse_mismatches(db, items, sees_hidden=sees_hidden)


def _report_outcome(report: ImportReport, one: PreparedItem, saved: Saved | str) -> None:
    if isinstance(saved, str):
        report.failures.append((one.where, saved))
        return
    if saved.copy:
        report.copies.append((one.where, saved.id, saved.copy.of))
        report.notes.setdefault(enrichment.COPY, []).append(one.where)
    outcome = saved.outcome
    identity = (one.manuscript.origin, one.manuscript.identity or one.where)
    before, id = report.met.setdefault(identity, (one.where, saved.id))
    if id != saved.id:  # what was known by it meanwhile came in another format, or is known by a number now
        report.met[identity] = one.where, saved.id
    elif before != one.where:
        report.notes.setdefault(f"the same article as {before}: the later one counts", []).append(one.where)
        outcome = "updated" if outcome == "created" else outcome
    report.count(outcome)
    for note in batches.collect_notes(one, saved):
        report.notes.setdefault(note, []).append(one.where)
    report.unknown.update(one.unknown_fields)
    report.unknown_regions.update(one.unknown_regions)
