"""The chunks of the jobs that this package has, by kind."""

from collections.abc import Mapping

from app.bulk import editing, undo
from app.bulk.records import BULK
from app.changes.jobs import Work

WORKS: Mapping[str, Work] = {undo.KIND: undo.advance, BULK: editing.advance}
