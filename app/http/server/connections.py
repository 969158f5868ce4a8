"""Who may be connected, and for how long without getting on: uvicorn's own protocol with a guard beside it.

Caps on connections, patience with slow clients, a bound on bytes that nobody takes. Costs requests nothing to speak of:
once a second all connections are looked at. Reads no request and knows no routes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.errors import DatelineError, Overloaded, RateLimited, RequestTimeout
from app.http.server.client_address import ClientAddresses, Network
from app.http.server.lingering_close import MOST_LEAVING, MOST_UNSENT, LingeringClose, Lost, encode_response
from app.http.server.request_head import BudgetedProtocol
from app.http.server.shared_counts import PerAddress, Shared, SharedCounts
from app.http.server.single_write import DefaultHeaders, SingleWriteSend

logger = logging.getLogger(__name__)

TICK = 0.1


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for a request's head, for resting between two, and for a body or a response that makes no progress; both
    are given longer by as many seconds as they have thousands of bytes behind them. `strain` and `held_bytes` are bytes
    of responses that clients do not take: from the first on no more are made, beyond the second the oldest are cut off.
    `heads` is bytes of all heads that have come in part, beyond which the oldest is cut off."""

    head: float = 10
    body: float = 20
    response: float = 20
    rest: float = 75
    bytes_a_second: int = 1_000
    strain: int = 8_000_000
    held_bytes: int = 16_000_000
    heads: int = 8_000_000
    beat: float = 1
    late_seconds: float = 0.5

    def share(self, workers: int) -> Timeouts:
        """One worker's part of the bytes that all of a server's may hold."""
        parts = {name: getattr(self, name) // workers for name in ("strain", "held_bytes", "heads")}
        return replace(self, **parts)


AtOnce = Callable[[Scope], tuple[Message, Message] | None]
"""Start and body of a cached response, from the scope of its request."""


class ConnectionLimiter:
    """All connections of a process; `counts` has those of the server's other ones, and the limits are those of all.
    `refused` and `cut` count, by reason, whom it turned away and broke off; `find_cached` is asked before the
    application. `root_path` begins the paths in what it says itself."""

    def __init__(
        self,
        max_connections: int,
        per_address: int,
        trusted: Sequence[Network] = (),
        timeouts: Timeouts | None = None,
        counts: SharedCounts | None = None,
    ):
        self.max_connections, self.per_address = max_connections, per_address
        self.timeouts = timeouts or Timeouts()
        self._counts = counts or SharedCounts()
        self.open: dict[LimitedProtocol, None] = {}
        self.refused: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.default_headers = DefaultHeaders()
        self.find_cached: AtOnce = lambda scope: None
        self.root_path = ""
        self.held = self.heads = self._late = self._leaving = self._counted = 0
        self.lag = self._busy_until = self._looked = 0.0
        self._clients = ClientAddresses(trusted)
        self._by_address: dict[str, dict[LimitedProtocol, None]] = {}
        self._stalled: dict[LimitedProtocol, int] = {}
        self._half_sent: dict[LimitedProtocol, int] = {}
        self._ticking = False

    @property
    def protocol(self) -> Any:
        """What uvicorn's `Config(http=…)` takes: makes the protocol of a new connection."""
        return partial(LimitedProtocol, self)

    @property
    def is_strained(self) -> bool:
        """Whether more responses would make things worse: the loop comes late again and again, or clients leave too
        much unread."""
        return self._late > 1 or self.held > self.timeouts.strain

    def admit(self, connection: LimitedProtocol, peer: str) -> DatelineError | None:
        """Takes the connection in, at the expense of an idle one where there is no more room; else says why not."""
        client = self._clients.read_peer(peer)
        beside = self._by_address.get(client.name, {})
        self._count(client.name, 1)  # before it is compared: two that come at once may not both be too many
        elsewhere = self._counts.add_others_of_address(PerAddress.CONNECTIONS, client.name)
        if not client.trusted and len(beside) + elsewhere >= self.per_address and not self._evict(beside):
            self._count(client.name, -1)
            self.refused["address"] += 1
            return RateLimited(5)
        is_full = len(self.open) + self._counts.add_others(Shared.CONNECTIONS) >= self.max_connections
        if is_full and not self._find_room():
            self._count(client.name, -1)
            self.refused["connections"] += 1
            return Overloaded("All connections are in use.", 5)
        connection.address = client.name
        self.open[connection] = None
        self._by_address.setdefault(client.name, {})[connection] = None
        if not self._ticking:
            self._ticking = True
            self._next_tick(connection.loop)
        return None

    def remove(self, connection: LimitedProtocol) -> None:
        """May be told twice."""
        self.note_progress(connection)
        self.release_head(connection)
        if connection not in self.open:
            return
        del self.open[connection]
        self._count(connection.address, -1)
        beside = self._by_address[connection.address]
        del beside[connection]
        if not beside:
            del self._by_address[connection.address]

    def _count(self, address: str, change: int) -> None:
        self._counted += change
        self._counts.set_own(Shared.CONNECTIONS, self._counted)
        self._counts.add_of_address(PerAddress.CONNECTIONS, address, change)

    def _find_room(self) -> bool:
        """At the expense of the address that has most, so that a crowd drives out its own; looks through all
        connections at most every tenth of a second while all are busy."""
        now = time.monotonic()
        if now < self._busy_until:
            return False
        crowd = max(self._by_address.values(), key=len, default={})
        if self._evict(crowd) or self._evict(self.open):
            return True
        self._busy_until = now + TICK
        return False

    def _evict(self, among: Iterable[LimitedProtocol]) -> bool:
        """Ends the oldest connection that has never asked for anything, else the oldest that asks for nothing now."""
        idle = None
        for connection in among:
            if connection.cycle is None:
                idle = connection
                break
            if idle is None and connection.is_idle and not connection.transport.get_write_buffer_size():
                idle = connection
        if idle is None:
            return False
        self.cut["idle"] += 1
        self.remove(idle)
        idle.transport.close()
        return True

    def reject(self, transport: asyncio.Transport, error: DatelineError) -> None:
        """Responds, as far as possible after the request has come."""
        self.dismiss(transport, error, lambda exc: None, waits=True)

    def dismiss(self, transport: asyncio.Transport, error: DatelineError, lost: Lost, *, waits: bool = False) -> None:
        """Ends a connection with a last response; `lost` is called when it has ended, unless it ends at once."""
        if self._leaving >= MOST_LEAVING or transport.get_write_buffer_size() > MOST_UNSENT:
            transport.write(encode_response(error, self.root_path))
            transport.close()
            return

        def forget_leaving(exc: Exception | None) -> None:
            self._leaving -= 1
            lost(exc)

        self._leaving += 1
        LingeringClose(transport, encode_response(error, self.root_path), forget_leaving, waits=waits)

    def hold_head(self, connection: LimitedProtocol, size: int) -> None:
        """A head has come in part, and takes `size` bytes of memory."""
        before = self._half_sent.get(connection, 0)
        self._half_sent[connection] = size  # which keeps its place: the oldest first
        self.heads += size - before
        while self.heads > self.timeouts.heads and len(self._half_sent) > 1:
            oldest = next(iter(self._half_sent))
            self.cut["heads"] += 1
            oldest.break_off(Overloaded("Too many requests are being sent at once.", 5))
            self.release_head(oldest)

    def release_head(self, connection: LimitedProtocol) -> None:
        """The head is whole, or its connection has ended."""
        self.heads -= self._half_sent.pop(connection, 0)

    def note_stall(self, connection: LimitedProtocol, size: int) -> None:
        """A client does not take its response as fast as it is made: `size` bytes wait for it."""
        self.note_progress(connection)
        self._stalled[connection] = size
        self.held += size
        while self.held > self.timeouts.held_bytes and len(self._stalled) > 1:
            self._break_off(next(iter(self._stalled)), "answer")

    def note_progress(self, connection: LimitedProtocol) -> None:
        self.held -= self._stalled.pop(connection, 0)

    def _break_off(self, connection: LimitedProtocol, why: str) -> None:
        self.cut[why] += 1
        connection.break_off(RequestTimeout() if why != "answer" else None)
        self.remove(connection)

    def _next_tick(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(TICK, self._tick, loop, time.monotonic() + TICK)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """Goes on as long as anybody is connected."""
        now = time.monotonic()
        self.lag = max(0.0, now - due)
        self._late = self._late + 1 if self.lag > self.timeouts.late_seconds else 0
        if now - self._looked >= self.timeouts.beat:
            self._looked = now
            self.break_off_overdue(now)
        self._ticking = bool(self.open)
        if self._ticking:
            self._next_tick(loop)

    def break_off_overdue(self, now: float) -> None:
        """Breaks off whoever has not got on for too long."""
        for connection in list(self.open):
            why = connection.find_overdue(now, self.timeouts)
            if why == "rest":
                self.remove(connection)
                connection.transport.close()
            elif why:
                self._break_off(connection, why)


class LimitedProtocol(BudgetedProtocol):
    """uvicorn's connection, which also knows whether its client gets on."""

    def __init__(self, limiter: ConnectionLimiter, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.limiter = limiter
        self.address = ""
        self.taken = 0
        self._active: RequestResponseCycle | None = None
        self._phase = ""
        self._since = 0.0
        self._mark: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        peer = transport.get_extra_info("peername")
        refused = self.limiter.admit(self, str(peer[0]) if isinstance(peer, tuple) else "")
        if refused is None:
            super().connection_made(transport)
        else:
            self.limiter.reject(transport, refused)

    def connection_lost(self, exc: Exception | None) -> None:
        self.limiter.remove(self)
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being done for the client; a response may still be on its way."""
        return (self.cycle is None or self.cycle.response_complete) and not self.pipeline

    @property
    def is_head_begun(self) -> bool:
        """Whether a request's head has come in part."""
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def note_head_size(self, size: int) -> None:
        if size:
            self.limiter.hold_head(self, size)
        else:
            self.limiter.release_head(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # Behind all that has been read by now, as a task would be: what one of them has found out holds for all.
        self._active = cycle
        self.loop.call_soon(self._begin_request, cycle, app)

    def _begin_request(self, cycle: RequestResponseCycle, app: Any) -> None:
        """What is kept takes no task."""
        send = SingleWriteSend(cycle, self.limiter.default_headers)
        try:
            cached_messages = None if self.transport.is_closing() else self.limiter.find_cached(cycle.scope)  # type: ignore[arg-type]
        except Exception:
            logger.exception("what is kept could not be told; the application is asked")
            cached_messages = None
        if cached_messages is None or not send.is_written(*cached_messages):
            cycle.send = send  # type: ignore[method-assign,assignment]
            super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self.taken += len(body)
        super().on_body(body)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.limiter.note_stall(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self.limiter.note_progress(self)
        self._phase = ""

    def on_response_complete(self) -> None:
        """As uvicorn has it, but without a clock for each request: who rests too long is seen by the guard."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())

    def find_overdue(self, now: float, timeouts: Timeouts) -> str:
        """The phase that the client has taken too long for, if any: a head, a body, a response, or the rest between two
        requests."""
        phase, mark, done_bytes = self._observe()
        if phase != self._phase or (phase in ("head", "rest") and mark is not self._mark):
            self._phase, self._mark, self._since, done_bytes = phase, mark, now, 0
        if not phase:
            return ""
        if phase in ("head", "rest"):
            return phase if now - self._since > (timeouts.head if phase == "head" else timeouts.rest) else ""
        seconds_allowed = timeouts.body if phase == "body" else timeouts.response
        return phase if now - self._since > seconds_allowed + done_bytes / timeouts.bytes_a_second else ""

    def _observe(self) -> tuple[str, object, int]:
        """What is waited for, something to compare it with, and how many bytes have come or gone since it began."""
        waiting = self.transport.get_write_buffer_size()
        if waiting:
            # Bytes that have gone since the phase began; a new phase begins with what waits now.
            before = self._mark if self._phase == "answer" and isinstance(self._mark, int) else waiting
            return "answer", waiting, max(0, before - waiting)
        if self.is_idle:
            rests = self.cycle is not None and not self.is_head_begun and not self.cycle.more_body
            return ("rest", self.cycle, 0) if rests else ("head", self.scope, 0)
        if self.cycle.more_body and not self.flow.read_paused and not self.cycle.waiting_for_100_continue:
            before = self._mark if self._phase == "body" and isinstance(self._mark, int) else self.taken
            return "body", self.taken, self.taken - before
        return "", None, 0

    def break_off(self, error: DatelineError | None) -> None:
        """With a response, if the client has begun a request and none has begun; at once otherwise."""
        has_request = self.is_head_begun or not self.is_idle
        if error is None or not has_request or (not self.is_idle and self.cycle.response_started):
            self.transport.abort()
        else:
            self._leave_with(error)

    def end_with(self, error: DatelineError) -> None:
        """What the client sends is refused."""
        if not self.ended and not self.transport.is_closing():
            self.limiter.refused["malformed" if error.status == 400 else "head"] += 1
            self._leave_with(error)

    def shutdown(self) -> None:
        """The server ends, and with it the wait for what else the client may send."""
        if self.ended:
            self.transport.close()
        else:
            super().shutdown()

    def _leave_with(self, error: DatelineError) -> None:
        """The last that this client hears; whatever is being made for it is no longer sent."""
        self.ended = True
        self.pipeline.clear()
        in_between = False
        for cycle in (self._active, self.cycle):
            if cycle is not None and not cycle.response_complete:
                in_between = in_between or cycle.response_started
                cycle.disconnected = True
                cycle.message_event.set()
        if in_between:  # the client would read the error as a part of the response before it
            self.transport.close()
            return
        self.limiter.dismiss(self.transport, error, self.connection_lost)
        if not self.transport.is_closing():
            self.limiter.remove(self)
