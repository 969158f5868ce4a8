"""An archive of NDJSON files, imported and indexed as by the commands, and a client that asks it in this process.

It lies in a temporary folder, or in one that is kept: then it is imported once, and its index is built anew when the
code that makes indexes has changed.
"""

import hashlib
import io
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from app.changes.follower import catch_up
from app.commands import open_archive
from app.importers import pipeline, sources
from app.importers.pipeline import ImportOptions
from app.main import create_app
from app.search.indexing.indexer import Indexer
from app.search.tantivy.storage import index_folders
from app.settings import Settings

Story = dict[str, object]
PROJECT = Path(__file__).parent.parent
INDEXING = ("app/search/indexing", "app/search/tantivy/index_schema.py", "app/search/query/analysis.py", "app/text")
"""What an index is made with; the fingerprint of its schema says nothing of the order of fields in a document."""
SCHEMA = ("migrations",)


@asynccontextmanager
async def open_client(*files: Path, keep: Path | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a key, of an archive that lies in a folder of its own under `keep`, or in a temporary one."""
    with _choose_folder(files, keep) as folder:
        settings = Settings(data_dir=folder)
        _import_files(files, settings)
        _index_articles(settings)
        app = create_app(settings, follow=False)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as client:
            yield client
        await app.state.archive.db.close()


def read_lines(file: Path) -> list[Story]:
    """The JSON objects of an NDJSON file."""
    with file.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def read_stories(file: Path) -> list[Story]:
    """Those that an import makes articles of."""
    return [story for story in read_lines(file) if story.get("title") or story.get("body")]


def compute_digest(paths: Sequence[Path]) -> str:
    """Of these files and of all Python modules in these folders."""
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


@contextmanager
def _choose_folder(files: Sequence[Path], keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)
    else:
        # Another text or another schema of the database has another folder: nothing is migrated or imported over.
        digest = compute_digest([*files, *(PROJECT / part for part in SCHEMA)])
        yield keep / f"{files[0].parent.name}-{files[0].stem}-{digest}"


def _import_files(files: Sequence[Path], settings: Settings) -> None:
    done = settings.data_dir / "imported"
    if done.exists():
        return
    if settings.data_dir.exists() and any(settings.data_dir.iterdir()):
        shutil.rmtree(settings.data_dir)  # an import that was broken off
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    db = open_archive.open_archive(settings)
    options = ImportOptions(body_kind="markdown" if "digitalgov" in files[0].name else None)
    items = sources.find_sources([str(file) for file in files], io.BytesIO())
    report = pipeline.run_import(db, items, options, lambda: int(time.time()))
    db.close_now()
    print(f"{files[0].parent.name}/{files[0].name}: {report.created} articles, {len(report.failures)} failed")
    done.touch()


def _index_articles(settings: Settings) -> None:
    """Brings the index to the head of the log; anew where it was made by other code."""
    made_by, digest = settings.data_dir / "indexed", compute_digest([PROJECT / part for part in INDEXING])
    db, indexer = open_archive.open_archive(settings), Indexer(settings.index_path)
    if made_by.exists() and made_by.read_text() != digest:
        index_folders.request_rebuild(settings.index_path)
    try:
        if not indexer.acquire():
            raise SystemExit(f"Another process writes the index in {settings.index_path}.")
        catch_up(db, indexer)
    finally:
        indexer.close()
        db.close_now()
    made_by.write_text(digest)
