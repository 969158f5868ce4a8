"""What the commands share: options and their values, the settings, the opened archive."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from pydantic import ValidationError

from app.audit import listing
from app.commands import open_archive
from app.db.actor import Actor, act_as
from app.db.database import Database, DatabaseProblem
from app.errors import InvalidInput
from app.http.params.times import make_range, read_time, read_zone
from app.importers.records import item_urls
from app.settings import Settings

BaseUrl = Annotated[
    str | None, typer.Option(help="Address of the site that files were written for, which relative ones count from.")
]
AllowPrivate = Annotated[
    bool, typer.Option("--allow-private", help="Read addresses in private networks and on this machine too.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, for machines.")]


def set_actor(context: typer.Context, group: str = "") -> None:
    """Names the command for the audit as it is typed, here for all of them; what one run writes has one request id."""
    command = f"dateline {group}{context.invoked_subcommand or ''}"
    context.with_resource(act_as(Actor("command", command, request=secrets.token_hex(8))))


def load_settings(**options: object) -> Settings:
    """From the environment, with what the command line says on top; DatabaseProblem names a wrong variable."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})  # type: ignore[arg-type] # checked by pydantic
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # of several settings, which it names
            raise DatabaseProblem(f"{first['msg'].removeprefix('Value error, ')}.") from None
        name = str(first["loc"][0])
        raise DatabaseProblem(f"DATELINE_{name.upper().removeprefix('DATELINE_')}: {first['msg']}.") from None


@contextmanager
def open_database(chosen: Settings | None = None) -> Iterator[Database]:
    """The archive, opened, migrated if empty, and closed in the end. What is written meanwhile is the command's."""
    db = open_archive.open_archive(chosen or load_settings())
    try:
        yield db
    finally:
        db.close_now()


def parse_choice(option: str, value: str | None, allowed: tuple[str, ...]) -> Any:
    if value is not None and value not in allowed:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(allowed)}.", param_hint=option)
    return value


def parse_base_url(url: str | None) -> str | None:
    if url is not None and not item_urls.is_base(url):
        raise typer.BadParameter(f"{url!r} is no address such as https://news.example.", param_hint="--base-url")
    return url


def parse_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise typer.BadParameter(f"{name!r} is no time zone; try Europe/Brussels.", param_hint="--timezone") from None


def parse_span(from_: str | None, to: str | None) -> dict[str, int | None]:
    """Both ends as `AuditFilter` has them; the command line is wrong where nothing fits in between."""
    now, zone = int(time.time()), read_zone("UTC")
    try:
        both = [None if text is None else read_time(text, zone, now) for text in (from_, to)]
        time_range = make_range(*both)
    except InvalidInput as wrong:
        raise typer.BadParameter(wrong.detail, param_hint="--from, --to") from None
    return {"since": time_range.from_, "until": time_range.to}


def find_key(db: Database, name: str | None) -> int | None:
    """The number of a key by its number or name; None for no name. BadParameter names --key."""
    key_ids = [] if name is None else listing.find_keys(db, name)
    if name is not None and len(key_ids) != 1:
        message = f"Several keys are called so: {key_ids}; give a number." if key_ids else f"There is no key {name!r}."
        raise typer.BadParameter(message, param_hint="--key")
    return key_ids[0] if key_ids else None
