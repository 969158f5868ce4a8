"""The lines of the server's log, as text or as a JSON object each: one stream for warnings, tracebacks and requests, of
all workers. Never shows a key or a password, wherever a message has it from.

The trace is that of the client's `traceparent` (W3C Trace Context, level 1, section 3.2.2).
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

import orjson
from starlette.types import Scope

from app.http.headers import find_header
from app.http.request_state import get_request_id

LogFormat = Literal["text", "json"]
TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
current_scope: ContextVar[Scope | None] = ContextVar("current_scope", default=None)
"""Of the request that is being worked on."""
_TRACE = re.compile(rb"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_KEY = re.compile(r"(dl_[0-9]{1,15}_)[A-Za-z0-9_-]{20,}")
_PASSWORD = re.compile(r"([a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@")


def hide_secrets(text: str) -> str:
    """Without the secret part of API keys, and without passwords in addresses."""
    return _PASSWORD.sub(r"\1:…@", _KEY.sub(r"\1…", text))


def find_trace_id(scope: Scope) -> str | None:
    """32 hexadecimal digits; None where the client has sent none, or none that is valid."""
    sent = find_header(scope, b"traceparent")
    match = _TRACE.fullmatch(sent) if sent is not None and len(sent) <= 512 else None
    return match[1].decode() if match else None


def format_now() -> str:
    """The time in UTC to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextFormatter(logging.Formatter):
    """As Python has it, without secrets."""

    def __init__(self) -> None:
        super().__init__(TEXT)

    def format(self, record: logging.LogRecord) -> str:
        return hide_secrets(super().format(record))


class JsonFormatter(logging.Formatter):
    """One object on one line: `at`, `level`, `logger`, `message` and `process`; of what happens for a request its
    `request_id`, and `trace_id` if the client has sent one; `exception` is the traceback as text."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": hide_secrets(record.getMessage()),
            "process": record.process,
        }
        if (scope := current_scope.get()) is not None:
            line["request_id"] = get_request_id(scope)
            if trace_id := find_trace_id(scope):
                line["trace_id"] = trace_id
        if record.exc_info:
            line["exception"] = hide_secrets(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def is_json() -> bool:
    """Whether the log of this process is of JSON objects."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in logging.getLogger().handlers)


def configure(log_format: LogFormat, level: str) -> None:
    """Sends everything to standard error in one form, what Python itself would print there too."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_of_thread


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("app").critical("the process has failed", exc_info=(kind, error, trace))


def _log_uncaught_of_thread(failure: threading.ExceptHookArgs) -> None:
    if failure.exc_value is not None and not issubclass(failure.exc_type, SystemExit):
        name = failure.thread.name if failure.thread else "?"
        trace = failure.exc_type, failure.exc_value, failure.exc_traceback
        logging.getLogger("app").critical("the thread %s has failed", name, exc_info=trace)
