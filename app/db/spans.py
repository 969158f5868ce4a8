"""Spans of a trace (OpenTelemetry) for what takes time: nothing, and next to no time, until a tracer is set. Whoever
sets one is `app.monitoring.telemetry`; OpenTelemetry itself is not known here."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Tracer(Protocol):
    """What a tracer of OpenTelemetry has."""

    def start_as_current_span(self, name: str) -> AbstractContextManager[object]:
        """A span of this name around a block; exceptions that leave it are noted in it."""


class _Current:
    tracer: Tracer | None = None


_NOTHING = nullcontext()


def set_tracer(tracer: Tracer | None) -> None:
    """From now on, in this process."""
    _Current.tracer = tracer


def begin_span(name: str) -> AbstractContextManager[object]:
    """A span around a block, as a part of the one that it happens in."""
    return _NOTHING if _Current.tracer is None else _Current.tracer.start_as_current_span(name)
