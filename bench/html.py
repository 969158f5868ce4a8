"""How right the pages of a folder are read: titles, authors, dates, and the overlap of the text, against what is
expected beside each page (`source.html`, `expected-metadata.json`, `expected.html`).

    python -m bench.html FOLDER [--worst 10]
"""

import argparse
import io
import json
import re
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from app.articles.html import bodies
from app.importers import dates
from app.importers.document import Document, ParseContext
from app.importers.formats.pages import web_page
from app.text.keys import words_key


def count_tokens(markup: str) -> Counter[str]:
    body = LexborHTMLParser(markup).body
    return Counter(re.findall(r"\w+", body.text(separator=" ").lower() if body is not None else ""))


def compute_f1(result: Counter[str], expected: Counter[str]) -> float:
    both = sum((result & expected).values())
    return 2 * both / (result.total() + expected.total()) if both else 0.0


def judge_page(folder: Path) -> dict[str, float | None]:
    """1 for right, 0 for wrong, None where nothing is expected; `body` is the F1 of the words."""
    expected = json.loads((folder / "expected-metadata.json").read_text())
    began = time.process_time()
    [item] = web_page.parse(io.BytesIO((folder / "source.html").read_bytes()), folder.name, ParseContext())
    spent = time.process_time() - began
    document = item if isinstance(item, Document) else Document(folder.name)
    result = bodies.to_html(document.body.kind, document.body.content) if document.body else ""
    return {
        "title": _judge_title(document.title, expected.get("title")),
        "authors": _judge_names(document.authors, expected.get("byline")),
        "date": _judge_date(document, expected.get("publishedTime")),
        "body": compute_f1(count_tokens(result), count_tokens((folder / "expected.html").read_text())),
        "seconds": spent,
    }


def _judge_title(title: str | None, expected: str | None) -> float | None:
    """With or without the name of the site behind the last separator, which this archive keeps elsewhere."""
    if not expected:
        return None
    without = re.sub(r"\s+[-–—|]\s+[^-–—|]{1,40}$", "", expected)
    return float(words_key(title or "") in (words_key(expected), words_key(without)))


def _judge_names(names: tuple[str, ...], expected: str | None) -> float | None:
    """At least one name, and each of them in the expected line, which may hold titles and dates as well."""
    if not expected:
        return None
    return float(bool(names) and all(words_key(name) in words_key(expected) for name in names))


def _judge_date(document: Document, expected: str | None) -> float | None:
    if not expected:
        return None
    try:
        expected_date = dates.read_date(expected, ParseContext().timezone)
    except ValueError:
        return None
    return float(document.published == expected_date)


def render_table(judged: dict[str, dict[str, float | None]]) -> Iterable[str]:
    for name in ("title", "authors", "date", "body"):
        marks = [mark for one in judged.values() if (mark := one[name]) is not None]
        yield f"{name:8} {sum(marks) / len(marks):6.3f}  of {len(marks)}"
    seconds = sorted(one["seconds"] or 0.0 for one in judged.values())
    yield f"ms       {seconds[len(seconds) // 2] * 1000:6.1f}  median, {seconds[-1] * 1000:.0f} the slowest"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--worst", type=int, default=0)
    options = arguments.parse_args()
    pages = sorted(one for one in options.folder.iterdir() if (one / "source.html").exists())
    judged = {page.name: judge_page(page) for page in pages}
    print("\n".join(render_table(judged)))
    for name, marks in sorted(judged.items(), key=lambda one: one[1]["body"] or 0.0)[: options.worst]:
        wrong = [part for part in ("title", "authors", "date") if marks[part] == 0.0]
        print(f"{marks['body'] or 0.0:.2f} {name}", *wrong)


if __name__ == "__main__":
    main()
