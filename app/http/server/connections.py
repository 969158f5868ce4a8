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
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.errors import DatelineError, Overloaded, RateLimited, RequestTimeout
from app.http.server.client_address import Clients, Network
from app.http.server.lingering_close import MOST_LEAVING, MOST_UNSENT, Leaving, Lost, raw
from app.http.server.request_head import BudgetedProtocol
from app.http.server.single_write import Every, OnePiece

logger = logging.getLogger(__name__)

TICK = 0.1


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for a request's head, for resting between two, and for a body or an answer that does not get on; both are
    given longer by as many seconds as they have thousands of bytes behind them. `strain` and `held` are bytes of
    answers that clients do not take: from the first on no more are made, beyond the second the oldest are cut off.
    `heads` is bytes of all heads that have come in part, beyond which the oldest is cut off."""

    head: float = 10
    body: float = 20
    answer: float = 20
    rest: float = 75
    bytes_a_second: int = 1_000
    strain: int = 8_000_000
    held: int = 16_000_000
    heads: int = 8_000_000
    beat: float = 1
    late: float = 0.5


AtOnce = Callable[[Scope], tuple[Message, Message] | None]
"""Start and body of an answer that is at hand, from the scope of its request."""


class Guard:
    """All connections of a server. `refused` and `cut` count, by reason, whom it turned away and broke off; `at_once`
    is asked before the application."""

    def __init__(self, most: int, per_address: int, trusted: Sequence[Network] = (), patience: Patience | None = None):
        self.most, self.per_address = most, per_address
        self.patience = patience or Patience()
        self.open: dict[Guarded, None] = {}
        self.refused: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.every = Every()
        self.at_once: AtOnce = lambda scope: None
        self.held = 0
        self.heads = 0
        self.lag = 0.0
        self._late = 0
        self._clients = Clients(trusted)
        self._by_address: dict[str, dict[Guarded, None]] = {}
        self._stalled: dict[Guarded, int] = {}
        self._half_sent: dict[Guarded, int] = {}
        self._leaving = 0
        self._busy_until = 0.0
        self._looked = 0.0
        self._ticking = False

    @property
    def protocol(self) -> Any:
        """What uvicorn's `Config(http=…)` takes: makes the protocol of a new connection."""
        return partial(Guarded, self)

    @property
    def strained(self) -> bool:
        """Whether answering more would make things worse: the loop comes late again and again, or clients leave too
        much of what was answered."""
        return self._late > 1 or self.held > self.patience.strain

    def admit(self, connection: Guarded, peer: str) -> DatelineError | None:
        """Takes the connection in, at the expense of an idle one where there is no more room; else says why not."""
        client = self._clients.peer(peer)
        beside = self._by_address.get(client.name, {})
        if not client.trusted and len(beside) >= self.per_address and not self._evict(beside):
            self.refused["address"] += 1
            return RateLimited(5)
        if len(self.open) >= self.most and not self._find_room():
            self.refused["connections"] += 1
            return Overloaded("All connections are in use.", 5)
        connection.address = client.name
        self.open[connection] = None
        self._by_address.setdefault(client.name, {})[connection] = None
        if not self._ticking:
            self._ticking = True
            self._next_tick(connection.loop)
        return None

    def leave(self, connection: Guarded) -> None:
        """May be told twice."""
        self.flowing(connection)
        self.release_head(connection)
        if connection not in self.open:
            return
        del self.open[connection]
        beside = self._by_address[connection.address]
        del beside[connection]
        if not beside:
            del self._by_address[connection.address]

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

    def _evict(self, among: Iterable[Guarded]) -> bool:
        """Ends the oldest connection that has never asked for anything, else the oldest that asks for nothing now."""
        idle = None
        for connection in among:
            if connection.cycle is None:
                idle = connection
                break
            if idle is None and connection.idle and not connection.transport.get_write_buffer_size():
                idle = connection
        if idle is None:
            return False
        self.cut["idle"] += 1
        self.leave(idle)
        idle.transport.close()
        return True

    def turn_away(self, transport: asyncio.Transport, error: DatelineError) -> None:
        """Answers, as far as possible after the request has come."""
        self.dismiss(transport, error, lambda exc: None, waits=True)

    def dismiss(self, transport: asyncio.Transport, error: DatelineError, lost: Lost, *, waits: bool = False) -> None:
        """Ends a connection with a last response; `lost` is called when it has ended, unless it ends at once."""
        if self._leaving >= MOST_LEAVING or transport.get_write_buffer_size() > MOST_UNSENT:
            transport.write(raw(error))
            transport.close()
            return

        def left(exc: Exception | None) -> None:
            self._leaving -= 1
            lost(exc)

        self._leaving += 1
        Leaving(transport, raw(error), left, waits=waits)

    def hold_head(self, connection: Guarded, size: int) -> None:
        """A head has come in part, and takes `size` bytes of memory."""
        before = self._half_sent.get(connection, 0)
        self._half_sent[connection] = size  # which keeps its place: the oldest first
        self.heads += size - before
        while self.heads > self.patience.heads and len(self._half_sent) > 1:
            oldest = next(iter(self._half_sent))
            self.cut["heads"] += 1
            oldest.break_off(Overloaded("Too many requests are being sent at once.", 5))
            self.release_head(oldest)

    def release_head(self, connection: Guarded) -> None:
        """The head is whole, or its connection has ended."""
        self.heads -= self._half_sent.pop(connection, 0)

    def stalls(self, connection: Guarded, size: int) -> None:
        """A client does not take its answer as fast as it is made: `size` bytes wait for it."""
        self.flowing(connection)
        self._stalled[connection] = size
        self.held += size
        while self.held > self.patience.held and len(self._stalled) > 1:
            self._break_off(next(iter(self._stalled)), "answer")

    def flowing(self, connection: Guarded) -> None:
        self.held -= self._stalled.pop(connection, 0)

    def _break_off(self, connection: Guarded, why: str) -> None:
        self.cut[why] += 1
        connection.break_off(RequestTimeout() if why != "answer" else None)
        self.leave(connection)

    def _next_tick(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(TICK, self._tick, loop, time.monotonic() + TICK)

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        """Goes on as long as anybody is connected."""
        now = time.monotonic()
        self.lag = max(0.0, now - due)
        self._late = self._late + 1 if self.lag > self.patience.late else 0
        if now - self._looked >= self.patience.beat:
            self._looked = now
            self.look(now)
        self._ticking = bool(self.open)
        if self._ticking:
            self._next_tick(loop)

    def look(self, now: float) -> None:
        """Breaks off whoever has not got on for too long."""
        for connection in list(self.open):
            why = connection.overdue(now, self.patience)
            if why == "rest":
                self.leave(connection)
                connection.transport.close()
            elif why:
                self._break_off(connection, why)


class Guarded(BudgetedProtocol):
    """uvicorn's connection, which also knows whether its client gets on."""

    def __init__(self, guard: Guard, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.guard = guard
        self.address = ""
        self.taken = 0
        self._active: RequestResponseCycle | None = None
        self._phase = ""
        self._since = 0.0
        self._mark: object = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        peer = transport.get_extra_info("peername")
        refused = self.guard.admit(self, str(peer[0]) if isinstance(peer, tuple) else "")
        if refused is None:
            super().connection_made(transport)
        else:
            self.guard.turn_away(transport, refused)

    def connection_lost(self, exc: Exception | None) -> None:
        self.guard.leave(self)
        super().connection_lost(exc)

    @property
    def idle(self) -> bool:
        """Whether nothing is being done for the client; an answer may still be on its way."""
        return (self.cycle is None or self.cycle.response_complete) and not self.pipeline

    @property
    def begun(self) -> bool:
        """Whether a request's head has come in part."""
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    def head_moved(self, size: int) -> None:
        if size:
            self.guard.hold_head(self, size)
        else:
            self.guard.release_head(self)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # Behind all that has been read by now, as a task would be: what one of them has found out holds for all.
        self._active = cycle
        self.loop.call_soon(self._begin, cycle, app)

    def _begin(self, cycle: RequestResponseCycle, app: Any) -> None:
        """What is kept takes no task."""
        send = OnePiece(cycle, self.guard.every)
        try:
            kept = None if self.transport.is_closing() else self.guard.at_once(cycle.scope)  # type: ignore[arg-type]
        except Exception:
            logger.exception("what is kept could not be told; the application is asked")
            kept = None
        if kept is None or not send.written(*kept):
            cycle.send = send  # type: ignore[method-assign,assignment]
            super()._start_asgi_task(cycle, app)

    def on_body(self, body: bytes) -> None:
        self.taken += len(body)
        super().on_body(body)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.guard.stalls(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self.guard.flowing(self)
        self._phase = ""

    def on_response_complete(self) -> None:
        """As uvicorn has it, but without a clock for each request: who rests too long is seen by the guard."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())

    def overdue(self, now: float, patience: Patience) -> str:
        """What the client has taken too long for, if anything: `head`, `body`, `answer`, or `rest` between two
        requests."""
        phase, mark, done = self._state()
        if phase != self._phase or (phase in ("head", "rest") and mark is not self._mark):
            self._phase, self._mark, self._since, done = phase, mark, now, 0
        if not phase:
            return ""
        if phase in ("head", "rest"):
            return phase if now - self._since > (patience.head if phase == "head" else patience.rest) else ""
        most = patience.body if phase == "body" else patience.answer
        return phase if now - self._since > most + done / patience.bytes_a_second else ""

    def _state(self) -> tuple[str, object, int]:
        """What is waited for, something to compare it with, and how many bytes have come or gone since it began."""
        waiting = self.transport.get_write_buffer_size()
        if waiting:
            before = self._mark if self._phase == "answer" and isinstance(self._mark, int) else waiting
            return "answer", waiting, max(0, before - waiting)
        if self.idle:
            rests = self.cycle is not None and not self.begun and not self.cycle.more_body
            return ("rest", self.cycle, 0) if rests else ("head", self.scope, 0)
        if self.cycle.more_body and not self.flow.read_paused and not self.cycle.waiting_for_100_continue:
            before = self._mark if self._phase == "body" and isinstance(self._mark, int) else self.taken
            return "body", self.taken, self.taken - before
        return "", None, 0

    def break_off(self, error: DatelineError | None) -> None:
        """With an answer, if the client has begun to ask and none has begun; at once otherwise."""
        asked = self.begun or not self.idle
        if error is None or not asked or (not self.idle and self.cycle.response_started):
            self.transport.abort()
        else:
            self._leave_with(error)

    def end_with(self, error: DatelineError) -> None:
        """What the client sends is refused."""
        if not self.ended and not self.transport.is_closing():
            self.guard.refused["malformed" if error.status == 400 else "head"] += 1
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
        self.guard.dismiss(self.transport, error, self.connection_lost)
        if not self.transport.is_closing():
            self.guard.leave(self)
