"""Every saved page and every ninjs item that is at hand, put through: nothing crashes, and what is refused says why."""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from app.importers.document import Document, Failure, ParseContext
from app.importers.formats import detect, registry
from bench import lost_words
from bench.html import judge_page

logger = logging.getLogger(__name__)

pytestmark = pytest.mark.torture


def put_through(files: list[Path]) -> tuple[int, Counter[str]]:
    """How many were imported, and the reasons of the rest."""
    imported, refused = 0, Counter[str]()
    for file in files:
        with file.open("rb") as stream:
            kind = detect.detect_format(file.name, stream.read(65_536))
            stream.seek(0)
            for item in registry.PARSERS[kind](stream, file.name, ParseContext()):
                if isinstance(item, Failure):
                    refused[item.reason] += 1
                imported += isinstance(item, Document)
    return imported, refused


def test_saved_pages_are_imported_and_read_right(data: Callable[[str], Path]) -> None:
    folder = data("html/readability")
    pages = sorted(one for one in folder.iterdir() if (one / "source.html").exists())
    imported, refused = put_through([page / "source.html" for page in pages])
    judged = {page.name: judge_page(page) for page in pages}
    shares = {
        name: sum(marks) / len(marks)
        for name in ("title", "authors", "date", "body")
        if (marks := [mark for one in judged.values() if (mark := one[name]) is not None])
    }
    logger.info("%s of %s pages imported, refused: %s; %s", imported, len(pages), dict(refused), shares)
    assert imported == len(pages)
    assert shares["title"] >= 0.95
    assert shares["authors"] >= 0.75
    assert shares["date"] == 1.0
    assert shares["body"] >= 0.95


def test_captions_of_saved_pages_are_kept(data: Callable[[str], Path]) -> None:
    pages = sorted(one.parent for one in data("html/readability").glob("*/expected.html"))
    lost = {page.name: runs for page in pages if (runs := lost_words.measure(page)["captions"])}
    logger.info("captions lost on %s of %s pages: %s", len(lost), len(pages), lost)
    assert len(lost) <= 1  # a list of articles, with the credits of their pictures


def test_ninjs_items_are_imported_or_refused_with_the_reason(data: Callable[[str], Path]) -> None:
    files = sorted(one for one in data("ninjs").rglob("*.json") if one.parent.name != "schemas")
    imported, refused = put_through(files)
    logger.info("%s items imported, refused: %s", imported, dict(refused))
    assert imported >= 14
    assert all(reason.startswith("no article: the item") for reason in refused)


@pytest.mark.parametrize("seed", range(3))
def test_damaged_pages_are_read_or_refused_in_bounded_time(data: Callable[[str], Path], seed: int) -> None:
    chance = random.Random(seed)
    for page in sorted(data("html/readability").glob("*/source.html")):
        damaged = bytearray(page.read_bytes())
        for _ in range(chance.randrange(1, 60)):
            place = chance.randrange(len(damaged) + 1)
            length = chance.randrange(1, 400)
            piece = chance.choice([b"", b"<", b">", b'"', b"\x00\xff", b"<table>" * 30, b"</div>" * 30, b"&#x110000;"])
            damaged[place : place + length] = piece
        began = time.monotonic()
        items = list(registry.PARSERS["html"](BytesIO(damaged), page.parent.name, ParseContext()))
        assert len(items) == 1
        assert time.monotonic() - began < 20
