"""What is sent to an endpoint, by what, and what becomes of it. Sends nothing itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import orjson

from app.http.params.times import format_time


class NotSent(Exception):
    """What there was to send is not to be sent any more; subclasses say why."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: JSON, and the headers of its signature."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """What became of a request. `status` is None without a response, `error` says for people what went wrong, None on
    success; `retry_after` in seconds."""

    status: int | None
    error: str | None
    ms: int
    retry_after: float | None = None


class Client(Protocol):
    """Sends requests to one endpoint, one after another, in whichever thread; to be closed."""

    def post(self, address: str, make: Callable[[], Message]) -> DeliveryResult:
        """Sends what `make` returns, which may raise NotSent; everything else that goes wrong is an outcome."""
        ...

    def close(self) -> None: ...


CreateClient = Callable[[], Client]


def render_body(type: str, at: int, data: bytes) -> bytes:
    """JSON as Standard Webhooks has it: what has happened, when, and about what."""
    return orjson.dumps({"type": type, "timestamp": format_time(at), "data": orjson.Fragment(data)})
