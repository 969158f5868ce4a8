"""The archive that `make run` makes where there is none: the sample articles, with whatever an import finds in them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from app.changes import log
from app.db.database import Database
from app.importers import pipeline, sources
from app.settings import Settings

SEED = Path(__file__).resolve().parent.parent.parent.parent / "seed_data"


def import_samples(settings: Settings) -> None:
    """Into an archive that is empty."""
    database = Database(settings, log.append)
    seed = sources.find_sources([str(SEED)], BytesIO())
    report = pipeline.run_import(database, seed, pipeline.ImportOptions(enrich=settings.enrich), database.read_time)
    database.close_now()
    assert report.created == 40
