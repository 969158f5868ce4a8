"""Counts how many functions of this project lie between a route's handler and SQL.

Hops of a request: the distinct functions of `app/` on the stack between the handler, which does not count, and the call
of the SQL driver; of all statements of the request the one with the most of them. What a thread runs is called from
where it was submitted. Functions before the handler, such as dependencies, lambdas and comprehensions do not count, and
neither do tasks and threads of their own, such as the indexer's.

Only SQLite's driver is seen: its `execute` is a call of C.
"""

import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import thread as pool_threads
from contextlib import contextmanager
from inspect import unwrap
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

import app as project

FOLDER = str(Path(project.__file__).parent)
_SUBMIT = pool_threads._WorkItem.__init__.__code__
_RUN = pool_threads._WorkItem.run.__code__
_EXECUTE = frozenset({"execute", "executemany", "executescript"})

Stack = tuple[CodeType, ...]
"""Code of the project, the outermost first."""


class HopTracer:
    """Traces threads that begin after it has: it has to be there before the application is.

    with HopTracer() as tracer:
        async with serve(settings) as api:
            with tracer.watch(api.app):
                await api.public.get("/v1/articles/1")
            print(tracer.describe())
    """

    def __init__(self) -> None:
        self.statements = 0
        self._deepest: Stack = ()
        self._handlers: frozenset[CodeType] = frozenset()
        self._submitted: dict[int, Stack] = {}

    def __enter__(self) -> "HopTracer":
        threading.setprofile(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        threading.setprofile(None)

    @contextmanager
    def watch(self, app: FastAPI) -> Iterator[None]:
        """Counts the statements of the requests that are sent meanwhile."""
        self.statements, self._deepest = 0, ()
        self._submitted.clear()
        endpoints = [context.endpoint for context in iter_route_contexts(app.routes) if context.endpoint]
        self._handlers = frozenset(unwrap(endpoint).__code__ for endpoint in endpoints)
        before: Callable[..., Any] | None = sys.getprofile()
        sys.setprofile(self._trace)
        try:
            yield
        finally:
            sys.setprofile(before)
            self._handlers = frozenset()

    @property
    def hops(self) -> int:
        return len(self._deepest)

    def describe(self) -> str:
        """The deepest stack, a function on each line."""
        rows = [f"  {Path(code.co_filename).relative_to(FOLDER)}: {code.co_qualname}" for code in self._deepest]
        return "\n".join([f"{self.hops} hops, {self.statements} statements", *rows])

    def _trace(self, frame: FrameType, event: str, function: object) -> None:
        if not self._handlers:
            return
        if event == "call" and frame.f_code is _SUBMIT:
            self._submitted[id(frame.f_locals["self"])] = self._read_stack(frame)
        elif event == "c_call" and _is_execution(function):
            self._add(self._read_stack(frame))

    def _read_stack(self, frame: FrameType | None) -> Stack:
        codes: list[CodeType] = []
        submitted: Stack = ()
        while frame is not None:
            code = frame.f_code
            if code is _RUN:
                submitted = self._submitted.get(id(frame.f_locals["self"]), ())
            elif code.co_filename.startswith(FOLDER):
                codes.append(code)
            frame = frame.f_back
        return (*submitted, *reversed(codes))

    def _add(self, stack: Stack) -> None:
        handler = next((at for at, code in enumerate(stack) if code in self._handlers), None)
        if handler is None:
            return
        self.statements += 1
        counted = tuple(dict.fromkeys(code for code in stack[handler + 1 :] if not code.co_name.startswith("<")))
        if len(counted) > len(self._deepest):
            self._deepest = counted


def _is_execution(function: object) -> bool:
    owner = getattr(function, "__self__", None)
    return isinstance(owner, sqlite3.Connection | sqlite3.Cursor) and getattr(function, "__name__", None) in _EXECUTE
