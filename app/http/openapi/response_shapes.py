"""The `responses=` of a route: an example of what it sends, and the headers that come with it.

A schema comes from `response_model`. Which headers a kind of response has is said here once; a test compares it with
what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.http.schemas import JOB, Job

Json = dict[str, Any]
Responses = dict[int | str, Json]

NOT_MODIFIED = 304
SHARED = ("Cache-Control", "Vary", "X-Seq")
"""Of every response that shows something of the archive."""
CACHED = ("ETag", *SHARED, "Cache-Tag", "Surrogate-Key")
EVERYWHERE = ("RateLimit", "RateLimit-Policy", "Server-Timing", "X-Request-Id")
"""Of every response that caches do not share."""

_REFERENCE: Json = {"type": "string", "format": "uri-reference"}
_SENTENCES: Mapping[str, tuple[str, Json]] = {
    "Cache-Control": ("How long the response may be kept, and by whom.", {"type": "string"}),
    "Cache-Tag": ("What the response shows, for purging shared caches; only in public ones.", {"type": "string"}),
    "Dateline-Warnings": (
        "A JSON list in ASCII of warnings, where the body has no place for them; `removed` is what was taken from it.",
        {"type": "string"},
    ),
    "ETag": ("Of this representation, for `If-None-Match`; an article's is good for `If-Match`.", {"type": "string"}),
    "Link": ("The pages around this one: `next`, `prev`, `first`, and `last` where it is known.", {"type": "string"}),
    "Location": ("A path of this server.", _REFERENCE),
    "Preference-Applied": ("`respond-async` where `Prefer` asked for it.", {"type": "string"}),
    "RateLimit": ("How many requests are left, and for how long; where there is a limit.", {"type": "string"}),
    "RateLimit-Policy": ("How many requests there are in how many seconds.", {"type": "string"}),
    "Retry-After": ("Seconds after which to try again.", {"type": "integer", "minimum": 0}),
    "Server-Timing": ("Milliseconds until the response began, as `app;dur=`.", {"type": "string"}),
    "Surrogate-Key": ("The same as `Cache-Tag`, for caches that know it by this name.", {"type": "string"}),
    "Vary": ("The headers of a request on which the response depends.", {"type": "string"}),
    "WWW-Authenticate": ("How to send a key.", {"type": "string"}),
    "X-Accel-Buffering": ("`no`: proxies pass each piece on as it comes.", {"type": "string"}),
    "X-Request-Id": ("The request in the server's log; only where caches share nothing.", {"type": "string"}),
    "X-Seq": ("The place in the change log that the response reflects; for `min_seq` and `since`.", {"type": "string"}),
}  # fmt: skip
HEADERS: Mapping[str, Json] = {
    name: {"description": sentence, "schema": schema} for name, (sentence, schema) in _SENTENCES.items()
}
"""Of all responses: `components.headers`."""
IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "Entity tags of what the client has: 304 without a body where one is still right.",
    "schema": {"type": "string"},
}  # fmt: skip


def refer_to_headers(*names: str) -> Json:
    """The `headers` of a response; KeyError for one that is not described."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names if HEADERS[name]}


def describe_item(example: object, others: Mapping[str, object] | None = None, *headers: str) -> Responses:
    """A read that caches may keep, and 304 for who has it already. `others` are the shapes of other media types that
    it may come in."""
    names = (*CACHED, *headers)
    return {
        200: {
            "content": {"application/json": {"example": example}, **(others or {})},
            "headers": refer_to_headers(*names),
        },
    } | describe_unchanged(*names)


def describe_unchanged(*headers: str) -> Responses:
    """304, with the headers that the response would have had."""
    description = "The client has it already, as `If-None-Match` says."
    return {NOT_MODIFIED: {"description": description, "headers": refer_to_headers(*headers)}}


def describe_list(example: object, others: Mapping[str, object] | None = None, *headers: str) -> Responses:
    """The same of a list with pages."""
    return describe_item(example, others, "Link", *headers)


def describe_example(example: object, status: int, *headers: str) -> Responses:
    """JSON with these headers and no others of its own."""
    return {status: {"content": {"application/json": {"example": example}}, "headers": refer_to_headers(*headers)}}


def describe_uncached(example: object, status: int = 200, *headers: str) -> Responses:
    """What no cache keeps, such as the response to a change."""
    return describe_example(example, status, *SHARED, *headers)


def describe_empty(description: str) -> Responses:
    """204, to a change that leaves nothing to show."""
    return {204: {"description": description, "headers": refer_to_headers(*SHARED)}}


def describe_redirect(description: str, status: int = 308) -> Responses:
    """A redirect."""
    return {status: {"description": description, "headers": refer_to_headers(*SHARED, "Location")}}


def describe_job(description: str) -> Responses:
    """A 202 with a job."""
    return {202: {"model": Job, "description": description, **describe_uncached(JOB, 202, "Location")[202]}}


def describe_stream(media_type: str, example: str, *headers: str) -> Responses:
    """Text that is sent in pieces."""
    content = {media_type: {"schema": {"type": "string"}, "example": example}}
    return {200: {"content": content, "headers": refer_to_headers("Cache-Control", "Vary", *headers)}}
