"""Archives get their tables by migrations: complete, there and back, and refused where they do not fit."""

import ast
import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic.script import ScriptDirectory
from conftest import ENGINES
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session
from support.stories import DAY, NOW, story

from app.articles import service
from app.articles.manuscript import Manuscript
from app.articles.reading import queries
from app.articles.store import purge
from app.changes import log
from app.commands import check, open_archive
from app.db import migrate
from app.db.database import Database, DatabaseProblem
from app.models import Region, table
from app.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
REGION = table(Region)

NEXT = '''"""A later version's step."""

from alembic import op

revision = "9999"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE later (id INTEGER)")
    {then}


def downgrade() -> None:
    op.execute("DROP TABLE later")
'''


def _regions(db: Database) -> int:
    with db.snapshot() as snapshot:
        return snapshot.connection.execute(select(func.count()).select_from(REGION)).scalar_one()


def _tables(db: Database) -> set[str]:
    return set(inspect(db.engine).get_table_names())


def _set_revision(db: Database, revision: str) -> None:
    with db.hold_write_lock(), Session(db.engine) as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = :to"), {"to": revision})
        session.commit()


def test_scripts_are_named_by_their_revisions_in_order() -> None:
    directory = ScriptDirectory(str(migrate.MIGRATIONS))
    assert [script.revision for script in directory.walk_revisions()][::-1] == migrate.list_revisions()


def test_migrated_archive_has_exactly_the_tables_of_the_models(db: Database) -> None:
    assert migrate.find_state(db) == "current"
    assert migrate.find_differences(db) == []


def test_each_migration_says_whether_the_version_before_can_run_beside_it() -> None:
    directory = ScriptDirectory(str(migrate.MIGRATIONS))
    scripts = list(directory.walk_revisions())
    paths = {script.revision: Path(script.path) for script in scripts}
    said = {script.revision: getattr(script.module, "expand_only", None) for script in scripts}
    assert {revision: one for revision, one in said.items() if not isinstance(one, bool)} == {}
    for revision, is_expansion in said.items():
        before = f"{int(revision) - 1:04}"
        later = [one for other, one in said.items() if other > before]
        assert migrate.is_expansion(before) == all(later)
        if is_expansion:
            assert list_contractions(paths[revision]) == []


ADDS = {"create_table", "create_index", "add_column", "bulk_insert", "f"}
"""What a migration may do that the version before need not know of; `f` is a name of a constraint."""


def list_contractions(script: Path) -> list[str]:
    """What a migration's way up changes of what is there, and columns that the version before would leave out."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    [way_up] = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "upgrade"]
    calls = [node for node in ast.walk(way_up) if isinstance(node, ast.Call)]
    operations = {
        ast.unparse(call.func).removeprefix("op.") for call in calls if ast.unparse(call.func).startswith("op.")
    }
    required = [
        ast.unparse(call)
        for call in calls
        if ast.unparse(call.func) == "op.add_column"
        and not any(word in ast.unparse(call) for word in ("nullable=True", "server_default"))
    ]
    return [*sorted(operations - ADDS), *required]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("op.execute('UPDATE article SET slug = 1')", "execute"),
        ("op.drop_column('article', 'slug')", "drop_column"),
        ("op.add_column('article', sa.Column('mood', sa.Text(), nullable=False))", "mood"),
        ("op.add_column('article', sa.Column('mood', sa.Text(), nullable=True))", ""),
        ("op.create_index('ix_mood', 'article', ['mood'])", ""),
    ],
)
def test_what_a_migration_takes_away_is_found(tmp_path: Path, statement: str, named: str) -> None:
    script = tmp_path / "9999_mood.py"
    script.write_text(f"def upgrade():\n    {statement}\n\n\ndef downgrade():\n    op.drop_table('mood')\n")
    contractions = list_contractions(script)
    assert (named in " ".join(contractions)) if named else contractions == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_servers_of_the_version_before_may_run_only_where_that_does_no_harm(db: Database, settings: Settings) -> None:
    address = settings.database_url.replace("+psycopg", "")
    migrate.downgrade(db, "0016")  # 0017 is nothing for the version before
    db.engine.dispose()
    with psycopg.connect(address):
        with pytest.raises(DatabaseProblem, match="1 other connections to the database are open: stop all servers"):
            open_archive.migrate(settings)
        assert migrate.find_state(db) == "outdated"
        assert open_archive.BESIDE not in open_archive.migrate(settings, servers_are_stopped=True)
    migrate.downgrade(db, "0017")  # 0018 adds an index
    db.engine.dispose()
    with psycopg.connect(address):
        assert open_archive.BESIDE in open_archive.migrate(settings)
    migrate.downgrade(db, "0016")
    db.engine.dispose()
    assert "brought up to date" in open_archive.migrate(settings)


def test_table_that_is_not_as_it_should_be_is_a_difference(db: Database) -> None:
    with db.hold_write_lock(), Session(db.engine) as session:
        session.connection().execute(text("ALTER TABLE source ADD COLUMN odd INTEGER"))
        session.commit()
    assert len(migrate.find_differences(db)) == 1


def test_all_the_way_down_and_up_again_gives_the_same_archive(db: Database, settings: Settings) -> None:
    regions = _regions(db)
    migrate.downgrade(db, "base")
    assert _tables(db) == {"alembic_version"}
    assert migrate.find_state(db) == "empty"
    open_archive.open_archive(settings).close_now()
    assert (migrate.find_state(db), migrate.find_differences(db), _regions(db)) == ("current", [], regions)


def _save(session: Session, stories: list[Manuscript]) -> None:
    service.upsert(session, stories, now=NOW, site_url="")


def test_links_are_marked_and_undated_articles_are_allowed_after_migrating(db: Database, settings: Settings) -> None:
    stories = [
        story(db, 1, tags=["peace"], places=["belgium"]),
        story(db, 2, tags=["peace"], places=["belgium"], status="draft"),
        story(db, 3, tags=["peace"], places=["belgium"], published_at=None),
    ]
    db.write_now(_save, stories)
    migrate.downgrade(db, "0005")
    with db.engine.connect() as connection:
        dates = connection.execute(text("SELECT published_at FROM article ORDER BY id")).scalars().all()
    assert dates == [NOW - DAY, NOW - DAY, NOW]
    with pytest.raises(IntegrityError), db.hold_write_lock(), db.engine.begin() as connection:
        connection.execute(text("UPDATE article SET published_at = NULL WHERE id = 1"))
    migrate.upgrade(db)
    assert migrate.find_differences(db) == []
    assert [
        one for one in check.run_checks(db, settings) if one.name in ("links", "database files") and not one.good
    ] == []
    with db.hold_write_lock(), db.engine.begin() as connection:
        connection.execute(text("UPDATE article SET published_at = NULL WHERE id = 1"))
    with pytest.raises(IntegrityError), db.hold_write_lock(), db.engine.begin() as connection:
        connection.execute(text("UPDATE article SET status = 'scheduled', published_at = NULL WHERE id = 2"))


def test_readers_of_several_tables_are_let_go_before_anything_is_changed(db: Database, settings: Settings) -> None:
    if db.dialect != "postgresql":
        pytest.skip("one server alone has a file")
    migrate.downgrade(db, "0005")
    address = settings.database_url.replace("+psycopg", "")
    holds, finished = threading.Event(), threading.Event()

    def read() -> None:
        """Holds a table that is changed late, and wants one that is changed early, again and again."""
        with psycopg.connect(address) as connection:
            for _ in range(3):
                connection.execute("SELECT 1 FROM article LIMIT 1")
                holds.set()
                time.sleep(0.7)
                connection.execute("SELECT 1 FROM article_tag LIMIT 1")
                connection.commit()
        finished.set()

    with ThreadPoolExecutor(1) as reader:
        reading = reader.submit(read)
        holds.wait(10)
        migrate.upgrade(db)
        reading.result(30)
    assert finished.is_set()
    assert migrate.find_state(db) == "current"


def test_slugs_of_purged_articles_are_hashes_after_migrating(db: Database, settings: Settings) -> None:
    migrate.downgrade(db, "0009")
    slug = "told-before"
    with db.engine.begin() as connection:
        connection.execute(text("INSERT INTO purged_ref (ref) VALUES ('17'), (:slug)"), {"slug": slug})
    open_archive.migrate(settings, servers_are_stopped=True)  # this test itself is connected
    open_archive.migrate(settings)
    with db.engine.begin() as connection:
        names = set(connection.execute(text("SELECT ref FROM purged_ref")).scalars())
    assert names == {"17", purge.hash_ref(slug)}
    assert slug not in repr(names)
    for there in (slug, "17", "another"):
        assert asyncio.run(_is_purged(settings, there)) == (there != "another")


async def _is_purged(settings: Settings, ref: str) -> bool:
    db = Database(settings, log.append)
    try:
        return await queries.is_purged(db, ref)
    finally:
        await db.close()


def test_opening_again_changes_nothing(db: Database, settings: Settings) -> None:
    with db.snapshot() as snapshot:
        before = log.head(snapshot)
    open_archive.open_archive(settings).close_now()
    with db.snapshot() as snapshot:
        assert log.head(snapshot) == before


def test_archive_of_a_newer_version_is_refused(db: Database, settings: Settings) -> None:
    _set_revision(db, "9999")
    assert migrate.find_state(db) == "newer"
    with pytest.raises(DatabaseProblem, match="newer version"):
        open_archive.open_archive(settings)
    with pytest.raises(DatabaseProblem, match="newer version"):
        open_archive.migrate(settings)


def test_opening_that_was_cut_short_is_completed_by_the_next(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    db = Database(settings, log.append)
    migrate.upgrade(db)
    db.close_now()
    db = open_archive.open_archive(settings)
    assert _regions(db) > 200
    assert [one.name for one in check.run_checks(db, settings) if not one.good] == ["index", "draft index"]
    db.close_now()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """A place for an archive where none is yet."""
    if request.param == "sqlite":
        yield Settings(data_dir=tmp_path)
        return
    server, name = request.getfixturevalue("postgres_server"), f"dateline_empty_{uuid4().hex[:8]}"
    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield Settings(database_url=server.format(name), data_dir=tmp_path)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_several_that_open_an_empty_archive_at_once_all_find_it_complete(empty: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_archive.open_archive, [empty] * 4))
    assert {_regions(db) for db in opened} == {_regions(opened[0])}
    with opened[0].snapshot() as snapshot:
        head = log.head(snapshot)
        log.check_order(0, (row.seq for row in log.read(snapshot, 0, 10_000)))
    assert head.seq == _regions(opened[0])
    for db in opened:
        db.close_now()


@pytest.fixture
def later_version(tmp_path: Path) -> Path:
    """A copy of this program; tests put another migration into it."""
    for folder in ("app", "migrations"):
        shutil.copytree(ROOT / folder, tmp_path / "later" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "later"


def _step(program: Path, then: str = "") -> None:
    before = max(file.name for file in (program / "migrations" / "versions").glob("*.py")).partition("_")[0]
    (program / "migrations" / "versions" / "9999_later.py").write_text(NEXT.format(before=before, then=then))


RUN = """
import sys
from app.commands import open_archive
from app.settings import Settings
try:
    getattr(open_archive, sys.argv[1])(Settings())
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""

ON = ENGINES


def _run(program: Path, settings: Settings, what: str) -> str:
    """What the later version says when it opens or migrates an archive; nothing if all is well."""
    output = subprocess.run(
        [sys.executable, "-c", RUN, what],
        cwd=program,
        env=os.environ | {"PYTHONPATH": str(program), "DATELINE_DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return output.stderr


def test_outdated_archive_is_refused_until_it_is_migrated(later_version: Path, sqlite_settings: Settings) -> None:
    _step(later_version)
    said = _run(later_version, sqlite_settings, "open_archive")
    assert "DatabaseProblem" in said
    assert "dateline migrate" in said
    assert _run(later_version, sqlite_settings, "migrate") == ""
    with pytest.raises(DatabaseProblem, match="newer version"):
        open_archive.open_archive(sqlite_settings)


@pytest.mark.slow
def test_tables_are_changed_only_where_no_server_runs(later_version: Path, sqlite_settings: Settings) -> None:
    db = open_archive.open_archive(sqlite_settings)
    with open_archive.hold_server_lock(db.url):
        assert open_archive.migrate(sqlite_settings).startswith("The search index of this version is built.")
        assert open_archive.migrate(sqlite_settings) == "The archive is up to date."
        _step(later_version)
        said = _run(later_version, sqlite_settings, "migrate")
        assert "the tables change with this version: stop it, run `dateline migrate`" in said
        assert migrate.find_state(db) == "current"
    db.close_now()
    assert _run(later_version, sqlite_settings, "migrate") == ""


def test_migration_that_fails_leaves_the_archive_as_it_was(later_version: Path, sqlite_settings: Settings) -> None:
    _step(later_version, then='op.execute("INSERT INTO nowhere VALUES (1)")')
    assert "nowhere" in _run(later_version, sqlite_settings, "migrate")
    db = open_archive.open_archive(sqlite_settings)
    assert "later" not in _tables(db)
    assert migrate.find_differences(db) == []
    db.close_now()
