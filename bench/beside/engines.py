"""The seam between the comparison and what is compared: how a question is asked, and how a response is read."""

from dataclasses import dataclass
from typing import Protocol

import httpx

from bench.beside.processes import ProcessGroup
from bench.beside.questions import LoadQuestion, LoadResult


class Engine(Protocol):
    """A server that holds the articles."""

    @property
    def name(self) -> str: ...

    @property
    def group(self) -> ProcessGroup: ...

    def make_path(self, question: LoadQuestion) -> str:
        """Path and query of a GET that the load generator can repeat."""
        ...

    def read_page(self, question: LoadQuestion, content: bytes) -> LoadResult: ...

    def count_hits(self, question: LoadQuestion, page: LoadResult) -> int | None:
        """How many articles have the words, asked beside the measurement where a response does not say it."""
        ...


@dataclass(frozen=True, slots=True)
class EngineClient:
    """Asks an engine once, and holds what it sends to what a page is."""

    engine: Engine

    def ask(self, question: LoadQuestion) -> LoadResult:
        path = self.engine.group.address + self.engine.make_path(question)
        response = httpx.get(path, headers={"Accept-Encoding": "identity"}, timeout=60)
        if response.status_code != 200:
            raise SystemExit(f"{self.engine.name}: {response.status_code} for {path}: {response.text[:500]}")
        page = self.engine.read_page(question, response.content)
        return LoadResult(page.rows, self.engine.count_hits(question, page) if question.words else page.total)
