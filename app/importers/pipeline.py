"""From files to articles: finds the files, picks the parser, prepares each document, saves in batches, keeps a report.

A broken item never stops the rest; running an import again changes nothing that its source has not changed.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from sqlalchemy.exc import DBAPIError

from app.articles import service
from app.articles.service import Outcome
from app.db import Database
from app.head import Head
from app.importers import detect, formats
from app.importers.detect import Format
from app.importers.document import BodyKind, Context, Document, Failure, Item
from app.importers.enriching import Copies, enriched
from app.importers.prepare import Prepared, prepare
from app.regions import service as regions

BATCH = 500
SUFFIXES = (".txt", ".text", ".md", ".markdown", ".ndjson", ".jsonl", ".json")


@dataclass(frozen=True, slots=True)
class Options:
    """How to import. `origin` names the archive that the items come from where they do not say; `timezone` is that
    of dates without one; `body_kind` what bodies are where the source does not say."""

    format: Format | None = None
    origin: str | None = None
    timezone: tzinfo | None = None
    body_kind: BodyKind | None = None
    dry_run: bool = False
    enrich: bool = True
    site_url: str = ""


@dataclass(slots=True)
class Report:
    """What became of the items. `failures` are (where, reason), `notes` the places that each note is about; `unknown`
    counts fields without a place, which are kept in `extra`; `met` is where each article was
    met first."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    unknown_regions: Counter[str] = field(default_factory=Counter)
    head: Head | None = None
    met: dict[tuple[str, str], str] = field(default_factory=dict)
    copies: Copies = field(default_factory=Copies)

    def count(self, outcome: Outcome) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)

    @property
    def done(self) -> int:
        return self.created + self.updated + self.unchanged + len(self.failures)


class SourceNotFound(Exception):
    """A path that was named is not there, or a folder has nothing to import."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file: `name` for people, `path` within what was named (its identity), and a way to open it."""

    name: str
    path: str
    open: Callable[[], BinaryIO]


def sources(paths: Iterable[str], stdin: BinaryIO) -> list[Source]:
    """The files that the paths name, folders searched through, in a stable order; `-` is standard input."""
    found: list[Source] = []
    for given in paths:
        if given == "-":
            data = stdin.read()
            found.append(Source("standard input", "-", lambda data=data: io.BytesIO(data)))  # type: ignore[misc] # bound now
            continue
        path = Path(given)
        if path.is_dir():
            inside = sorted(
                p for p in path.rglob("*") if p.is_file() and p.suffix.lower() in SUFFIXES and not _hidden(p, path)
            )
            if not inside:
                raise SourceNotFound(f"{given}: nothing to import in this folder ({', '.join(SUFFIXES)}).")
            found += (_source(p, p.relative_to(path).as_posix()) for p in inside)
        elif path.is_file():
            found.append(_source(path, path.name))
        else:
            raise SourceNotFound(f"{given}: no such file or folder.")
    return found


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _source(path: Path, inside: str) -> Source:
    return Source(str(path), inside, lambda: path.open("rb"))


def items(source: Source, options: Options) -> Iterator[Item]:
    """Parses one file. A file that cannot be read is one Failure."""
    origin = options.origin or Path(source.path).name
    context = Context(origin, options.timezone or Context().timezone, options.body_kind)
    try:
        with source.open() as stream:
            head = stream.read(65_536)
            kind = options.format or detect.detect(source.path, head)
            stream.seek(0)
            yield from formats.PARSERS[kind](stream, source.name, context)
    except OSError as error:
        yield Failure(source.name, f"cannot be read: {error.strerror}")


def run(
    db: Database,
    found: Iterable[Source],
    options: Options,
    now: Callable[[], int],
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Imports everything, one transaction for each batch; `progress` is called after each."""
    report = Report()
    stream = ((source, item) for source in found for item in items(source, options))
    while batch := list(islice(stream, BATCH)):
        documents: list[tuple[Source, Document]] = []
        for source, item in batch:
            if isinstance(item, Failure):
                report.failures.append((item.where, item.reason))
            else:
                documents.append((source, item))
        if documents:
            _save(db, documents, options, now(), report)
        progress(report)
    return report


def _save(db: Database, documents: list[tuple[Source, Document]], options: Options, now: int, report: Report) -> None:
    """Prepares outside the transaction: the lock on writing is held for SQL only."""
    with db.snapshot() as snapshot:
        atlas = regions.atlas(snapshot.connection)
    ready: list[Prepared] = []
    for source, document in documents:
        try:
            one = prepare(document, source.path, options.origin, atlas)
            ready.append(enriched(one, document, atlas) if options.enrich else one)
        except (ValueError, OverflowError, RecursionError) as error:
            report.failures.append((document.where, f"could not be read: {error}"))
    if not ready:
        return
    with db.snapshot() as snapshot:
        strange = service.strangers(snapshot.connection, [one.manuscript for one in ready])
        ready = [one for one in ready if not _refused(one, strange, report)]
        manuscripts = [one.manuscript for one in ready]
        would_be = service.would_be(snapshot.connection, manuscripts) if options.dry_run else None
    if would_be is None:
        ready, would_be = _write(db, ready, options, now, report)
    for one, outcome in zip(ready, would_be, strict=True):
        _tell(report, one, outcome)


def _write(
    db: Database, ready: list[Prepared], options: Options, now: int, report: Report
) -> tuple[list[Prepared], list[Outcome]]:
    """One transaction for all; where the database refuses it, one for each, so that only what it refuses fails."""
    try:
        written = db.write_now(service.upsert, [one.manuscript for one in ready], now=now, site_url=options.site_url)
    except (DBAPIError, ValueError, OverflowError) as error:
        if len(ready) == 1:
            report.failures.append((ready[0].where, f"the database refuses it: {str(error).splitlines()[0]}"))
            return [], []
        each = [_write(db, [one], options, now, report) for one in ready]
        return [one for saved, _ in each for one in saved], [outcome for _, outcomes in each for outcome in outcomes]
    report.head = written.head
    if options.enrich:
        for where, note in report.copies.found(db, ready, written.value):
            report.notes.setdefault(note, []).append(where)
    return ready, [one.outcome for one in written.value]


def _refused(one: Prepared, strange: Mapping[tuple[str, str], str], report: Report) -> bool:
    """Whether a file would overwrite an article that has nothing in common with it but the file's name."""
    title = strange.get((one.manuscript.origin, one.manuscript.identity or ""))
    if title is None:
        return False
    reason = f"another article came from a file of this name ({title!r}); give this one an origin of its own: --origin"
    report.failures.append((one.where, reason))
    return True


def _tell(report: Report, one: Prepared, outcome: Outcome) -> None:
    identity = (one.manuscript.origin, one.manuscript.identity or one.where)
    before = report.met.setdefault(identity, one.where)
    if before != one.where:
        report.notes.setdefault(f"the same article as {before}: the later one counts", []).append(one.where)
        outcome = "updated" if outcome == "created" else outcome
    report.count(outcome)
    for note in one.notes:
        report.notes.setdefault(note, []).append(one.where)
    report.unknown.update(one.unknown_fields)
    report.unknown_regions.update(one.unknown_regions)
