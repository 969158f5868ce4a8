"""`dateline keys`: makes, lists and revokes API keys."""

import time
from typing import Annotated

import typer
from rich.table import Table

from app.commands.options import Json, open_database, parse_choice, set_actor
from app.commands.output import out, print_json
from app.db.database import DatabaseProblem
from app.http import auth
from app.http.params.times import Period, format_time, read_time, read_zone

keys = typer.Typer(no_args_is_help=True)


@keys.callback()
def keys_main(context: typer.Context) -> None:
    """API keys: make, list, revoke."""
    set_actor(context, "keys ")


@keys.command("create")
def keys_create(
    name: Annotated[str, typer.Option(help="Whom or what the key is for.")],
    scope: Annotated[list[str], typer.Option(help="read_drafts, write, publish or admin; repeat for several.")],
    expires: Annotated[str | None, typer.Option(help="Last day or time of use: 2027-12 or RFC 3339.")] = None,
) -> None:
    """Make a key and print it, once."""
    for one in scope:
        parse_choice("--scope", one, auth.SCOPES)
    until = None
    if expires is not None:
        when = read_time(expires, read_zone("UTC"), int(time.time()))
        # "2027-12" is good to the end of December.
        until = when.end if isinstance(when, Period) else when.at
    with open_database() as db:
        secret = db.write_now(auth.create_key, name, tuple(dict.fromkeys(scope)), until).value
    out.print(secret, markup=False)


@keys.command("list")
def keys_list(json: Json = False) -> None:
    """All keys, without their secrets."""
    with open_database() as db:
        api_keys = db.write_now(auth.list_keys).value
    times = ("created_at", "expires_at", "revoked_at", "last_used_at")
    rows = [{n: format_time(v) if n in times and isinstance(v, int) else v for n, v in row.items()} for row in api_keys]
    if json:
        print_json(rows)
        return
    table = Table("id", "name", "scopes", "created", "expires", "revoked", "last used")
    for row in rows:
        table.add_row(*(str(value if value is not None else "–") for value in row.values()))
    out.print(table)


@keys.command("revoke")
def keys_revoke(id: Annotated[int, typer.Argument(help="As `dateline keys list` shows it.")]) -> None:
    """End a key at once."""
    with open_database() as db:
        if not db.write_now(auth.revoke_key, id).value:
            raise DatabaseProblem(f"There is no key {id} that could be revoked.")
    out.print(f"Key {id} is revoked.")
