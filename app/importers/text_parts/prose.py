"""Running text: its paragraphs, and its first words as a title. Pure; never loses a word."""

import re

from app.importers.text_parts import clean

_BREAK = re.compile(r"\n(?:[^\S\n]*\n)+|\n(?=[^\S\n]{2})")


def join_paragraphs(text: str) -> list[str]:
    """Hard-wrapped text as paragraphs of one line each, every character but white space kept.

    A paragraph begins after a blank line, or at a line indented by two spaces or more.
    """
    return [line for block in _BREAK.split(text) if (line := clean.join_lines(block))]


def part_lines(text: str) -> str:
    """Plain text of which each line is a paragraph of its own, where it has a line that no one would wrap by hand."""
    is_wrapped = "\n\n" in text or all(len(line) <= 120 for line in text.split("\n"))
    return text if is_wrapped else text.replace("\n", "\n\n")


def cut_title(text: str, limit: int = 80) -> str:
    """The beginning of a text as a title: at most `limit` characters, cut between words, with `…` if cut."""
    text = clean.join_lines(text)
    if len(text) <= limit:
        return text
    # Scripts without spaces are cut anywhere.
    head = text[:limit].rpartition(" ")[0].rstrip(" ,;:-–—") or text[: limit - 1]
    return head + "…"
