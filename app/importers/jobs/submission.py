"""Imports that are to run as jobs, as they are sent: what a request asks for, and its body on its way into pieces.

Holds one piece of a body at a time. Reads nothing of what is in it, but for the address that a small body may name.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import get_args

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from app.changes.jobs import Json
from app.db.database import Database
from app.errors import (
    BodyTooLarge,
    FieldError,
    InvalidInput,
    InvalidRange,
    InvalidValue,
    MalformedJson,
    UnsupportedMediaType,
)
from app.http import body
from app.http.body import ExactAddress, PayloadModel, Short
from app.http.params import parser
from app.http.params.times import read_zone
from app.http.params.typed import Params
from app.http.params.values import find_nearest
from app.importers import sources
from app.importers.document import BodyKind, Identity
from app.importers.formats import detect, registry
from app.importers.jobs import upload_store
from app.importers.jobs.part_stream import PART_BYTES
from app.importers.records import aliases, item_urls
from app.importers.web.fetch import read_charset
from app.importers.web.public_addresses import names_private_address

LINES = "application/x-ndjson"
JSON, FEED = "application/json", "application/feed+json"
FORMATS: dict[str, str | None] = {
    LINES: "ndjson",
    "text/markdown": "markdown",
    "text/plain": "text",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "text/html": "html",
    "application/xhtml+xml": "html",
    FEED: "feed",
    "application/ld+json": "jsonld",
    "application/ninjs+json": "ninjs",
    JSON: None,
    **dict.fromkeys(
        (
            "application/rss+xml",
            "application/atom+xml",
            "application/rdf+xml",
            "application/xml",
            "text/xml",
            "application/nitf+xml",
            "application/vnd.iptc.g2.newsitem+xml",
            "application/vnd.iptc.g2.packageitem+xml",
            "application/vnd.iptc.g2.newsmessage+xml",
            "application/zip",
            "application/octet-stream",
        )
    ),
}
"""What may be sent, by media type; None: which format it is, is told from the content."""
ADDRESS = "Expected an address that begins with http:// or https://, without a name and password."
_CONTROLS = r"\s\x00-\x1f\x7f-\x9f"
_ADDRESS = rf"^https?://[^{_CONTROLS}/?#@]+([/?#][^{_CONTROLS}]*)?$"
BODY_KINDS: tuple[BodyKind, ...] = get_args(BodyKind)
IDENTITIES: tuple[Identity, ...] = get_args(Identity)
MOST_JSON = 16_384
"""A longer body does not name an address, but is one to import."""


class ImportParams(Params):
    """Of an import."""

    format = parser.choice("format", "What the body is, where its type does not say enough.", sources.NAMES)
    origin = parser.text(
        "origin", "The archive that the items come from, whatever they say.", maximum=200, example="wire"
    )
    timezone = parser.text(
        "timezone", "The zone of dates without one; UTC unless given.", maximum=60, example="Europe/Brussels"
    )
    base_url = parser.text(
        "base_url",
        "The address of the site that the items were written for, which relative addresses count from.",
        maximum=2_000,
        example="https://news.example",
    )
    body_format = parser.choice("body_format", "What texts are where the source does not say.", BODY_KINDS)
    source_dates = parser.flag("source_dates", "Give articles without a date of their own that of their feed or file.")
    entry_identity = parser.choice(
        "identity", "What entries of feeds are known by; the first of them that is one's own.", IDENTITIES
    )
    dry_run = parser.flag("dry_run", "Say what would happen, and change nothing.")
    overwrite = parser.flag(
        "overwrite", "Where a property was edited here and the source differs, take what the source says."
    )


class ImportAddress(PayloadModel):
    """An address on the web that the server is to import from, without a password: it is kept and shown."""

    url: ExactAddress = Field(pattern=_ADDRESS, examples=["https://news.example/feed.xml"])
    format: Short | None = Field(None, description="As the parameter of this name; of a site also what kind it is.")
    origin: Short | None = Field(None, description="As the parameter of this name.")


class ImportDocument(BaseModel):
    """An article, or an export of many, as its source writes it: which properties mean what is told from their
    names."""

    model_config = ConfigDict(extra="allow")


def read_media_type(request: Request) -> str:
    """UnsupportedMediaType for what is no format; nothing is assumed where none is given."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMATS:
        raise UnsupportedMediaType(FORMATS)
    return kind


def is_async(request: Request) -> bool:
    """Whether `Prefer` asks for a response before the work is done (RFC 7240)."""
    preferences = ",".join(request.headers.getlist("prefer")).split(",")
    return any(one.partition(";")[0].strip().lower() == "respond-async" for one in preferences)


def read_arguments(request: Request, kind: str, params: ImportParams) -> Json:
    """What the job is to do with the body. InvalidValue for a zone that there is none of, and for a base that is no
    address."""
    job_arguments: Json = {
        "format": params.format or FORMATS[kind],
        "origin": params.origin,
        "timezone": read_zone_name(params),
        "body": params.body_format,
        "source_dates": params.source_dates,
        "identity": params.entry_identity,
        "base_url": _read_base(params),
        "dry_run": params.dry_run,
        "overwrite": params.overwrite,
        "charset": read_charset(request.headers.get("content-type", "")),
        "type": kind if FORMATS[kind] is None else None,
    }
    return {name: value for name, value in job_arguments.items() if value}


def read_zone_name(params: ImportParams) -> str | None:
    """The zone of dates without one, as it is called."""
    name = params.timezone
    if name is None:
        return None
    try:
        return read_zone(name).key
    except InvalidInput as wrong:
        raise InvalidValue(wrong.detail, "timezone") from None


def _read_base(params: ImportParams) -> str | None:
    """InvalidValue for what is no address of a site."""
    url = params.base_url
    if url is not None and not item_urls.is_base(url):
        raise InvalidValue("Expected the address of a site, such as https://news.example.", "base_url")
    return url


def read_address(content: bytes, job_arguments: Json) -> Json | None:
    """The arguments with those in a body that names an address and nothing to import; None for any other body.

    InvalidInput where it has nothing to import and no good address, or where the two say different things;
    MalformedJson for what no format is written in.
    """
    try:
        payload = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"This is not JSON: {error}.") from None
    if not isinstance(payload, dict | list):
        raise MalformedJson("An object or a list is expected here.")
    if isinstance(payload, list) or not _is_address(payload, content):
        return None
    try:
        address_arguments = ImportAddress.model_validate(payload).model_dump(exclude_none=True)
    except ValidationError as error:
        wrong = body.to_field_errors(error, ImportAddress.model_fields)
        raise InvalidInput(*(replace(one, detail=ADDRESS) if one.pointer == "/url" else one for one in wrong)) from None
    twice = [
        name
        for name in address_arguments
        if job_arguments.get(name, address_arguments[name]) != address_arguments[name]
    ]
    if twice:
        detail = "The address of the request says something else."
        raise InvalidInput(*(FieldError("invalid_range", detail, pointer=f"/{name}") for name in twice))
    check_format({**job_arguments, **address_arguments})
    return {**job_arguments, **address_arguments}


def _is_address(payload: Json, content: bytes) -> bool:
    """Whether an object names an address and is nothing to import. One with a slip in it (`ulr`), or with more than
    goes with an address, is told by what an article of it would lack: imported, it could only fail, and later."""
    if payload.keys() <= ImportAddress.model_fields.keys():
        return True
    known, _ = aliases.sort_fields(payload)
    if {"title", "body"} & known.keys() or any(name.startswith("@") for name in payload):
        return False
    parts = [part for value in payload.values() for part in (value if isinstance(value, list) else [value])]
    if any(isinstance(part, dict | list) for part in parts) or detect.detect_format("", content) != "ndjson":
        return False
    return any(find_nearest(name, ("url",)) for name in payload)


def check_public(url: object) -> None:
    """InvalidInput for an address that shows itself that it is none of the public internet; what a name leads to is
    known when it is read."""
    if names_private_address(str(url)):
        detail = (
            "This address is not on the public internet. Where sources are inside, the operator allows it by "
            "DATELINE_IMPORT_PRIVATE_ADDRESSES."
        )
        raise InvalidInput(FieldError("invalid_value", detail, pointer="/url"))


def check_format(job_arguments: Json) -> None:
    """InvalidValue for what the source cannot be read as: kinds of sites are read from addresses alone. InvalidRange
    for an identity of what has no entries of feeds."""
    if "identity" in job_arguments and job_arguments.get("format") not in (None, "feed") and "url" not in job_arguments:
        raise InvalidRange("Only entries of feeds are known by one of several names; leave it out.", "identity")
    format_name, allowed = job_arguments.get("format"), sources.NAMES if "url" in job_arguments else registry.NAMES
    if format_name is not None and format_name not in allowed:
        detail = f"Expected one of {', '.join(allowed)}."
        raise InvalidInput(FieldError("invalid_value", detail, "format", allowed=tuple(allowed)))


async def peek_body(pieces: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The beginning of a body, all of it where it is no longer than MOST_JSON, and the whole of it again."""
    received = bytearray()
    async for piece in pieces:
        received += piece
        if len(received) > MOST_JSON:
            break
    head = bytes(received)

    async def iterate_again() -> AsyncIterator[bytes]:
        yield head
        async for piece in pieces:
            yield piece

    return head, iterate_again()


async def receive_body(
    db: Database, pieces: AsyncIterator[bytes], max_bytes: int, job_arguments: Json, by: str | None
) -> int:
    """Keeps a body; the number of its job. BodyTooLarge above `max_bytes`; what breaks off leaves nothing behind."""
    job: int | None = None
    number, received_bytes, pending = 0, 0, bytearray()
    try:
        async for piece in pieces:
            received_bytes += len(piece)
            if received_bytes > max_bytes:
                raise BodyTooLarge(max_bytes)
            pending += piece
            while len(pending) > PART_BYTES:
                if job is None:
                    job = (await db.write(upload_store.begin_upload, job_arguments, by)).value
                await db.write(upload_store.save_part, job, number, bytes(pending[:PART_BYTES]))
                del pending[:PART_BYTES]
                number += 1
        if job is None:
            return (await db.write(upload_store.create_whole, job_arguments, by, bytes(pending))).value
        await db.write(upload_store.finish_upload, job, number, bytes(pending))
        return job
    except BaseException:
        # Also for CancelledError, which is how a client that goes away ends here; shielded, so that it is not
        # cancelled as well.
        if job is not None:
            await asyncio.shield(db.write(upload_store.drop_upload, job))
        raise
