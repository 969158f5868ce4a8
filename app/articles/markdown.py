"""A sanitised body as Markdown (CommonMark with tables), for people who copy it into an editor. Pure."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

_special = re.compile(r"([\\`*_\[\]<>])")
_line_start = re.compile(r"^(\s*)([#+\-]|\d+[.)])(?=\s)", re.MULTILINE)
_MARKS = {"em": "*", "i": "*", "strong": "**", "b": "**", "del": "~~", "s": "~~"}


def from_html(body: str) -> str:
    """Blocks separated by blank lines; what Markdown has no sign for stays as its words."""
    root = LexborHTMLParser(body).body
    return "" if root is None else "\n\n".join(block for block in _blocks(root) if block)


def _blocks(parent: LexborNode) -> list[str]:
    found: list[str] = []
    loose = ""
    for node in parent.iter(include_text=True):
        if node.tag in _BLOCK:
            found += [_escape_start(_tidy(loose)), _block(node)]
            loose = ""
        else:
            loose += _inline(node)
    return [block for block in (*found, _escape_start(_tidy(loose))) if block]


_BLOCK = {
    "p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "hr", "table", "figure", "div", "section",
    "aside", "details", "dl", "dt", "dd", "figcaption", "summary", "li",
}  # fmt: skip


def _block(node: LexborNode) -> str:
    tag = node.tag or ""
    if tag[0] == "h" and tag[1:].isdigit():
        return f"{'#' * int(tag[1:])} {_tidy(_children(node))}"
    if tag in ("ul", "ol"):
        return _list(node, ordered=tag == "ol")
    if tag == "blockquote":
        return "\n".join(f"> {line}".rstrip() for line in "\n\n".join(_blocks(node)).splitlines())
    if tag == "pre":
        return f"```\n{node.text(deep=True).rstrip()}\n```"
    if tag == "hr":
        return "---"
    if tag == "table":
        return _table(node)
    return "\n\n".join(_blocks(node))


def _list(node: LexborNode, *, ordered: bool) -> str:
    lines: list[str] = []
    items = [item for item in node.iter() if item.tag == "li"]
    for number, item in enumerate(items, 1):
        mark = f"{number}. " if ordered else "- "
        content = "\n\n".join(_blocks(item)).splitlines() or [""]
        lines.append(mark + content[0])
        lines += [(" " * len(mark) + line).rstrip() for line in content[1:]]
    return "\n".join(lines)


def _table(node: LexborNode) -> str:
    rows = [[_tidy(_children(cell)).replace("|", "\\|") for cell in row.css("td, th")] for row in node.css("tr")]
    if not rows:
        return ""
    width = max(len(row) for row in rows)
    rows = [row + [""] * (width - len(row)) for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]])


def _children(node: LexborNode) -> str:
    return "".join(_inline(child) for child in node.iter(include_text=True))


def _inline(node: LexborNode) -> str:
    tag = node.tag or ""
    if tag == "-text":
        return _special.sub(r"\\\1", node.text_content or "")
    if tag == "br":
        return "\\\n"
    if tag == "img":
        return f"![{node.attributes.get('alt') or ''}](<{node.attributes.get('src') or ''}>)"
    if tag in ("code", "kbd", "samp"):
        return f"`{node.text(deep=True)}`"
    inner = _children(node)
    if tag == "a" and node.attributes.get("href"):
        return f"[{inner}](<{node.attributes['href']}>)"
    mark = _MARKS.get(tag)
    return f"{mark}{inner}{mark}" if mark and inner.strip() else inner


def _tidy(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().split("\\\n")).replace("\n", "\\\n")


def _escape_start(text: str) -> str:
    """Words at a line's beginning that Markdown would read as a heading or list."""
    return _line_start.sub(r"\1\\\2", text)
