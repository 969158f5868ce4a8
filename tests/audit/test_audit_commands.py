"""Commands in the audit: each that writes leaves its rows, and `dateline audit` shows them."""

import signal
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from support.processes import DatelineProcess
from typer.main import get_command
from typer.testing import CliRunner, Result

from app.articles import service
from app.articles.bulk import edit_job
from app.articles.bulk.edit_job import Changes
from app.articles.filters import ArticleFilter
from app.articles.manuscript import Manuscript
from app.commands import open_archive
from app.commands.cli import cli
from app.db.actor import Actor, act_as
from app.models import Audit, table
from app.settings import Settings

pytestmark = pytest.mark.slow

AUDIT = table(Audit)

COMMANDS: dict[str, tuple[tuple[str, ...], list[str]]] = {
    "keys create": (("--name", "desk", "--scope", "admin"), ["key_create"]),
    "keys list": ((), []),
    "keys revoke": (("1",), ["key_revoke"]),
    "import": (("SOURCE",), ["create", "create", "import"]),
    "imports list": ((), []),
    "imports show": (("1",), []),
    "edit": (("--id", "2", "--language", "fr"), ["bulk_edit", "bulk_edit", "edit"]),
    "imports resume": (("1",), ["bulk_edit", "edit"]),
    "imports undo": (("2",), ["undo", "withdraw", "undo"]),
    "check": (("--fix-dates",), ["edit"]),
    "enrich": (("--language",), []),
    "export": ((), []),
    "reindex": ((), []),
    "index snapshot": (("FOLDER",), []),
    "index restore": (("FOLDER",), []),
    "migrate": ((), []),
    "compact": ((), []),
    "prune": ((), []),
    "backup": (("COPY",), []),
    "copy": (("--to", "ELSEWHERE"), []),
    "audit": ((), []),
    "docs": ((), []),
}
"""Arguments, and the actions that the audit has after the command. `serve` has a test of its own."""


@pytest.fixture
def archive(sqlite_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("DATELINE_DATA_DIR", str(sqlite_settings.data_dir))
    return sqlite_settings


def run(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == status, result.output
    return result


def rows(settings: Settings, after: int = 0) -> list[dict[str, Any]]:
    db = open_archive.open_archive(settings)
    with db.snapshot() as snapshot:
        statement = snapshot.connection.execute(select(AUDIT).where(AUDIT.c.id > after).order_by(AUDIT.c.id))
        told = [dict(row._mapping) for row in statement]
    db.close_now()
    return told


def every_command() -> set[str]:
    root: Any = get_command(cli)
    names = set()
    for name, one in root.commands.items():
        names |= {f"{name} {below}" for below in one.commands} if hasattr(one, "commands") else {name}
    return names


def add_invented_date(settings: Settings) -> None:
    """An article as earlier versions imported it: dated with the second in which it came."""
    db = open_archive.open_archive(settings)
    dated = Manuscript(
        "old", "id:1", "1", "Invented", "", 0, "en", published_at=1_700_000_000, status="published", content_hash="x"
    )
    db.write_now(service.upsert, [dated], now=1_700_000_000, site_url="")
    db.close_now()


def leave_bulk_edit(settings: Settings) -> None:
    """One whose process has died."""
    db = open_archive.open_archive(settings)
    with act_as(Actor("command", "dateline imports resume")):
        db.write_now(edit_job.begin, ArticleFilter(ids=(1,)), Changes(language="fr"), {}, None, "")
    db.close_now()


def test_every_command_that_writes_leaves_its_rows(archive: Settings, tmp_path: Path) -> None:
    assert every_command() == COMMANDS.keys() | {"serve"}
    source = tmp_path / "two.ndjson"
    source.write_bytes(b'{"id": "1", "title": "One"}\n{"id": "2", "title": "Two"}\n')
    places = {
        "FOLDER": str(tmp_path / "snapshot"),
        "SOURCE": str(source),
        "COPY": str(tmp_path / "copy.db"),
        "ELSEWHERE": str(tmp_path / "other.db"),
    }
    add_invented_date(archive)
    leave_bulk_edit(archive)
    for name, (arguments, actions) in COMMANDS.items():
        before = rows(archive)[-1]["id"]
        run(*name.split(), *(places.get(one, one) for one in arguments))
        result = rows(archive, before)
        assert [row["action"] for row in result] == actions, name
        assert {(row["actor_kind"], row["actor"]) for row in result} <= {("command", f"dateline {name}")}
        assert len({row["request_id"] for row in result}) == min(1, len(result))


def test_key_is_noted_without_its_secret(archive: Settings) -> None:
    made = run("keys", "create", "--name", "desk", "--scope", "write", "--scope", "publish").output.strip()
    [row] = [row for row in rows(archive) if row["action"] == "key_create"]
    assert orjson.loads(row["details"]) == {"name": "desk", "scopes": ["write", "publish"], "expires_at": None}
    assert (row["entity"], row["entity_id"]) == ("key", 1)
    assert made.split("_", 2)[2] not in repr(rows(archive))


def test_audit_prints_lines_for_people_and_for_machines(archive: Settings) -> None:
    for name in ("one", "two", "two"):
        run("keys", "create", "--name", name, "--scope", "write")
    people = run("audit", "--action", "key_create", "--limit", "2").output.splitlines()
    assert len(people) == 2
    assert "key_create key 3 by command: dateline keys create" in people[0]
    lines = [orjson.loads(line) for line in run("audit", "--json").output.splitlines()]
    assert [line["action"] for line in lines] == ["key_create"] * 3 + ["region_load"]
    assert lines[2]["details"]["name"] == "one"
    assert run("audit", "--key", "one").output == ""
    assert run("audit", "--article", "1", "--from", "2020").output == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--action", "steal"), "none of create"),
        (("--key", "nobody"), "no key"),
        (("--key", "two"), "Several keys"),
        (("--from", "2025", "--to", "2024"), "nothing can match"),
        (("--from", "soon"), "--from"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_wrong_option_is_named(archive: Settings, arguments: tuple[str, ...], said: str) -> None:
    for _ in range(2):
        run("keys", "create", "--name", "two", "--scope", "write")
    assert said in run("audit", *arguments, status=2).output


def test_start_of_a_server_is_noted_with_its_settings_and_no_password(archive: Settings) -> None:
    environment = {
        "DATELINE_DATA_DIR": str(archive.data_dir),
        "DATELINE_DATABASE_URL": f"sqlite:///{archive.data_dir / 'dateline.db'}",
        "DATELINE_RATE_LIMIT": "60",
    }
    server = DatelineProcess("serve", "--port", "0", environment=environment, quiet=True)
    next(server.lines)
    [row] = [row for row in rows(archive) if row["action"] == "server_start"]
    assert (row["actor_kind"], row["actor"]) == ("command", "dateline serve")
    details = orjson.loads(row["details"])
    assert (details["rate_limit"], details["database_url"], details["port"]) == ("60", "set", "0")
    server.send_signal(signal.SIGTERM)
    assert server.wait(30)[0] == 0
    server.end()
