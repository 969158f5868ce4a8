"""Compares what is overridden in uvicorn and FastAPI with what was there when the overriding code was written.

`overridden.txt` has a line for each function: its name, and a digest of its source without comments. After a look at
what a new version does otherwise, `python -m app.http.server.self_check > NEW && mv NEW app/http/server/overridden.txt`
writes it anew. Changes nothing in the libraries.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from textwrap import dedent

from fastapi import FastAPI
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.db.database import DatabaseProblem

TABLE = Path(__file__).with_name("overridden.txt")
OF_UVICORN = (HttpToolsProtocol, RequestResponseCycle, FlowControl)
"""Classes that are subclassed, or whose fields and methods are used as uvicorn uses them: all of their functions count,
since one that is new may be called where an overridden one was."""


def check_libraries(*, plain: bool) -> None:
    """DatabaseProblem with a sentence where a library differs; with `plain` uvicorn is not overridden, and not looked
    at."""
    expected = _read_table(TABLE)
    if not plain and (different := find_differences(expected, fingerprint_uvicorn())):
        raise DatabaseProblem(
            f"uvicorn {metadata.version('uvicorn')} is not the one that the limits on connections were made for "
            f"({_name_some(different)}). Install the versions of requirements/run.txt, or set "
            "DATELINE_PLAIN_UVICORN=1 to start without these limits."
        )
    if different := find_differences(expected, fingerprint_fastapi()):
        raise DatabaseProblem(
            f"FastAPI {metadata.version('fastapi')} is not the one that the application was made for "
            f"({_name_some(different)}). Install the versions of requirements/run.txt."
        )


def find_differences(known: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    """Names whose source is another, or that are in one of the two alone; only libraries that `present` has count."""
    libraries = {name.partition(":")[0] for name in present}
    expected = {name: digest for name, digest in known.items() if name.partition(":")[0] in libraries}
    return sorted(name for name in expected.keys() | present.keys() if expected.get(name) != present.get(name))


def fingerprint_uvicorn() -> dict[str, str]:
    """Digest by name, such as `uvicorn:FlowControl.drain`."""
    functions = [function for cls in OF_UVICORN for function in _list_functions(cls)]
    digests = {f"uvicorn:{one.__qualname__}": _digest(_read_source(one)) for one in functions}
    digests["uvicorn:HEADER_RE"] = _digest(repr(httptools_impl.HEADER_RE.pattern))
    digests["uvicorn:STATUS_LINE"] = _digest(repr(httptools_impl.STATUS_LINE[200]))
    return digests


def fingerprint_fastapi() -> dict[str, str]:
    """What `app.main.Application` has instead."""
    replaced = (FastAPI.build_middleware_stack, FastAPI.__call__)
    return {f"fastapi:{one.__qualname__}": _digest(_read_source(one)) for one in replaced}


def _list_functions(cls: type) -> Iterator[Callable[..., object]]:
    for value in vars(cls).values():
        if inspect.isfunction(value):
            yield value


def _read_source(function: Callable[..., object]) -> str:
    """Without comments on lines of their own and empty lines; nothing where the source is not there to be read."""
    try:
        text = dedent(inspect.getsource(function))
    except OSError:
        return ""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _name_some(names: Iterable[str], most: int = 3) -> str:
    short = [name.partition(":")[2] for name in names]
    more = len(short) - most
    return ", ".join(short[:most]) + (f" and {more} more" if more > 0 else "")


def _read_table(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="ascii").splitlines()
    return {name: digest for name, _, digest in (line.partition(" ") for line in lines)}


if __name__ == "__main__":
    for name, digest in sorted((fingerprint_uvicorn() | fingerprint_fastapi()).items()):
        sys.stdout.write(f"{name} {digest}\n")
