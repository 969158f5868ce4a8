"""The page about clients as its readers follow it: what it shows is generated from a server's own description,
compiled by strict compilers, and run against that server."""

import compileall
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "clients.md"
TYPESCRIPT = Path(__file__).resolve().parent / "clients"
FENCE = re.compile(r"^```(ts|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMPLETE = re.compile(r"^ *(type Complete<T> = .*)$", re.MULTILINE)
COMPLETE_CARD = """import type { components } from "./dateline.js";
%s
export function show(card: Complete<components["schemas"]["ArticleCard"]>): string {
  return card.title.trim() + card.tags.map((tag) => tag.name.trim()).join();
}
"""
URL = re.compile(r"https?:|resolved|funding")

NO_REGISTRY = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH")
"""What npm says where the network is missing."""


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def read_program(kind: str) -> tuple[str, str]:
    """A program of the page, and what the page says that it prints."""
    fences = FENCE.findall(PAGE.read_text(encoding="utf-8"))
    at = next(number for number, (name, _) in enumerate(fences) if name == kind)
    assert fences[at + 1][0] == "text"
    return fences[at][1], fences[at + 1][1]


def is_shown(expected: str, printed: str) -> bool:
    """Whether that is what was printed; `…` stands for anything within a line."""
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, printed) is not None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and key of a server with the sample articles."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0", "--seed", "seed_data"]
    settings = {"DATELINE_DATA_DIR": str(tmp_path_factory.mktemp("archive") / "data")}
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | settings, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = ""
        while "Admin key" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        key = re.search(r"Admin key, shown this once: (\S+)", said)
        assert address is not None
        assert key is not None
        yield address[0], key[1]
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.communicate()


def test_client_in_typescript_compiles_strictly_and_does_what_the_page_says(
    server: tuple[str, str], tmp_path: Path
) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm and node are not on this machine: the client in TypeScript is neither compiled nor run")
    address, key = server
    program, expected = read_program("ts")
    folder = tmp_path / "client"
    shutil.copytree(TYPESCRIPT, folder)
    (folder / "client.ts").write_text(program, encoding="utf-8")
    [complete] = COMPLETE.findall(PAGE.read_text(encoding="utf-8"))
    (folder / "complete.ts").write_text(COMPLETE_CARD % complete, encoding="utf-8")
    install = [npm, "ci", "--ignore-scripts", "--no-update-notifier", "--fetch-retries", "1"]
    installed = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    if any(error in installed.stderr for error in NO_REGISTRY):
        pytest.skip("npm reaches no registry: the client in TypeScript is neither compiled nor run")
    assert installed.returncode == 0, installed.stderr
    tools = folder / "node_modules" / ".bin"
    run(tools / "openapi-typescript", f"{address}/openapi.json", "-o", "dateline.d.ts", cwd=folder)
    run(tools / "tsc", cwd=folder)
    printed = run(node, "built/client.js", address, key, cwd=folder).stdout
    assert is_shown(expected, printed), printed


def test_client_in_python_is_typed_strictly_and_does_what_the_page_says(
    server: tuple[str, str], tmp_path: Path
) -> None:
    address, key = server
    program, expected = read_program("python")
    (tmp_path / "client.py").write_text(program, encoding="utf-8")
    (tmp_path / "config.yml").write_text("post_hooks: []\n", encoding="utf-8")  # they only change how it looks
    generate = [sys.executable, "-m", "openapi_python_client", "generate", "--url", f"{address}/openapi.json"]
    generate += ["--meta", "none", "--output-path", "dateline_client", "--config", "config.yml"]
    said = run(*generate, cwd=tmp_path).stderr
    # Of all operations these are not generated whole: they take or send formats that this program does not know.
    unknown = {"POST /v1/imports", "GET /sitemap.xml", "GET /sitemaps/news.xml", "GET /sitemaps/{name}.xml"}
    assert set(re.findall(r"^WARNING parsing (\S+ \S+)", said, re.MULTILINE)) == unknown
    # Its modules, of which the program loads a few, are Python as a whole.
    assert compileall.compile_dir(tmp_path / "dateline_client", quiet=1, maxlevels=20)
    run(sys.executable, "-m", "mypy", "--strict", "--cache-dir", "types", "client.py", cwd=tmp_path)
    printed = run(sys.executable, "client.py", address, key, cwd=tmp_path).stdout
    assert is_shown(expected, printed), printed


def test_lock_of_the_client_names_no_address() -> None:
    assert URL.findall((TYPESCRIPT / "package-lock.json").read_text(encoding="utf-8")) == []
