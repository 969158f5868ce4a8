"""The program as a wheel: built from this folder, installed into an empty environment, served from an empty folder."""

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import httpx
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parent.parent.parent
PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by what the lock file names, from a copy: building leaves nothing in the repository."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("app", "migrations", "seed_data", "docs"):
        shutil.copytree(ROOT / name, folder / "source" / name)
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / "source")
    options = ("--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
    _run(sys.executable, *PIP, "wheel", *options, str(folder / "source"), PYTHONPATH=str(ROOT / ".venv" / "build"))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in an environment of its own with the packages of `requirements/run.txt`."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder)
    # Modules are compiled when they are imported: most of them never are.
    install = (sys.executable, *PIP, "--python", str(folder), "install", "--no-deps", "--no-compile")
    _run(*install, "--require-hashes", "--requirement", str(ROOT / "requirements/run.txt"))
    _run(*install, "--no-index", str(wheel))
    return folder / "bin" / "dateline"


def _run(*command: str, **environment: str) -> str:
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def address_and_key(command: Path, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address and key of a server with the sample articles."""
    process = subprocess.Popen(
        [command, "serve", "--port", "0", "--seed", "seed_data"],
        cwd=tmp_path,
        env=os.environ | {"DATELINE_DATA_DIR": str(tmp_path / "data")},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if key := re.search(r"Admin key, shown this once: (\S+)", said):
                break
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert address is not None, said
        assert key is not None, said
        yield address[0], key[1]
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.communicate()


def test_installed_wheel_serves_the_sample_articles(address_and_key: tuple[str, str]) -> None:
    address, key = address_and_key
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}) as client:
        assert client.get("/v1/articles").json()["page"]["total"] == 40
        assert client.get("/v1/search", params={"q": "nato"}).json()["data"]
        assert client.get("/openapi.json").status_code == client.get("/docs").status_code == 200
        assert "<h1" in client.get("/guides/howto/section_page").text
        made = client.post("/v1/articles", json={"title": "Installed", "body": "<p>Words</p>"})
        assert made.status_code == 201, made.text


def test_installed_wheel_has_all_pages_of_the_documentation(command: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert set(_run(str(command), "docs").splitlines()) == pages
    assert _run(str(command), "docs", "search") == (ROOT / "docs" / "search.md").read_text(encoding="utf-8")


def test_wheel_holds_every_file_that_the_program_reads(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder, inside in (("app", "app"), *((name, f"app/shipped/{name}") for name in ("migrations", "seed_data"))):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert files
        assert {f"{inside}/{path.relative_to(ROOT / folder).as_posix()}" for path in files} - names == set()


def test_what_builds_the_program_is_not_installed_with_it(command: Path) -> None:
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('hatchling') is not None)"
    _run(str(command.with_name("python")), "-c", code)
