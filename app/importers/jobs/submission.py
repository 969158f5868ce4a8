"""Imports that are to run as jobs, as they are sent: what a request asks for, and its body on its way into pieces.

Holds one piece of a body at a time. Reads nothing of what is in it, but for the address that a small body may name.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import orjson
from pydantic import Field, ValidationError
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
from app.http.params.parsed import Read
from app.http.params.times import read_zone
from app.importers import sources
from app.importers.formats import registry
from app.importers.jobs import upload_store
from app.importers.jobs.upload_store import PART_BYTES
from app.importers.records import item_urls

LINES = "application/x-ndjson"
JSON = "application/json"
FORMATS: dict[str, str | None] = {
    LINES: "ndjson",
    "text/markdown": "markdown",
    "text/plain": "text",
    "text/csv": "csv",
    "text/tab-separated-values": "csv",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/feed+json": "feed",
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
MOST_JSON = 16_384
"""A longer body does not name an address, but is one to import."""


class ImportAddress(PayloadModel):
    """An address on the web that the server is to import from, without a password: it is kept and shown."""

    url: ExactAddress = Field(pattern=_ADDRESS, examples=["https://news.example/feed.xml"])
    format: Short | None = Field(None, description="As the parameter of this name; of a site also what kind it is.")
    origin: Short | None = Field(None, description="As the parameter of this name.")


def media_type(request: Request) -> str:
    """UnsupportedMediaType for what is no format; nothing is assumed where none is given."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in FORMATS:
        raise UnsupportedMediaType(FORMATS)
    return kind


def is_async(request: Request) -> bool:
    """Whether `Prefer` asks for an answer before the work is done (RFC 7240)."""
    said = ",".join(request.headers.getlist("prefer")).split(",")
    return any(one.partition(";")[0].strip().lower() == "respond-async" for one in said)


def arguments(request: Request, kind: str, read: Read) -> Json:
    """What the job is to do with the body. InvalidValue for a zone that there is none of, and for a base that is no
    address."""
    given: Json = {
        "format": read.choice("format") or FORMATS[kind],
        "origin": read.text("origin"),
        "timezone": zone(read),
        "body": read.choice("body") or None,
        "source_dates": read.flag("source_dates"),
        "identity": read.choice("identity") or None,
        "base_url": _base(read),
        "dry_run": read.flag("dry_run"),
        "overwrite": read.flag("overwrite"),
        "charset": _charset(request),
        "type": kind if FORMATS[kind] is None else None,
    }
    return {name: value for name, value in given.items() if value}


def zone(read: Read) -> str | None:
    """The zone of dates without one, as it is called."""
    name = read.text("timezone")
    if name is None:
        return None
    try:
        return read_zone(name).key
    except InvalidInput as wrong:
        raise InvalidValue(wrong.detail, "timezone") from None


def _base(read: Read) -> str | None:
    """InvalidValue for what is no address of a site."""
    url = read.text("base_url")
    if url is not None and not item_urls.is_base(url):
        raise InvalidValue("Expected the address of a site, such as https://news.example.", "base_url")
    return url


def _charset(request: Request) -> str | None:
    for part in request.headers.get("content-type", "").split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")[:40] or None
    return None


def address(content: bytes, given: Json) -> Json | None:
    """The arguments with those in a body that names an address and nothing to import; None for any other body.

    InvalidInput where it has nothing but what goes with an address, and no good one, or where the two say different
    things; MalformedJson for what no format is written in.
    """
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"This is not JSON: {error}.") from None
    if not isinstance(said, dict | list):
        raise MalformedJson("An object or a list is expected here.")
    if isinstance(said, list) or not said.keys() <= ImportAddress.model_fields.keys():
        return None
    try:
        found = ImportAddress.model_validate(said).model_dump(exclude_none=True)
    except ValidationError as error:
        wrong = body.to_field_errors(error, ImportAddress.model_fields)
        raise InvalidInput(*(replace(one, detail=ADDRESS) if one.pointer == "/url" else one for one in wrong)) from None
    twice = [name for name in found if given.get(name, found[name]) != found[name]]
    if twice:
        detail = "The address of the request says something else."
        raise InvalidInput(*(FieldError("invalid_range", detail, pointer=f"/{name}") for name in twice))
    check_format({**given, **found})
    return {**given, **found}


def check_format(given: Json) -> None:
    """InvalidValue for what the source cannot be read as: kinds of sites are read from addresses alone. InvalidRange
    for an identity of what has no entries of feeds."""
    if "identity" in given and given.get("format") not in (None, "feed") and "url" not in given:
        raise InvalidRange("Only entries of feeds are known by one of several names; leave it out.", "identity")
    named, known = given.get("format"), sources.NAMES if "url" in given else registry.NAMES
    if named is not None and named not in known:
        detail = f"Expected one of {', '.join(known)}."
        raise InvalidInput(FieldError("invalid_value", detail, "format", allowed=tuple(known)))


async def opening(pieces: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The beginning of a body, all of it where it is no longer than MOST_JSON, and the whole of it again."""
    seen = bytearray()
    async for piece in pieces:
        seen += piece
        if len(seen) > MOST_JSON:
            break
    head = bytes(seen)

    async def again() -> AsyncIterator[bytes]:
        yield head
        async for piece in pieces:
            yield piece

    return head, again()


async def receive(db: Database, pieces: AsyncIterator[bytes], most: int, given: Json, by: str | None) -> int:
    """Keeps a body; the number of its job. BodyTooLarge above `most` bytes; what breaks off leaves nothing behind."""
    job: int | None = None
    number, seen, kept = 0, 0, bytearray()
    try:
        async for piece in pieces:
            seen += len(piece)
            if seen > most:
                raise BodyTooLarge(most)
            kept += piece
            while len(kept) > PART_BYTES:
                if job is None:
                    job = (await db.write(upload_store.begin, given, by)).value
                await db.write(upload_store.keep, job, number, bytes(kept[:PART_BYTES]))
                del kept[:PART_BYTES]
                number += 1
        if job is None:
            return (await db.write(upload_store.whole, given, by, bytes(kept))).value
        await db.write(upload_store.finish, job, number, bytes(kept))
        return job
    except BaseException:
        if job is not None:
            await asyncio.shield(db.write(upload_store.drop, job))
        raise
