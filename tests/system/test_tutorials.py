"""The tutorial and the how-tos as their readers follow them: each command runs, and prints what the page says."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FENCE = re.compile(r"^```(sh|js|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLING = ("make setup\n", None)
"""Not run: the environment that runs the tests is there already."""
END_OF_BLOCK = "\x1e"
EXAMPLE = re.compile(r"^```sh\n(curl[^\n]*)\n```\n\n```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A request of a reference page, with the response that the page shows."""
GAP = "…"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]…]|[^"{}\[\]…]+')


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


def read_example(text: str) -> Any:
    """JSON with gaps, each of which becomes a text, or a member of an object."""
    open_brackets: list[str] = []
    parts: list[str] = []
    for token in _TOKEN.findall(text):
        if token in "{[":
            open_brackets.append(token)
        elif token in "}]":
            open_brackets.pop()
        elif token == GAP:
            token = f'"{GAP}":0' if open_brackets[-1] == "{" else f'"{GAP}"'
        parts.append(token)
    return orjson.loads("".join(parts))


def matches(example: Any, response: Any) -> bool:
    """Whether a response has all that an example shows of it. Members may be left out without a gap. Scores
    are not compared: they move with the date."""
    match example:
        case dict():
            return isinstance(response, dict) and all(
                name in response and matches(value, response[name]) for name, value in example.items() if name != GAP
            )
        case list():
            gap = example.index(GAP) if GAP in example else len(example)
            ahead, behind = example[:gap], example[gap + 1 :]
            is_long_enough = isinstance(response, list) and len(response) >= len(ahead) + len(behind)
            if not is_long_enough or (gap == len(example) and len(response) != len(example)):
                return False
            others = [*response[:gap], *response[len(response) - len(behind) :]]
            return all(map(matches, [*ahead, *behind], others))
        case str():
            return isinstance(response, str) and is_shown(example, response)
        case float():
            return isinstance(response, float)
        case _:
            return bool(example == response)


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


@pytest.mark.slow
def test_page_about_searching_shows_what_the_samples_give(tmp_path: Path) -> None:
    examples = EXAMPLE.findall((ROOT / "docs" / "search.md").read_text(encoding="utf-8"))
    assert len(examples) >= 6
    ports = {"8000": take_ports(1)[0]}
    blocks: list[tuple[str, str | None]] = [(command, None) for command, _ in examples]
    printed = run_blocks([(SERVER, None), *blocks], tmp_path, ports)[1:]
    assert [
        (shown, output)
        for (_, shown), output in zip(examples, printed, strict=True)
        if not matches(read_example(change_ports(shown, ports)), orjson.loads(output))
    ] == []


@pytest.mark.parametrize(
    ("example", "response", "expected"),
    [
        ('{"a": 1, …}', {"a": 1, "b": 2}, True),
        ('{"a": 15}', {"a": 16}, False),
        ('[1, …]', [1, 2, 3], True),
        ('[1, …, 3]', [1, 2, 3], True),
        ('[1, …, 4]', [1, 2, 3], False),
        ('[1]', [1, 2], False),
        ('{"a": 9.13}', {"a": 9.1313}, True),
        ('{"a": 9.13}', {"a": 9}, False),
        ('{"a": "… marks …"}', {"a": "it marks it"}, True),
        ('{"a": [{"b": "x", …}, …], …}', {"a": [{"b": "x", "c": 1}, 2], "d": 3}, True),
        ('{"a": [{"b": "x", …}, …], …}', {"a": [{"b": "y", "c": 1}, 2], "d": 3}, False),
    ],
)  # fmt: skip
def test_example_is_compared_but_for_what_it_leaves_out(example: str, response: Any, expected: bool) -> None:
    assert matches(read_example(example), response) is expected
