"""What a round of pruning would remove, by the settings as they are. Reads only."""

from dataclasses import dataclass

from app.audit import old_rows
from app.audit.pruning import file_space, log_end, log_rows, versions
from app.changes import log
from app.db import audit_rows
from app.db.database import Database
from app.models import WebhookAttempt, table
from app.settings import Settings

AUDIT_BYTES, ATTEMPT_BYTES, RESULT_BYTES = 250, 200, 100


@dataclass(frozen=True, slots=True)
class Amount:
    """Rows, and about how many bytes they take now."""

    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class PruneForecast:
    """As `PruneReport` says it afterwards. `compressed` are versions that stay, in a part of these bytes."""

    log: Amount
    pruned_seq: int
    held_by: tuple[str, ...]
    versions: Amount
    compressed: Amount
    audit: Amount
    webhook_attempts: Amount
    import_results: Amount
    free_bytes: int


def make_forecast(db: Database, settings: Settings) -> PruneForecast:
    """As of one snapshot."""
    with db.snapshot() as snapshot:
        connection = snapshot.connection
        end, head = log_end.find_end(snapshot, settings), log.head(snapshot)
        pruned_seq, held_by = (head.pruned_seq, ()) if end is None else (end.seq, end.held_by)
        rows = Amount(*log_rows.measure(connection, pruned_seq, log_rows.find_named(connection, pruned_seq)))
        old, packed = versions.measure(connection, settings.revisions_kept, settings.revision_days)
        audit = old_rows.count_older(snapshot, audit_rows.AUDIT, settings.audit_days) if settings.audit_days else 0
        attempts = old_rows.count_older(snapshot, table(WebhookAttempt), settings.webhook_attempt_days)
        results = old_rows.count_results(snapshot, settings.import_result_days)
        return PruneForecast(
            rows,
            pruned_seq,
            held_by,
            Amount(*old),
            Amount(*packed),
            Amount(audit, audit * AUDIT_BYTES),
            Amount(attempts, attempts * ATTEMPT_BYTES),
            Amount(results, results * RESULT_BYTES),
            file_space.read_free(snapshot),
        )
