"""Runs the server: the socket first, then the archive, then uvicorn, in one process or in several workers; says what a
person should know."""

import ctypes
import gc
import ipaddress
import logging
import resource
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from importlib import metadata
from io import BytesIO
from pathlib import Path
from threading import Event, Thread

from rich.console import Console
from sqlalchemy import func, select
from sqlmodel import Session

from app.commands import open_archive
from app.commands.import_articles import catch_up_index
from app.commands.options import open_database
from app.commands.outage import wait_for_database
from app.db import audit_rows, permissions, shipped
from app.db.database import Database, DatabaseProblem, read_url
from app.http import auth
from app.http.docs import docs_page
from app.http.middleware import log_lines
from app.http.server.connections import ConnectionLimiter
from app.http.server.hangup import handle_hangups
from app.http.server.process import ServerProcess
from app.http.server.self_check import check_libraries
from app.http.server.supervisor import Supervisor
from app.importers import pipeline, sources
from app.main import SharedMemory, create_app, share_memory
from app.models import ApiKey, Article, table
from app.monitoring import telemetry
from app.monitoring.server_numbers import add_ended
from app.search.indexing.archive_indexes import check_engine
from app.settings import Settings
from app.sync.watch import LogWatch

logger = logging.getLogger(__name__)

SECRET = ("database_url", "replica_url", "index_secret", "search_password", "search_api_key")
"""Settings of which the audit says only that they are set."""
RESERVED_FILES, FEWEST_CONNECTIONS = 512, 10
"""For the database, the index, and connections that are being turned away."""
TRIM_SECONDS = 10
"""Half a millisecond each time, beside the requests."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Numbers of mallopt's parameters, from glibc's malloc.h."""


def run_server(settings: Settings, seed: Path | None, console: Console) -> None:
    """Serves until told to stop. DatabaseProblem for a port in use, an archive that is served, one that does not fit,
    or libraries that are not those which the server was made for."""
    handle_hangups()
    log_lines.configure(settings.log_format, "ERROR")
    check_libraries(plain=settings.plain_uvicorn)
    # The socket before the archive: a port in use is said at once, not after a migration or an import of samples.
    with _open_socket(settings) as listening, ExitStack() as lock:
        if not wait_for_database(settings, listening, console):
            return
        if settings.workers > 1:
            lock.enter_context(open_archive.hold_server_lock(read_url(settings.url)))
            _run_workers(settings, listening, seed, console)
            return
        with open_database(settings) as db:
            lock.enter_context(open_archive.hold_server_lock(db.url))
            key = _prepare_archive(db, settings, seed, console)
        _start_logging(settings)
        settings = _name_api(settings, listening)

        def run(process: ServerProcess) -> bool:
            _greet(console, _name_address(listening), key)
            return process.run(listening)

        _serve(settings, run)


def _run_workers(settings: Settings, listening: socket.socket, seed: Path | None, console: Console) -> None:
    """Opens nothing itself that a worker must not inherit: the archive is made ready in a process of its own."""
    shared = share_memory(settings)
    _start_logging(settings)

    def prepare() -> None:
        logging.getLogger().setLevel(logging.ERROR)  # as without workers: what comes first is no news
        with open_database(settings) as db:
            key = _prepare_archive(db, settings, seed, console)
        _show_key(console, key)

    served = _name_api(settings, listening)

    def work(number: int, lifeline: int) -> None:
        open_archive.protect_new_files(settings)
        _serve(served, lambda process: process.run_worker(listening, shared.counts, lifeline), shared)

    supervisor = Supervisor(shared.counts, work, add_ended)
    docs_page.load_files()  # which all send
    freeze_garbage_collector()  # before the fork: memory that is not looked through stays that of all
    if supervisor.run_first(prepare):
        supervisor.run(lambda: _greet(console, _name_address(listening), None))


def _prepare_archive(db: Database, settings: Settings, seed: Path | None, console: Console) -> str | None:
    """Everything that a server finds done; the first key, where one was made. Of an archive that can only be read
    nothing is changed."""
    reason = db.condition.reason
    check_engine(settings)
    key = _import_samples(db, settings, seed, console) if seed is not None and reason is None else None
    open_archive.make_index_folder(settings, is_read_only=reason is not None)
    if reason is None:
        db.write_now(_note_start, settings)
    else:
        console.print(f"The archive can only be read: {reason}.", markup=False)
    return key


def _name_api(settings: Settings, listening: socket.socket) -> Settings:
    """Where nobody but this machine reaches the server, no proxy stands before it and no site shows its articles, the
    address of the API is known without being told: feeds have whole addresses from the first start on."""
    host = ipaddress.ip_address(listening.getsockname()[0])
    is_behind_proxy = settings.root_path or settings.trusted_proxies
    if settings.api_url or settings.site_url or is_behind_proxy or not host.is_loopback:
        return settings
    return settings.model_copy(update={"api_url": _name_address(listening)})


def _note_start(session: Session, settings: Settings) -> None:
    """The settings that are not as they come, without what holds a password."""
    changed = {
        name: str(value) if name not in SECRET else "set"
        for name, field in type(settings).model_fields.items()
        if (value := getattr(settings, name)) != field.default
    }
    details: dict[str, object] = {"version": metadata.version("dateline")}
    audit_rows.add_record(session, audit_rows.AuditRecord("server_start", details={**details, **changed}))


def _start_logging(settings: Settings) -> None:
    # Only now: that an index is built for the first time is no news to whoever starts a server.
    logging.getLogger().setLevel(settings.log_level)
    for warning in open_archive.describe_open_files(settings):
        logger.warning("%s", warning)
    if settings.plain_uvicorn:
        logger.warning(
            "DATELINE_PLAIN_UVICORN is set: connections, heads of requests and slow clients have no limits but those "
            "of uvicorn and of a proxy in front"
        )


def _serve(settings: Settings, run: Callable[[ServerProcess], bool], shared: SharedMemory | None = None) -> None:
    """In this process, until told to stop."""
    ending = Event()
    _return_memory(ending)
    shorten_turns()
    provider = telemetry.create_provider()
    app = create_app(settings, shared=shared, tracer=telemetry.install(provider) if provider is not None else None)
    limiter: ConnectionLimiter = app.state.limiter
    limiter.max_connections = _limit_connections(settings)
    process = ServerProcess(app, None if settings.plain_uvicorn else limiter.protocol, settings.keep_alive)
    # Whoever waits for news is let go first; else the server would wait for them.
    watch: LogWatch = app.state.watch
    watch.ending = lambda: process.is_ending
    freeze_garbage_collector()
    has_served = run(process)
    ending.set()
    if provider is not None:
        provider.shutdown()
    if not has_served:
        raise DatabaseProblem("The server could not start; the lines above say why.")


def _limit_connections(settings: Settings) -> int:
    """As many as wanted, or as the system has files for; DatabaseProblem where it has too few to serve anybody."""
    files = _limit_files()
    possible = files - RESERVED_FILES
    if possible < FEWEST_CONNECTIONS:
        needed = RESERVED_FILES + FEWEST_CONNECTIONS
        raise DatabaseProblem(f"The system allows {files} open files, and serving takes {needed}: ulimit -n {needed}")
    if possible < settings.max_connections:
        logger.warning(
            "%d connections at once instead of %d: the system allows %d open files",
            possible, settings.max_connections, files,
        )  # fmt: skip
    return min(settings.max_connections, possible)


def _limit_files() -> int:
    """How many files and connections this process may have open, after asking for all that the system gives."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        hard = max(soft, 1 << 20)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _return_memory(ending: Event) -> None:
    """Has glibc return freed memory to the system: by itself it learns from large responses to keep ever larger pieces,
    gives each thread a heap of its own, and keeps what is free between two pieces in use. 10 MB less after a mixed
    load, 13 MB after a crowd of connections; no other C library needs it."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return
    for parameter, value in ((M_ARENA_MAX, 2), (M_MMAP_THRESHOLD, 1 << 17), (M_TRIM_THRESHOLD, 1 << 17)):
        libc.mallopt(parameter, value)

    def trim() -> None:
        while not ending.wait(TRIM_SECONDS):
            libc.malloc_trim(0)

    Thread(target=trim, name="give-back", daemon=True).start()


def shorten_turns() -> None:
    """Threads that write and index hand the interpreter over after 0.2 ms instead of Python's 5: a write changes
    threads some fifty times, and waited for the one that indexes at each. Its 99th percentile at half of the greatest
    rate was 80 to 270 ms and is 50 to 80, with as many writes a second."""
    sys.setswitchinterval(0.0002)


def freeze_garbage_collector() -> None:
    """What is loaded now stays as long as the process: looking through it for garbage again and again would hold up
    requests for 60 to 100 ms each time."""
    gc.collect()
    gc.freeze()


def _name_address(listening: socket.socket) -> str:
    return "http://{}:{}".format(*_format_address(listening))


def _format_address(listening: socket.socket) -> tuple[str, int]:
    """Host and port as an address to open: an IPv6 host in brackets, and for "everywhere" this machine."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- only shown
    return (f"[{host}]" if ":" in host else host), port


def _open_socket(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # By its protocol asyncio tells a socket that it must not hold small responses back for 40 ms.
    listening = socket.socket(family, proto=socket.IPPROTO_TCP)
    # A restarted server gets its port back while connections of the one before are still in TIME_WAIT.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise DatabaseProblem(
            f"Port {settings.port} on {settings.host} cannot be used ({error.strerror}). For another one: --port, "
            "DATELINE_PORT, or `make run PORT=…`."
        ) from None
    return listening


def _import_samples(db: Database, settings: Settings, seed: Path, console: Console) -> str | None:
    """The sample articles for an empty archive, with their index; a first key where there is none."""
    with db.snapshot() as snapshot:
        articles = snapshot.connection.execute(select(func.count()).select_from(table(Article))).scalar_one()
        keys = snapshot.connection.execute(select(func.count()).select_from(table(ApiKey))).scalar_one()
    if not articles:
        if str(seed) == "seed_data" and not seed.exists():
            seed = shipped.find_folder("seed_data")
        import_sources = sources.find_sources([str(seed)], BytesIO())
        options = pipeline.ImportOptions(enrich=settings.enrich, site_url=settings.site_url)
        report = pipeline.run_import(db, import_sources, options, db.read_time)
        console.print(f"{report.created} sample articles from {seed.name} are in the archive.", markup=False)
        for where, reason in report.failures:
            console.print(f"failed: {where}: {reason}", markup=False)
    # A cluster may respond later: the server sees to its indexes as soon as it does.
    catch_up_index(db, settings, with_cluster=False)
    return None if keys else _create_first_key(db, settings.first_key_file, console)


def _create_first_key(db: Database, file: Path | None, console: Console) -> str | None:
    """Makes a key with every scope; returns it to be printed, or writes it to a file: what a container prints is kept
    in its log."""
    if file is None:
        return db.write_now(auth.create_key, "first key", auth.SCOPES).value
    try:
        permissions.create_file(file)
        file.write_text(db.write_now(auth.create_key, "first key", auth.SCOPES).value + "\n", encoding="ascii")
    except OSError as error:
        raise DatabaseProblem(f"The first key cannot be written to {file}: {error.strerror}.") from error
    console.print(f"The admin key is in {file}: read it and delete the file.", markup=False)
    return None


def _greet(console: Console, address: str, key: str | None) -> None:
    console.print(f"Dateline is at {address} (documentation: {address}/docs).", markup=False)
    console.print(f"Try: curl '{address}/v1/search?q=nato'", markup=False)
    _show_key(console, key)


def _show_key(console: Console, key: str | None) -> None:
    if key:
        console.print(f"Admin key, shown this once: {key}", markup=False)
