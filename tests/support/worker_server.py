"""A server of several workers with the sample articles, as a process, for tests that kill some of them."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from support.processes import DatelineProcess

SEED = str(Path(__file__).resolve().parent.parent.parent / "seed_data")


class WorkerServer:
    """`dateline serve --workers N` with the sample articles; `key` has every scope."""

    def __init__(self, data: Path, workers: int, **settings: str) -> None:
        environment = {f"DATELINE_{name.upper()}": value for name, value in settings.items()}
        self.process = DatelineProcess(
            "serve", "--port", "0", "--workers", str(workers), "--seed", SEED,
            environment={"DATELINE_DATA_DIR": str(data), **environment},
        )  # fmt: skip
        self.address = self.key = ""
        self.clients: list[httpx.Client] = []
        for line in self.process.lines:
            if line.startswith("Admin key"):
                assert not self.key, "printed twice"
                self.key = line.split()[-1]
            if line.startswith("Dateline is at"):
                self.address = line.split()[3]
            if line.startswith("Try:"):
                break

    def list_workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [int(process) for process in children.split()]

    def open_clients(self, count: int) -> list[httpx.Client]:
        """Clients of one connection each, which stays open: neighbours are at different workers."""
        clients = [httpx.Client(base_url=self.address, timeout=20) for _ in range(count)]
        self.clients += clients
        for client in clients:
            assert client.get("/health/live").status_code == 200
        return clients


@contextmanager
def run_workers(data: Path, workers: int = 3, **settings: str) -> Iterator[WorkerServer]:
    server = WorkerServer(data, workers, **settings)
    processes = server.list_workers()
    try:
        assert len(processes) == workers
        yield server
    finally:
        for client in server.clients:
            client.close()
        server.process.end()
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
