"""Every way in which Dateline says no: a closed tree, one class per code that clients may branch on.

    DatelineError ── one class per 4xx/5xx code; its docstring is the public documentation of the code
    └── InvalidInput (422) ── carries several FieldErrors; has the code of the first

Raised by any layer; knows nothing of frameworks, requests or rendering.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import cleandoc

from app.errors.server import DatabaseUnavailable as DatabaseUnavailable
from app.errors.server import HeadTooLarge as HeadTooLarge
from app.errors.server import IndexBehind as IndexBehind
from app.errors.server import InternalError as InternalError
from app.errors.server import Overloaded as Overloaded
from app.errors.server import RateLimited as RateLimited
from app.errors.server import ReadOnly as ReadOnly
from app.errors.shapes import MEMBERS as MEMBERS
from app.errors.shapes import DatelineError as DatelineError
from app.errors.shapes import FieldError as FieldError
from app.errors.shapes import OtherFormat, TryAgain, ValueTaken, WrongCursor
from app.errors.shapes import ProblemCode as ProblemCode
from app.errors.shapes import Unavailable as Unavailable


class CursorInvalid(WrongCursor):
    """The `cursor` was not made by this server, or was cut off or altered on its way. Take `page.next` or
    `page.previous` from a response as it stands, or start again without a cursor."""

    code, status, title = "cursor_invalid", 400, "The cursor cannot be read"


class CursorMismatch(WrongCursor):
    """The `cursor` belongs to a list with other filters, another `q` or another `sort`. Only `limit`, `fields`,
    `include`, `highlight` and `count` may change from page to page."""

    code, status, title = "cursor_mismatch", 400, "The cursor belongs to another list"


class MalformedJson(DatelineError):
    """The body is not JSON in UTF-8, or not of the kind expected here (usually an object). `detail` says where
    reading stopped."""

    code, status, title = "malformed_json", 400, "The body is not valid JSON"


class MalformedRequest(DatelineError):
    """What came is no HTTP/1.1 request, its address is not percent-encoded, its header `Host` is missing, invalid or
    there twice, its trailers and the extensions of its chunks are larger than 64 KiB or have more than 128 fields, or
    dozens of requests were sent without waiting for a response. The connection is closed. Look at what the client
    library really sends."""

    code, status, title = "malformed_request", 400, "The request cannot be read"


class PreflightRefused(DatelineError):
    """A browser asked whether a page of another origin may send a request, and it may not: `detail` says whether it is
    the origin, the method, or a network that is private. Origins are allowed by the operator
    (`DATELINE_CORS_ORIGINS`)."""

    code, status, title = "preflight_refused", 400, "The browser may not send this request"


class Unauthorized(DatelineError):
    """The key is unknown, expired, revoked or badly formed, or this response needs a key and none was sent. Keys go
    into `Authorization: Bearer dl_…`, never into the address. A bad key is never treated as no key."""

    code, status, title = "unauthorized", 401, "A valid key is needed"

    def __init__(self, detail: str = "", *, takes_password: bool = False) -> None:
        """`takes_password`: where the key may be the password of HTTP Basic, too."""
        basic = 'Basic realm="Dateline", charset="UTF-8", ' if takes_password else ""
        super().__init__(detail, headers={"WWW-Authenticate": f"{basic}Bearer"})


class MissingScope(DatelineError):
    """The caller lacks a scope that this request needs; `scope` names it. Create a key that has it."""

    code, status, title = "missing_scope", 403, "The key lacks a scope"

    def __init__(self, scope: str, detail: str = "") -> None:
        super().__init__(detail or f"This needs a key with the scope {scope!r}.", members={"scope": scope})


class EntitlementUnused(DatelineError):
    """The key may see a part of the archive only, but this server lets everybody read without a key
    (`DATELINE_PUBLIC_READS`), and a key cannot see less than nobody. The operator has to close public reads, or give
    out another key."""

    code, status, title = "entitlement_unused", 403, "The key sees a part of what everybody may read"


class NotFound(DatelineError):
    """There is nothing at this address, or nothing that this caller may see: the two are not told apart. The response
    may be kept for five seconds, so that it carries no request id."""

    code, status, title = "not_found", 404, "Nothing is here"


class MethodNotAllowed(DatelineError):
    """The address exists, but not with this method. `Allow` lists those that it has."""

    code, status, title = "method_not_allowed", 405, "This method is not allowed here"

    def __init__(self, allow: Iterable[str]) -> None:
        methods = ", ".join(allow)
        super().__init__(f"Allowed here: {methods}.", headers={"Allow": methods} if methods else {})


class NotAcceptable(OtherFormat):
    """None of the formats in `format` or `Accept` is available here; `allowed` lists those that are."""

    code, status, title = "not_acceptable", 406, "No acceptable format"


class RequestTimeout(DatelineError):
    """The head or the body of the request did not arrive in time. The connection is closed. A head has 10 seconds, a
    body 20 and one more for each 1,000 bytes."""

    code, status, title = "request_timeout", 408, "The request did not arrive in time"


class SlugTaken(ValueTaken):
    """Another item has, or once had, the slug given. Choose another, or leave it out to have one made."""

    code, status, title = "slug_taken", 409, "The slug is taken"
    pointer = "/slug"


class ExternalIdTaken(ValueTaken):
    """Another article of the same origin has this `external_id`. Change that one, or give another id."""

    code, status, title = "external_id_taken", 409, "The external id is taken"
    pointer = "/external_id"


class InvalidTransition(DatelineError):
    """The article cannot go from its present state, `article_status`, to the one asked for; `allowed` lists those to
    which it can. Drafts can be scheduled and back, both published or moved to the bin by DELETE; published ones are
    withdrawn or taken back to draft, withdrawn ones published again or made drafts; what is in the bin is restored as
    a draft (POST …/restore), and nothing else edits it. `purge=true` removes an article in any state. A tag cannot be
    merged while another merge is at it, nor when it is part of another tag already."""

    code, status, title = "invalid_transition", 409, "The article cannot change to that state"


class TooManySearches(DatelineError):
    """The keys of one name, or the archive, have as many saved searches as they may have; `detail` says which and how
    many. Remove some that nobody follows, or ask the operator for more (`DATELINE_MAX_SEARCHES_PER_KEY`,
    `DATELINE_MAX_SEARCHES`)."""

    code, status, title = "too_many_searches", 409, "There are too many saved searches"


class RequestInProgress(TryAgain):
    """A request with the same `Idempotency-Key` is still running. Send it again after `Retry-After`."""

    code, status, title = "request_in_progress", 409, "The same request is still running"


class Gone(DatelineError):
    """What was here was public once and has been withdrawn; `withdrawn_at` and `reason` say when and why. Where a
    published article replaces it, a read is redirected to that one with 308 instead. What was
    purged says nothing more. The response may be kept for five seconds, so that it carries no request id."""

    code, status, title = "gone", 410, "This has been withdrawn"

    def __init__(self, detail: str = "", *, withdrawn_at: str = "", reason: str | None = None) -> None:
        withdrawn = {"withdrawn_at": withdrawn_at, "reason": reason} if withdrawn_at else {}
        super().__init__(detail, members=withdrawn)


class CursorExpired(DatelineError):
    """The place in the change log is of another archive, or older than what is kept. Start again from the export at
    `export`, and follow from its `X-Seq`; or with `since=0`."""

    code, status, title = "cursor_expired", 410, "The place in the change log is no longer known"

    def __init__(self, detail: str = "", *, export: str = "/v1/export", parameter: str | None = None) -> None:
        """`parameter`: which one named the place."""
        errors = [FieldError(self.code, detail, parameter)] if parameter else []
        super().__init__(detail, errors=errors, paths={"export": export})


class FilterChanged(DatelineError):
    """A tag or region in the filter has been merged or renamed since the place in the log, so that following on
    would miss articles. Start again from the export with the filter as `detail` gives it. Of a saved search: it asks
    something else since that place, or was saved after it. Start again from its results, or with `since=0`."""

    code, status, title = "filter_changed", 410, "The filter no longer means the same"


class PreconditionFailed(DatelineError):
    """`If-Match` names a version that is no longer the current one. `current_version` says which is,
    `changed_fields` what has changed since the one named, or, where that is not known, since the oldest one that is.
    Read the item again and repeat the change on it. Where `detail` says that `If-Match` names no version that the item
    has had, it is no `ETag` of this item: send the one that the item came with."""

    code, status, title = "precondition_failed", 412, "The item has changed meanwhile"

    def __init__(self, version: int, changed_fields: Iterable[str] = (), *, named: Iterable[int]) -> None:
        """`named`: the versions that the client has in hand."""
        message = f"The current version is {version}."
        if not any(0 < one <= version for one in named):
            # Nothing need have changed: who only reads it again and sends the same would do so for ever.
            message = (
                f"If-Match names no version that this has had. {message} Send the ETag of a response that showed it, "
                f'or "{version}".'
            )
        super().__init__(message, members={"current_version": version, "changed_fields": list(changed_fields)})


class BodyTooLarge(DatelineError):
    """The body is larger than `max_bytes`. Send less at a time; imports can be split at any line."""

    code, status, title = "body_too_large", 413, "The body is too large"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"At most {max_bytes} bytes are read here.", members={"max_bytes": max_bytes})


class UnsupportedMediaType(OtherFormat):
    """The `Content-Type` of the body is not read here; `allowed` lists those that are."""

    code, status, title = "unsupported_media_type", 415, "This content type is not read here"


class InvalidInput(DatelineError):
    """Several things may be wrong at once: `errors` lists them all, and the code is that of the first."""

    status = 422

    def __init__(self, *errors: FieldError) -> None:
        self.code, self.title = errors[0].code, CODES[errors[0].code].title
        more = f" ({len(errors) - 1} more in errors.)" if len(errors) > 1 else ""
        super().__init__(errors[0].detail + more, errors=errors)


class SingleInputError(InvalidInput):
    """The usual case of a single wrong input, named by its class; for more about it raise InvalidInput."""

    def __init__(self, detail: str, parameter: str | None = None, *, pointer: str | None = None) -> None:
        super().__init__(FieldError(self.code, detail, parameter, pointer))


class UnknownParameter(SingleInputError):
    """A query parameter that this address does not have. `allowed` lists those that it has, `did_you_mean` the
    likeliest. Nothing is ignored, except `gclid`, `fbclid` and what begins with `utm_`."""

    code, title = "unknown_parameter", "Unknown parameter"


class DuplicateParameter(SingleInputError):
    """A parameter that takes one value was given twice."""

    code, title = "duplicate_parameter", "Parameter given twice"


class InvalidValue(SingleInputError):
    """A value that cannot be read as what is expected there; `detail` says what is, `allowed` lists the values
    where there are few."""

    code, title = "invalid_value", "Invalid value"


class InvalidRange(SingleInputError):
    """Two inputs contradict each other, such as a start that is not before its end: nothing could match."""

    code, title = "invalid_range", "Contradictory range"


class LimitTooLarge(SingleInputError):
    """`limit` is above what this address gives at once. Follow `page.next` for more."""

    code, title = "limit_too_large", "Limit too large"


class PageTooDeep(SingleInputError):
    """Numbered pages reach 10,000 items deep (`page` times `limit`). Follow `page.next` instead, which has no such
    bound except by relevance, or use the export."""

    code, title = "page_too_deep", "Page too deep"


class ResponseTooLarge(SingleInputError):
    """So many articles, with their bodies in all the forms asked for, are more than one response may hold. Lower
    `limit`, or ask for less in `include` or `fields`. A single article always fits."""

    code, title = "response_too_large", "The response would be too large"


class OffsetRequired(SingleInputError):
    """A time of day without an offset from UTC. Add `Z` or an offset such as `+01:00`, or give a date only."""

    code, title = "offset_required", "A time needs an offset"


class UnknownField(SingleInputError):
    """A field that this body, `fields` or `include` does not have; `did_you_mean` names the likeliest."""

    code, title = "unknown_field", "Unknown field"


class ReadOnlyField(SingleInputError):
    """A field that only the server sets was given with another value than it has. Leave it out, or send it back
    unchanged."""

    code, title = "read_only_field", "Read-only field"


class UnknownRegion(SingleInputError):
    """A region in the body that does not exist. Regions are given; only groupings and cities can be added."""

    code, title = "unknown_region", "Unknown region"


class QueryTooComplex(SingleInputError):
    """`q` is over 512 characters, 64 words, 16 words with a star or 8 levels of parentheses."""

    code, title = "query_too_complex", "The query is too complex"


class TooManyBuckets(SingleInputError):
    """A timeline would have more than 1,000 parts, or a table more than 10,000 cells. Take longer intervals, a shorter
    period or fewer rows; `detail` says what was counted."""

    code, title = "too_many_buckets", "Too many intervals or cells"


class SearchTooBroad(SingleInputError):
    """More than 10,000 published articles match the search that is to be saved. Add words or filters, such as
    `published_from` with the day from which on it matters; it may come to match more later."""

    code, title = "search_too_broad", "Too many articles match"


class IdempotencyConflict(SingleInputError):
    """The `Idempotency-Key` was used within 24 hours for another request. Use a new key for a new request."""

    code, title = "idempotency_conflict", "The idempotency key was used for something else"


class SeqUnknown(SingleInputError):
    """`min_seq` is not a place that this change log has. Take the token from an `X-Seq` header of this server."""

    code, title = "seq_unknown", "Unknown place in the change log"


class PreconditionRequired(DatelineError):
    """Changing or deleting needs `If-Match` with the version that the change is based on: the `ETag` of any response
    that showed it, or the number in quotes. This keeps two editors from undoing each other's work."""

    code, status, title = "precondition_required", 428, "If-Match is required"


def _list_leaves(root: type[DatelineError]) -> list[type[DatelineError]]:
    children = root.__subclasses__()
    return [leaf for child in children for leaf in _list_leaves(child)] if children else [root]


def _build_table() -> dict[str, ProblemCode]:
    leaves = sorted(_list_leaves(DatelineError), key=lambda leaf: leaf.status)
    return {c.code: ProblemCode(c.code, c.status, c.title, cleandoc(c.__doc__ or c.title)) for c in leaves}


CODES: dict[str, ProblemCode] = _build_table()
"""The closed list, by status and then in the order in which the classes are defined."""
