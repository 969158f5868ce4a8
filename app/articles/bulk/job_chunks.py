"""The chunks of the jobs that this package has, by kind."""

from collections.abc import Mapping

from app.articles.bulk import edit_job, undo_job
from app.articles.bulk.records import BULK
from app.changes.jobs import Work

WORKS: Mapping[str, Work] = {undo_job.KIND: undo_job.advance, BULK: edit_job.advance}
