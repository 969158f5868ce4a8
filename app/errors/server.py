"""What a server cannot do now: faults of its own, and requests that come too fast or are too large for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.errors.shapes import DatelineError, FieldError, TryAgain, Unavailable


class RateLimited(DatelineError):
    """Too many requests from this client, or more stored responses than one API key may have for its
    `Idempotency-Key`s. `Retry-After` says in how many seconds to come back, `RateLimit` how much is left."""

    code, status, title = "rate_limited", 429, "Too many requests"

    def __init__(
        self,
        retry_after: int,
        headers: Mapping[str, str] | None = None,
        detail: str = "",
        errors: Iterable[FieldError] = (),
    ) -> None:
        wait = {"Retry-After": str(retry_after), **(headers or {})}
        super().__init__(detail or f"Try again in {retry_after} s.", errors=errors, headers=wait)


class HeadTooLarge(DatelineError):
    """The request line and the headers have more than 64 KiB or more than 128 fields together. The connection is
    closed. Send fewer or shorter headers, or a shorter address."""

    code, status, title = "head_too_large", 431, "The head of the request is too large"


class InternalError(DatelineError):
    """Something broke on the server. Nothing was changed, unless `detail` says that this is unknown. The server's
    log has the cause under the `request_id`."""

    code, status, title = "internal_error", 500, "The server failed"


class IndexBehind(TryAgain):
    """The search index has not yet got to the place in the change log that `min_seq` asks for, is being built for the
    first time, when `progress` says how many of the articles are `indexed`, or is in a search cluster that does not
    respond. Try again after `Retry-After`."""

    code, status, title = "index_behind", 503, "The index is behind"

    def __init__(self, detail: str = "", retry_after: int = 1, progress: Mapping[str, int] | None = None) -> None:
        super().__init__(detail, retry_after, {"progress": progress} if progress is not None else None)


class Overloaded(TryAgain):
    """The server has as much to do as it can do at once, or as many connections or streams as it may have. It would
    sooner say so than keep everybody waiting: try again after `Retry-After`. Nothing was changed."""

    code, status, title = "overloaded", 503, "The server is busy"


class ReadOnly(Unavailable):
    """The archive can only be read now, and `detail` says why: by a setting, or because its database cannot be written.
    Nothing was changed. Reads go on; try again after `Retry-After`."""

    code, status, title = "read_only", 503, "The archive can only be read"


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached, or did not respond in time. A change may or may not have been saved: repeat it
    with the same `Idempotency-Key` or `If-Match`, which makes repeating safe."""

    code, status, title = "database_unavailable", 503, "The database is unavailable"
