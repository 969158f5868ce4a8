"""A server refuses to start with libraries that its overriding code was not written for."""

import inspect
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.http.server import self_check
from app.http.server.connections import LimitedProtocol
from app.http.server.self_check import TABLE, find_differences, fingerprint_fastapi, fingerprint_uvicorn
from app.main import Application

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def _read_expected() -> dict[str, str]:
    return dict(line.split(" ") for line in TABLE.read_text("ascii").splitlines())


def test_installed_libraries_are_those_of_the_table() -> None:
    assert _read_expected() == fingerprint_uvicorn() | fingerprint_fastapi()
    self_check.check_libraries(plain=False)


def test_everything_that_is_overridden_is_in_the_table() -> None:
    own = [cls for cls in LimitedProtocol.__mro__ if cls.__module__.startswith("app.")]
    overridden = {name for cls in own for name in vars(cls) if inspect.isfunction(vars(HttpToolsProtocol).get(name))}
    assert len(overridden) > 10
    assert {f"uvicorn:HttpToolsProtocol.{name}" for name in overridden} <= _read_expected().keys()
    replaced = {name for name in vars(Application) if inspect.isfunction(vars(FastAPI).get(name))}
    assert {f"fastapi:FastAPI.{name}" for name in replaced} == fingerprint_fastapi().keys()


def test_differences_are_other_sources_and_functions_that_are_new_or_gone() -> None:
    known = {"a:same": "1", "a:other": "2", "a:gone": "3", "b:not there": "4"}
    assert find_differences(known, {"a:same": "1", "a:other": "x", "a:new": "5"}) == ["a:gone", "a:new", "a:other"]


def _plant(folder: Path, package: str, file: str, old: str, new: str) -> str:
    """A folder with a library that differs by one line."""
    source = Path(uvicorn.__file__).parent.parent / package
    shutil.copytree(source, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / package / file).read_text("utf-8")
    assert text.count(old) == 1
    (folder / package / file).write_text(text.replace(old, new), "utf-8")
    return str(folder)


def _serve(tmp_path: Path, planted: str, **more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--port", "0"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": planted, "DATELINE_DATA_DIR": str(tmp_path / "data"), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


PROTOCOL = (
    "uvicorn",
    "protocols/http/httptools_impl.py",
    "        self.cycle.more_body = False\n",
    "        self.cycle.more_body = bool(0)\n",
)


def test_another_uvicorn_is_refused_in_one_line_or_served_without_limits(tmp_path: Path) -> None:
    planted = _plant(tmp_path / "planted", *PROTOCOL)
    refused = _serve(tmp_path, planted)
    _, err = refused.communicate(timeout=30)
    assert refused.returncode == 1
    assert re.fullmatch(r"dateline: uvicorn [\d.]+ is not the one .+\. .+ set DATELINE_PLAIN_UVICORN=1 .+\n", err), err
    assert "(HttpToolsProtocol.on_message_complete)" in err
    assert not (tmp_path / "data").exists()
    plain = _serve(tmp_path, planted, DATELINE_PLAIN_UVICORN="1")
    try:
        assert plain.stdout is not None
        address = re.search(r"http://[\d.:]+", plain.stdout.readline())
        assert address is not None
        assert httpx.get(f"{address[0]}/v1/articles", timeout=10).json()["data"] == []
    finally:
        plain.terminate()
        _, err = plain.communicate(timeout=30)
    assert "DATELINE_PLAIN_UVICORN is set" in err
    assert plain.returncode == 0


def test_another_fastapi_is_refused_even_with_plain_uvicorn(tmp_path: Path) -> None:
    line = "    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:\n"
    planted = _plant(tmp_path / "planted", "fastapi", "applications.py", line, line + "        scope = dict(scope)\n")
    refused = _serve(tmp_path, planted, DATELINE_PLAIN_UVICORN="1")
    _, err = refused.communicate(timeout=30)
    assert (refused.returncode, "(FastAPI.__call__)" in err) == (1, True), err
