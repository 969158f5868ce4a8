"""How right the dates of web pages are read, beside trafilatura, in one run: pages in a folder and a JSON file that
maps addresses to `{"file": …, "date": "2020-06-07"}`, or to the date `nan` for a page that has none.

The day of an instant is the one that the page writes: `2020-06-07T01:00+03:00` is the 7th, though the 6th in UTC.

    python -m bench.page_dates FOLDER PAGES.json [--part 0/2] [--wrong 20]
"""

import argparse
import contextlib
import io
import json
import re
import time
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import trafilatura

from app.importers.document import Document, ParseContext
from app.importers.formats.pages import web_page
from app.importers.records import fallback_dates
from app.importers.text_parts import charsets

Read = Callable[[bytes], str | None]


def read_with_dateline(data: bytes) -> str | None:
    """The day as the page writes it; a month or a year is no day."""
    [item] = web_page.parse(io.BytesIO(data), "page", ParseContext())
    stands_in = fallback_dates.find_date(item, None) if isinstance(item, Document) else None
    date = (item.published if isinstance(item, Document) else None) or (stands_in.date if stands_in else None)
    if date is None:
        return None
    day = datetime.fromtimestamp(date.instant, UTC).date().isoformat()
    if date.precision == "instant":
        return find_written_day(data, date.instant) or day
    return day if date.precision == "day" else f"{day[:7]}…"


def find_written_day(data: bytes, instant: int) -> str | None:
    """The calendar day of an instant that stands in the page with an offset."""
    for match in _WITH_OFFSET.finditer(data):
        with contextlib.suppress(ValueError):
            moment = datetime.fromisoformat(match[0].decode())
            if int(moment.timestamp()) == instant:
                return moment.date().isoformat()
    return None


def read_trafilatura(data: bytes) -> str | None:
    metadata = trafilatura.extract_metadata(charsets.decode_bytes(data, (None, None))[0])
    return metadata.date if metadata is not None else None


_WITH_OFFSET = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?[+-]\d\d:?\d\d")
READERS: dict[str, Read] = {"here": read_with_dateline, "trafilatura": read_trafilatura}


def judge_date(date: str | None, expected: str) -> str:
    """Of a page without a date, none is right."""
    if date is None:
        return "right" if expected == "nan" else "none"
    if date.endswith("…"):
        return "coarse" if expected.startswith(date[:-1]) else "wrong"
    return "right" if date == expected else "wrong"


def _find_file(folder: Path, name: str) -> Path:
    return next(path for path in (folder / part / name for part in (".", "test_set", "cache", "eval")) if path.exists())


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("folder", type=Path)
    args.add_argument("pages", type=Path)
    args.add_argument("--part", default="0/1", help="which of how many parts of the pages")
    args.add_argument("--wrong", type=int, default=0, help="pages to name that were read wrong or not at all")
    options = args.parse_args()
    part, parts = map(int, options.part.split("/"))
    counts: dict[str, Counter[str]] = {name: Counter() for name in READERS}
    seconds = dict.fromkeys(READERS, 0.0)
    shown_count = 0
    for address, page in json.loads(options.pages.read_text()).items():
        if zlib.crc32(page["file"].encode()) % parts != part:
            continue
        data, expected = _find_file(options.folder, page["file"]).read_bytes(), str(page["date"])
        results = {}
        for name, read in READERS.items():
            began = time.process_time()
            results[name] = read(data)
            seconds[name] += time.process_time() - began
            counts[name][judge_date(results[name], expected)] += 1
        if judge_date(results["here"], expected) != "right" and shown_count < options.wrong:
            shown_count += 1
            print(page["file"], "expected", expected, results, address)
    for name, count in counts.items():
        total = count.total()
        counts_text = ", ".join(f"{kind} {count[kind]}" for kind in ("right", "wrong", "coarse", "none"))
        share, spent = count["right"] / total, seconds[name] / total * 1000
        print(f"{name:12} {share:.3f} of {total}: {counts_text}; {spent:.0f} ms a page")


if __name__ == "__main__":
    main()
