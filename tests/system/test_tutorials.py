"""The tutorial and the how-tos as their readers follow them: each command runs, and prints what the page says."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FENCE = re.compile(r"^```(sh|js|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLING = ("make setup\n", None)
"""Not run: the environment that runs the tests is there already."""
END_OF_BLOCK = "\x1e"


def read_blocks(page: Path) -> list[tuple[str, str | None]]:
    """The blocks of a page in their order, as commands of a shell, each with the `text` block that follows it at once,
    or None. Cells in Python run after those before them; the environment that runs the tests has the interpreter."""
    fences = FENCE.findall(page.read_text(encoding="utf-8"))
    blocks: list[tuple[str, str | None]] = []
    cells = ""
    for kind, content in fences:
        if kind == "sh":
            blocks.append((content, None))
        elif kind == "js":
            blocks.append((f"node --input-type=module - <<'END'\n{content}END\n", None))
        elif kind == "python":
            cells += content
            blocks.append((f"python - <<'END'\n{cells}END\n", None))
        elif blocks and blocks[-1][1] is None:
            blocks[-1] = (blocks[-1][0], content)
    return blocks


def is_shown(expected: str, printed: str) -> bool:
    """Whether what a command printed contains what the page shows; `…` stands for anything, white space for none."""
    parts = [re.escape("".join(part.split())) for part in expected.split("…")]
    return re.search(".*".join(parts), "".join(printed.split())) is not None


def take_ports(count: int) -> list[str]:
    """Ports that are free at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def change_ports(text: str, ports: dict[str, str]) -> str:
    for port, free in ports.items():
        text = re.sub(rf"\b{port}\b", free, text)
    return text


def run_blocks(blocks: list[tuple[str, str | None]], home: Path, ports: dict[str, str]) -> list[str]:
    """What each block prints, all in one shell whose home is `home`. `ports` replaces those of the page. AssertionError
    with everything that was printed where a command fails."""
    script = change_ports("".join(f"{code}\nprintf '{END_OF_BLOCK}'\n" for code, _ in blocks), ports)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATELINE_")}
    environment |= {"HOME": str(home), "TMPDIR": str(home)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    guarded = "set -eu\ntrap 'for job in $(jobs -p); do kill \"$job\"; done' EXIT\n" + script
    output = subprocess.run(
        ["bash", "-c", guarded], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=120, check=False,
    )  # fmt: skip
    assert output.returncode == 0, output.stdout
    return output.stdout.split(END_OF_BLOCK)[: len(blocks)]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "shown"), [("tutorial.md", 10), ("howto/reading_site.md", 2)])
def test_page_prints_what_it_says(page: str, shown: int, tmp_path: Path) -> None:
    blocks = [block for block in read_blocks(ROOT / "docs" / page) if block != INSTALLING]
    assert sum(expected is not None for _, expected in blocks) >= shown
    server, site = take_ports(2)
    ports = {"8000": server, "9000": site}
    wrong = [
        (expected, output)
        for (_, expected), output in zip(blocks, run_blocks(blocks, tmp_path, ports), strict=True)
        if expected is not None and not is_shown(change_ports(expected, ports), output)
    ]
    assert wrong == []


SERVER = """export DATELINE_DATA_DIR="$(mktemp -d)"
dateline serve --port 8000 --seed seed_data >"$DATELINE_DATA_DIR/log" 2>&1 &
curl --silent --output /dev/null --retry 90 --retry-connrefused --retry-delay 1 http://127.0.0.1:8000/health/ready
"""
TASKS = ("section_page", "search_box", "article_page", "offline_copy", "notebook", "saved_search")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_pages_of_tasks_print_what_they_say(tmp_path: Path) -> None:
    """One archive for all: only the last of them changes it."""
    blocks = [block for task in TASKS for block in read_blocks(ROOT / "docs" / "howto" / f"{task}.md")]
    assert len(blocks) == 18
    ports = {"8000": take_ports(1)[0]}
    printed = run_blocks([(SERVER, None), *blocks], tmp_path, ports)[1:]
    assert [
        (expected, output)
        for (_, expected), output in zip(blocks, printed, strict=True)
        if expected is None or not is_shown(change_ports(expected, ports), output)
    ] == []


def test_reading_site_has_as_many_lines_as_its_page_says() -> None:
    site = (ROOT / "docs" / "examples" / "reading_site.py").read_text(encoding="utf-8")
    assert "# A reading site in 60 lines\n" in (ROOT / "docs" / "howto" / "reading_site.md").read_text(encoding="utf-8")
    assert len(site.splitlines()) == 60


@pytest.mark.parametrize(
    ("expected", "printed", "shown"),
    [
        ("3 created, … s.", "3 created, 0 failed, in 0.5 s.\n", True),
        ('{"id":2,\n"title":"A b"}', '{"id":2,"title":"A b"}', True),
        ("3 created", "2 created", False),
        ("a…b", "b a", False),
    ],
)
def test_what_is_shown_is_compared_but_for_gaps(expected: str, printed: str, shown: bool) -> None:
    assert is_shown(expected, printed) is shown
