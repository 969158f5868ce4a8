"""Which words that are expected of the pages of a folder (`source.html`, `expected.html`) an import of them loses: runs
of five words and more that stand in no part of the article and in none of its notes. Captions are counted apart.

    python -m bench.lost_words FOLDER [--show] [--json FILE]
"""

import argparse
import io
import json
from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.articles.html import bodies
from app.importers.document import Document, ParseContext
from app.importers.formats.pages import web_page
from app.text.keys import words

RUN = 5
CAPTIONS = 'figcaption, [class*="caption" i], [class*="credit" i]'


def find_lost(expected: str, imported: str) -> list[str]:
    """The runs of words of one text that are not within five words of the other in the same order."""
    kept_words = words(imported)
    known = {tuple(kept_words[at : at + RUN]) for at in range(len(kept_words) - RUN + 1)}
    expected_words = words(expected)
    is_kept = [False] * len(expected_words)
    for at in range(len(expected_words) - RUN + 1):
        if tuple(expected_words[at : at + RUN]) in known:
            is_kept[at : at + RUN] = [True] * RUN
    return list(_join_lost(expected_words, is_kept))


def _join_lost(expected_words: list[str], is_kept: list[bool]) -> Iterator[str]:
    run: list[str] = []
    for word, kept in [*zip(expected_words, is_kept, strict=True), ("", True)]:
        if not kept:
            run.append(word)
            continue
        if len(run) >= RUN:
            yield " ".join(run)
        run = []


def read_text(document: Document) -> str:
    """All words of an article as it is imported, with its notes."""
    body = bodies.to_html(document.body.kind, document.body.content) if document.body else ""
    tree = LexborHTMLParser(body).body
    pictures = [part for one in document.images for part in (one.alt, one.caption, one.credit)]
    posts = [post.title for post in document.related]
    dateline = document.dateline.text if document.dateline else None
    names = [*document.authors, *document.notes, *document.tags, *document.sections]
    parts = [document.title, document.standfirst, document.signature, dateline, *names, *pictures, *posts]
    return "\n".join([*filter(None, parts), _read_node(tree)])


def _read_node(node: LexborNode | None) -> str:
    return node.text(separator=" ") if node is not None else ""


def measure(folder: Path) -> dict[str, list[str]]:
    """The lost runs of one page; those of its captions are in `captions` as well."""
    [item] = web_page.parse(io.BytesIO((folder / "source.html").read_bytes()), folder.name, ParseContext())
    imported = read_text(item) if isinstance(item, Document) else ""
    root = LexborHTMLParser((folder / "expected.html").read_text()).body
    if root is None:
        return {"words": [], "captions": []}
    captions = [run for node in root.css(CAPTIONS) for run in find_lost(_read_node(node), imported)]
    return {"words": find_lost(_read_node(root), imported), "captions": captions}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--show", action="store_true")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    pages = sorted(one for one in options.folder.iterdir() if (one / "expected.html").exists())
    lost = {page.name: measure(page) for page in pages}
    for name, kinds in lost.items():
        if options.show and kinds["words"]:
            print(name, *(f"\n  {run[:160]}" for run in kinds["words"]))
    for kind in ("words", "captions"):
        runs = [run for kinds in lost.values() for run in kinds[kind]]
        touched = sum(bool(kinds[kind]) for kinds in lost.values())
        print(
            f"{kind:9} {len(runs):5} runs, {sum(len(run.split()) for run in runs)} words, on {touched} of {len(pages)}"
        )
    if options.json:
        options.json.write_text(json.dumps(lost, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
