"""What writers use in Markdown beyond CommonMark: notes (`[^1]` and `[^1]: …`) and lists of tasks (`- [x] …`). Notes
become a numbered list at the end, tasks get a box that is drawn. Without this a note of one word is a link that nobody
names, and is lost. Pure, and one pass over the lines.
"""

import html
import re
from collections.abc import Callable, Mapping

_DEFINITION = re.compile(r" {0,3}\[\^([^\]\s\[]{1,80})\]:[ \t]*(.*)")
_REFERENCE = re.compile(r"(`+)|\[\^([^\]\s\[]{1,80})\](?!:)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TASK = re.compile(r"(<li>(?:\n?<p>)?)\[([ xX])\](?=\s)")


def expand(content: str) -> str:
    """The Markdown with its notes as HTML that Markdown may stand in; as it was where it has none."""
    if "[^" not in content:
        return content
    lines, notes = _split(content)
    if not notes:
        return content
    numbers: dict[str, int] = {}
    order: list[str] = []

    def refer(line: str) -> str:
        return _refer(line, notes, numbers, order)

    text = _outside_fences(lines, refer)
    listed: list[str] = []
    while len(listed) < len(order):  # notes may refer to others
        name = order[len(listed)]
        note = "\n".join(refer(line) for line in notes[name])
        listed.append(f'<li id="fn-{html.escape(name)}">\n\n{note}\n\n</li>')
    rest = [f"\\[^{name}\\]: " + "\n".join(note) for name, note in notes.items() if name not in numbers]
    ended = "<ol>\n" + "\n".join(listed) + "\n</ol>" if listed else ""
    return "\n\n".join(part for part in (text, *rest, ended) if part)


def _split(content: str) -> tuple[list[str], dict[str, list[str]]]:
    """The lines without the notes, and the notes by name, with what is indented below them."""
    lines: list[str] = []
    notes: dict[str, list[str]] = {}
    fence, current = "", None
    for line in content.split("\n"):
        opened = _FENCE.match(line)
        if opened and (not fence or line.strip().startswith(fence)):
            fence, current = ("" if fence else opened[1]), None
        definition = None if fence else _DEFINITION.match(line)
        if definition and definition[1] not in notes:
            current = notes[definition[1]] = [definition[2]]
        elif current is not None and (line.startswith(("    ", "\t")) or not line.strip()):
            current.append(line.removeprefix("\t").removeprefix("    "))
        else:
            current = None
            lines.append(line)
    return lines, notes


def _outside_fences(lines: list[str], change: Callable[[str], str]) -> str:
    out: list[str] = []
    fence = ""
    for line in lines:
        opened = _FENCE.match(line)
        if opened and (not fence or line.strip().startswith(fence)):
            fence = "" if fence else opened[1]
        out.append(line if fence or "[^" not in line else change(line))
    return "\n".join(out)


def _refer(line: str, notes: Mapping[str, list[str]], numbers: dict[str, int], order: list[str]) -> str:
    """References as raised numbers that lead to the note; code stays as it is."""
    out: list[str] = []
    position, code = 0, ""
    for match in _REFERENCE.finditer(line):
        if match[1]:
            code = "" if code == match[1] else code or match[1]
        elif not code and match[2] in notes:
            name = match[2]
            if name not in numbers:
                numbers[name] = len(numbers) + 1
                order.append(name)
            number = numbers[name]
            out.append(f'{line[position : match.start()]}<sup><a href="#fn-{html.escape(name)}">{number}</a></sup>')
            position = match.end()
    return "".join([*out, line[position:]])


def draw_boxes(rendered: str) -> str:
    """The boxes of tasks, in HTML that Markdown was made into."""
    return _TASK.sub(lambda item: f"{item[1]}{'☐' if item[2] == ' ' else '☑'}", rendered)
