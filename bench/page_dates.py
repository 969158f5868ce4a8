"""How right the dates of web pages are read, beside trafilatura, in one run: pages in a folder and a JSON file that
maps addresses to `{"file": …, "date": "2020-06-07"}`.

    python -m bench.page_dates FOLDER PAGES.json [--part 0/2] [--wrong 20]
"""

import argparse
import io
import json
import time
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import trafilatura

from app.importers import charsets, html, undated
from app.importers.document import Context, Document

Read = Callable[[bytes], str | None]


def read_here(data: bytes) -> str | None:
    """The day as this archive reads it; a month or a year is no day."""
    [item] = html.parse(io.BytesIO(data), "page", Context())
    stands_in = undated.find(item, None) if isinstance(item, Document) else None
    date = (item.published if isinstance(item, Document) else None) or (stands_in.date if stands_in else None)
    if date is None:
        return None
    day = datetime.fromtimestamp(date.instant, UTC).date().isoformat()
    if date.precision == "instant":  # the page's own day, from Los Angeles to Tokyo
        days = (datetime.fromtimestamp(date.instant + hours * 3600, UTC).date().isoformat() for hours in (0, -8, 9))
        return " ".join(dict.fromkeys(days))
    return day if date.precision in ("day", "instant") else f"{day[:7]}…"


def read_trafilatura(data: bytes) -> str | None:
    found = trafilatura.extract_metadata(charsets.decode(data, (None, None))[0])
    return found.date if found is not None else None


READERS: dict[str, Read] = {"here": read_here, "trafilatura": read_trafilatura}


def judge(found: str | None, expected: str) -> str:
    """`shifted` is an instant whose day is another in UTC than where the page is from."""
    if found is None:
        return "none"
    if found.endswith("…"):
        return "coarse" if expected.startswith(found[:-1]) else "wrong"
    if found.split()[0] == expected:
        return "right"
    return "shifted" if expected in found.split() else "wrong"


def _file(folder: Path, name: str) -> Path:
    return next(path for path in (folder / part / name for part in (".", "test_set", "cache", "eval")) if path.exists())


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("folder", type=Path)
    args.add_argument("pages", type=Path)
    args.add_argument("--part", default="0/1", help="which of how many parts of the pages")
    args.add_argument("--wrong", type=int, default=0, help="pages to name that were read wrong or not at all")
    given = args.parse_args()
    part, parts = map(int, given.part.split("/"))
    counts: dict[str, Counter[str]] = {name: Counter() for name in READERS}
    seconds = dict.fromkeys(READERS, 0.0)
    shown = 0
    for address, page in json.loads(given.pages.read_text()).items():
        if zlib.crc32(page["file"].encode()) % parts != part:
            continue
        data = _file(given.folder, page["file"]).read_bytes()
        found = {}
        for name, read in READERS.items():
            began = time.process_time()
            found[name] = read(data)
            seconds[name] += time.process_time() - began
            counts[name][judge(found[name], page["date"])] += 1
        if judge(found["here"], page["date"]) not in ("right", "shifted") and shown < given.wrong:
            shown += 1
            print(page["file"], "expected", page["date"], found, address)
    for name, count in counts.items():
        total = count.total()
        said = ", ".join(f"{kind} {count[kind]}" for kind in ("right", "shifted", "wrong", "coarse", "none"))
        share, spent = (count["right"] + count["shifted"]) / total, seconds[name] / total * 1000
        print(f"{name:12} {share:.3f} of {total}: {said}; {spent:.0f} ms a page")


if __name__ == "__main__":
    main()
