"""What requests cost beside OpenSearch and Datasette: the same articles and columns, under equal load, by turns.

    python -m bench.beside FOLDER [--workers 2] [--articles 20000] [--seconds 3] [--rounds 5] [--only one,three]

FOLDER, outside of the project, holds `datasette`, an environment of Python; docs/performance.md says how to get it. It
can be named in BENCH_BESIDE instead. The archive is made in it once. Before anything is measured the responses of all
three are compared. While one is measured the processes of the others are stopped (SIGSTOP); the rounds of the three
alternate, and every figure is the median of its rounds.
"""

import argparse
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import load
from bench.archive import build_archive
from bench.beside.datasette import run_datasette
from bench.beside.dateline import read_articles, run_dateline
from bench.beside.engines import Engine, EngineClient
from bench.beside.opensearch import run_opensearch
from bench.beside.processes import count_meanwhile
from bench.beside.questions import LoadKind, compare_responses, make_kinds
from bench.load import LoadRound
from bench.opensearch_nodes import NotAvailable, find_distribution, find_java

WORDS = 450
PORTS = 4


@dataclass(frozen=True, slots=True)
class MeasuredRound:
    """One round at one server, and the connections that each of its processes had in it."""

    round: LoadRound
    connections: tuple[int, ...]


def measure_kind(engines: Sequence[Engine], kind: LoadKind, arguments: argparse.Namespace) -> list[list[MeasuredRound]]:
    """The rounds of each engine, which alternate."""
    rounds: list[list[MeasuredRound]] = [[] for _ in engines]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, engine.name) for engine in engines]
        for engine, file in zip(engines, files, strict=True):
            file.write_text("".join(f"{engine.make_path(question)}\n" for question in kind.questions))
            if arguments.warm_up:
                measure_round(engine, file, arguments.warm_up)
        for _ in range(arguments.rounds):
            for engine, file, measured in zip(engines, files, rounds, strict=True):
                measured.append(measure_round(engine, file, arguments.seconds))
    return rounds


def measure_round(engine: Engine, paths: Path, seconds: int) -> MeasuredRound:
    """All engines are stopped but for this one, while it is measured."""
    before = engine.group.list_pids()
    engine.group.go_on()
    try:
        with count_meanwhile(engine.group, seconds / 2) as connections:
            measured = load.run_load(engine.group, paths, seconds, {})
        if engine.group.list_pids() != before:
            print(f"{engine.name} has other processes than before: the round is of no use", file=sys.stderr)
        return MeasuredRound(measured, tuple(sorted((n for n in connections.values() if n), reverse=True)))
    finally:
        engine.group.stop()


@contextmanager
def open_engines(
    arguments: argparse.Namespace, folder: Path, archive: Path
) -> Iterator[tuple[list[Engine], list[LoadKind]]]:
    """All three with the same articles in them, running, and what they are asked."""
    ports = [arguments.port + n if arguments.port else load.find_free_port() for n in range(PORTS)]
    with ExitStack() as stack:
        dateline = stack.enter_context(run_dateline(archive, ports[0], arguments.workers, folder / "dateline.log"))
        articles = read_articles(dateline)
        _tell(f"{len(articles)} articles read")
        engines: list[Engine] = [dateline]
        left_out = arguments.without.split(",")
        for name in {"opensearch", "datasette"} - {*left_out}:
            (folder / name).mkdir()
        if "opensearch" not in left_out:
            own, log = folder / "opensearch", folder / "opensearch.log"
            engines.append(stack.enter_context(run_opensearch(arguments.opensearch, own, ports[1], articles, log)))
        if "datasette" not in left_out:
            own, log = folder / "datasette", folder / "datasette.log"
            engines.append(stack.enter_context(run_datasette(arguments.datasette, own, ports[3], articles, log)))
        _tell(f"the others have them; {', '.join(engine.name for engine in engines)} run")
        yield engines, make_kinds(articles)


def render_row(kind: str, rounds: Sequence[Sequence[MeasuredRound]], workers: int) -> str:
    """Requests a second and processor time of each, and how many times as many the first serves."""
    medians = [LoadRound.take_median([one.round for one in measured]) for measured in rounds]
    cells = [f"{median.rate:,.0f} ({median.cpu:,.0f})" for median in medians]
    # Of the rounds that stand side by side: the machine's speed wavers.
    times = [
        statistics.median(own.round.rate / other.round.rate for own, other in zip(rounds[0], others, strict=True))
        for others in rounds[1:]
    ]
    latencies = [f"{median.p50:.1f}, {median.p99:.1f}" for median in medians]
    spread = "; ".join(sorted({_render_connections(one, workers) for one in rounds[0]}))
    return "| " + " | ".join([kind, *cells, *(f"{n:.2f}" for n in times), *latencies, spread]) + " |"


def _render_connections(measured: MeasuredRound, workers: int) -> str:
    """Of the processes that have any; a supervisor has none, so that zeros are workers."""
    return "+".join(map(str, [*measured.connections, *[0] * (workers - len(measured.connections))]))


def render_head(engines: Sequence[Engine]) -> str:
    names = [engine.name for engine in engines]
    heads = [*names, *(f"× {name}" for name in names[1:]), *(f"{name}, ms" for name in names), "connections"]
    return "| asked for | " + " | ".join(heads) + " |\n" + "|---" * (len(heads) + 1) + "|"


def describe_engines(engines: Sequence[Engine], folder: Path, archive: Path) -> Iterator[str]:
    """Memory while stopped, after the load, and what lies on disk."""
    for engine in engines:
        resident, own = engine.group.read_memory()
        where = archive if engine.name == "Dateline" else folder / engine.name.lower()
        size = sum(file.stat().st_size for file in where.rglob("*") if file.is_file()) / 1e6
        processes = len(engine.group.list_pids())
        yield f"{engine.name}: {processes} processes, {resident:.0f} MB ({own:.0f} of its own), {size:.0f} MB on disk"


def compare_and_measure(arguments: argparse.Namespace, folder: Path, archive: Path) -> None:
    with open_engines(arguments, folder, archive) as (engines, kinds):
        asks = [EngineClient(engine).ask for engine in engines]
        chosen = [kind for kind in kinds if _is_chosen(kind.name, arguments.only)]
        comparisons = [compare_responses(kind, asks) for kind in chosen]
        for one in comparisons:
            count = len(one.kind.questions)
            print(f"{one.kind.name}: {count} questions, {one.shared:.0%} of the 20 articles are the same")
        for engine in engines:
            engine.group.stop()
        print(
            f"\n{arguments.articles:,} articles of {WORDS} words, {arguments.workers} workers, {load.CONNECTIONS} "
            f"connections, {arguments.rounds} rounds of {arguments.seconds} s, load {os.getloadavg()[0]:.1f} on "
            f"{os.cpu_count()} cores; requests/s (CPU µs each), p50 and p99\n"
        )
        print(render_head(engines))
        for one in comparisons:
            rounds = measure_kind(engines, one.kind, arguments)
            print(render_row(one.kind.name, rounds, arguments.workers), flush=True)
        print()
        print(*describe_engines(engines, folder, archive), sep="\n")


def _tell(step: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {step}", file=sys.stderr, flush=True)


def _is_chosen(name: str, only: str) -> bool:
    return not only or any(name.startswith(word) for word in only.split(","))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench.beside")
    named = os.environ.get("BENCH_BESIDE")
    parser.add_argument("folder", type=Path, nargs="?", default=Path(named) if named else None)
    parser.add_argument("--opensearch", type=Path, help="an unpacked distribution; else Maven fetches one")
    parser.add_argument("--datasette", type=Path, help="its environment of Python; FOLDER/datasette")
    parser.add_argument("--without", default="", help="leaves out opensearch or datasette, or both, with a comma")
    parser.add_argument("--workers", type=int, default=1, help="of Dateline")
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=3, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=10, help="seconds of load on each before its rounds, per kind")
    parser.add_argument("--only", default="", help="how kinds begin: one,20,three")
    parser.add_argument("--port", type=int, default=0, help="the first of four; free ones")
    arguments = parser.parse_args()
    if arguments.folder is None or not arguments.folder.is_dir():
        parser.error("name the folder that holds datasette, or set BENCH_BESIDE")
    arguments.folder = arguments.folder.resolve()
    arguments.datasette = (arguments.datasette or arguments.folder / "datasette").absolute()
    return arguments


def check_tools(arguments: argparse.Namespace) -> None:
    """All that is missing is said before the archive is made."""
    load.require_wrk()
    left_out = arguments.without.split(",")
    if "opensearch" not in left_out:
        try:
            find_java()
            arguments.opensearch = (arguments.opensearch or find_distribution()).resolve()
        except NotAvailable as error:
            raise SystemExit(str(error)) from None
    if "datasette" not in left_out and not (arguments.datasette / "bin/datasette").exists():
        raise SystemExit(
            f"There is no Datasette in {arguments.datasette}; docs/performance.md says how to get it there"
        )


def main() -> None:
    arguments = _parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # servers that are stopped would be left behind
    check_tools(arguments)
    archive = arguments.folder / f"archive-{arguments.articles}x{WORDS}"
    build_archive(archive, arguments.articles, WORDS)
    run = Path(tempfile.mkdtemp(prefix="run-", dir=arguments.folder))
    run.chmod(0o755)  # another user's OpenSearch has to get through
    try:
        compare_and_measure(arguments, run, archive)
    finally:
        shutil.rmtree(run)


if __name__ == "__main__":
    main()
