"""`dateline keys`: makes, lists and revokes API keys."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from app.articles.reading.card_cache import Cards
from app.audit.entitlements import description, terms
from app.commands.options import Json, load_settings, open_database, parse_choice, set_actor
from app.commands.output import out, print_json
from app.context import AppContext, RequestContext
from app.db.database import Database, DatabaseProblem
from app.errors import InvalidInput
from app.http import auth
from app.http.params.times import Period, format_time, read_time, read_zone
from app.regions import service as regions
from app.search.index import EngineIndex
from app.search.indexing.archive_indexes import open_engine
from app.settings import Settings

T = TypeVar("T")
keys = typer.Typer(no_args_is_help=True)
_UNITS = {"h": 1, "d": 24}
OPEN_READS = (
    "A key with --only, --embargo or --without needs DATELINE_PUBLIC_READS=false: it cannot see less than everybody "
    "without a key."
)


@keys.callback()
def keys_main(context: typer.Context) -> None:
    """API keys: make, list, revoke."""
    set_actor(context, "keys ")


@keys.command("create")
def keys_create(
    name: Annotated[str, typer.Option(help="Whom or what the key is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help="read_drafts, write, publish or admin; repeat for several. None: what is published."),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="Last day or time of use: 2027-12 or RFC 3339.")] = None,
    only: Annotated[
        str | None, typer.Option(help="Only these articles, by filters of the list: section=sport&region=europe.")
    ] = None,
    embargo: Annotated[str | None, typer.Option(help="Articles only so long after they became public: 6h, 2d.")] = None,
    without: Annotated[str | None, typer.Option(help="Properties that are left out: body,images.")] = None,
    rate_limit: Annotated[
        int | None, typer.Option(min=1, max=terms.MOST_RATE, help="Requests a minute that the key may make.")
    ] = None,
) -> None:
    """Make a key and print it, once."""
    scopes = tuple(dict.fromkeys(scope or ()))
    for one in scopes:
        parse_choice("--scope", one, auth.SCOPES)
    settings, is_narrow = load_settings(), any(option is not None for option in (only, embargo, without))
    if is_narrow and scopes:
        raise typer.BadParameter("A key that sees a part of the archive has no scope.", param_hint="--scope")
    if is_narrow and settings.public_reads:
        raise DatabaseProblem(OPEN_READS)
    with open_database(settings) as db:
        entitlement = _read_entitlement(db, settings, only, embargo, without) if is_narrow else None
        until = _read_end(expires)
        secret = db.write_now(auth.create_key, name, scopes, until, entitlement, rate_limit).value
    out.print(secret, markup=False)


def _read_end(expires: str | None) -> int | None:
    if expires is None:
        return None
    when = read_time(expires, read_zone("UTC"), int(time.time()))
    return when.end if isinstance(when, Period) else when.at


def _read_entitlement(
    db: Database, settings: Settings, only: str | None, embargo: str | None, without: str | None
) -> str | None:
    hours = None if embargo is None else _read_hours(embargo)
    try:
        asked = _ask(db, settings, lambda context, view: terms.read_terms(context, view, only, hours, without))
    except InvalidInput as error:
        first = error.errors[0]
        hint = f"--{first.parameter}" if first.parameter in ("only", "embargo", "without") else "--only"
        guess = f" Did you mean {first.did_you_mean!r}?" if first.did_you_mean else ""
        allowed = f" Possible: {', '.join(map(str, first.allowed))}." if first.allowed else ""
        raise typer.BadParameter(f"{first.detail}{guess}{allowed}", param_hint=hint) from None
    return None if asked is None else asked.encode()


def _read_hours(text: str) -> int:
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and len(number) < 6 and unit in _UNITS):
        raise typer.BadParameter("An embargo is a number and h or d: 6h, 2d.", param_hint="--embargo")
    return int(number) * _UNITS[unit]


def _ask(db: Database, settings: Settings, ask: Callable[[AppContext, RequestContext], Awaitable[T]]) -> T:
    """Runs what reads the archive as a request does."""

    async def run() -> T:
        index = EngineIndex(db, open_engine(settings))
        context = AppContext(settings, db, index, Cards(db, settings.site_url.rstrip("/")))
        try:
            head = await context.head()
            atlas = await regions.current(db, head.epoch, head.names_seq)
            return await ask(
                context, RequestContext(auth.Caller(0, frozenset(auth.SCOPES)), head, atlas, int(time.time()))
            )
        finally:
            await db.reader.close()
            del db.reader  # the next loop opens its own

    return asyncio.run(run())


@keys.command("list")
def keys_list(json: Json = False) -> None:
    """All keys, without their secrets, and what they may see."""
    settings = load_settings()
    with open_database(settings) as db:
        api_keys = db.write_now(auth.list_keys).value
        stored = [str(row["entitlement"]) for row in api_keys if row["entitlement"] is not None]
        described = _describe(db, settings, stored) if stored else {}
    times = ("created_at", "expires_at", "revoked_at", "last_used_at")
    rows = [{n: format_time(v) if n in times and isinstance(v, int) else v for n, v in row.items()} for row in api_keys]
    for row in rows:
        row["entitlement"] = described.get(str(row["entitlement"]))
    if json:
        print_json(rows)
        return
    table = Table("id", "name", "scopes", "created", "expires", "revoked", "last used", "sees", "a minute")
    for row in rows:
        shown = {**row, "entitlement": _render(row["entitlement"])}
        table.add_row(*(str(value if value not in (None, "") else "–") for value in shown.values()))
    out.print(table)


def _describe(db: Database, settings: Settings, stored: list[str]) -> dict[str, description.Json]:
    async def describe(context: AppContext, view: RequestContext) -> dict[str, description.Json]:
        return {one: await description.describe(context, view, one) for one in stored}

    return _ask(db, settings, describe)


def _render(entitlement: object) -> str:
    """What a key may see, in a cell of the table."""
    if not isinstance(entitlement, dict):
        return "–"
    parts = [str(entitlement["only"] or "all")]
    parts += [f"after {entitlement['embargo_hours']} h"] if entitlement["embargo_hours"] else []
    parts += [f"without {','.join(entitlement['without'])}"] if entitlement["without"] else []
    parts += [f"GONE: {','.join(entitlement['missing'])}"] if entitlement["missing"] else []
    return "; ".join(parts)


@keys.command("revoke")
def keys_revoke(id: Annotated[int, typer.Argument(help="As `dateline keys list` shows it.")]) -> None:
    """End a key at once."""
    with open_database() as db:
        if not db.write_now(auth.revoke_key, id).value:
            raise DatabaseProblem(f"There is no key {id} that could be revoked.")
    out.print(f"Key {id} is revoked.")
