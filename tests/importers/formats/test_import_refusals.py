"""What is not surely text is refused by name, with what to do instead, whatever way it comes."""

import gzip
import io
import random
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from conftest import Served
from support.exports import documents, failures, pack_files, read, remarks, write
from test_cli import Dateline, dateline
from test_import_jobs import local, send_job

from app.importers.document import ParseContext
from app.importers.formats import detect
from app.importers.sources import WebAccess, find_sources, read_items
from app.importers.web.fetch import FetchedPage

__all__ = ["dateline", "local"]

NOISE = random.Random(7).randbytes(3_000)
BINARY: dict[str, tuple[bytes, str]] = {
    "a.zip": (pack_files({"story.txt": "Fog\n\nOn the water.\n"}), "no export of Medium"),
    "a.docx": (pack_files({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}), "Word document"),
    "a.xlsx": (pack_files({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"}), "Excel workbook"),
    "a.odt": (pack_files({"mimetype": "application/vnd.oasis.opendocument.text"}), "text document (.odt)"),
    "a.epub": (pack_files({"mimetype": "application/epub+zip", "META-INF/container.xml": "<x/>"}), "e-book"),
    "a.pdf": (b"%PDF-1.7\n1 0 obj\n", "PDF"),
    "a.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "old kind"),
    "a.rtf": (b"{\\rtf1\\ansi Fog}", "RTF"),
    "program": (b"\x7fELF\x02\x01\x01" + bytes(200), "ELF"),
    "program.txt": (b"MZ\x90\x00\x03" + bytes(200), "Windows"),
    "a.png": (b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
    "a.jpg": (b"\xff\xd8\xff\xe0" + NOISE, "JPEG"),
    "a.mp3": (b"ID3\x03" + bytes(50), "MP3"),
    "a.mp4": (b"\x00\x00\x00\x20ftypisom" + bytes(50), "film"),
    "a.db": (b"SQLite format 3\x00" + bytes(80), "SQLite"),
    "a.ndjson": (gzip.compress(b'{"title": "Fog"}'), "gzip"),
    "a.parquet": (b"PAR1\x00" + bytes(50), "Parquet"),
    "a.woff2": (b"wOF2" + bytes(50), "font"),
    "a.txt": (
        b"AUTHOR: Ann\nTITLE: Fog\nSTATUS: Draft\n-----\nBODY:\nFog.\n-----\nCOMMENT:\nIP: 1.2.3.4\n-----\n--------\n",
        "Movable Type",
    ),
    "a.mbox": (b"From a@b.example Mon Jan  5 10:00:00 2026\nFrom: a@b.example\n\nFog\n", "mailbox"),
    "a.eml": (b"Received: from b\r\n by c;\r\nMIME-Version: 1.0\r\nSubject: Fog\r\n\r\nFog\r\n", "e-mail"),
    "noise.md": (NOISE, "binary"),
    "noise.json": (b"[" + NOISE, "binary"),
    "noise.html": (b"<html>" + NOISE, "binary"),
    "nul.csv": (b"title,body\nFog\x00,x\n", "NUL"),
    "controls.txt": (bytes(random.Random(1).choices(range(1, 32), k=200)), "control"),
    "cyrillic.txt": ("Порт\n\nТуман лежал на воде, и ничего не двигалось.\n".encode("cp1251"), "UTF-8"),
    "wide.txt": ("Fog lay on the water, and nothing moved.".encode("utf-16-le"), "UTF-16"),
    "sjis.txt": (("港に霧が立ちこめていた。何も動かなかった。" * 9).encode("shift_jis"), "save it as UTF-8"),
    "drupal.json": (b'{"jsonapi": {"version": "1.0"}, "data": [{"type": "node--article", "id": "1"}]}', "Drupal"),
    "joomla.json": (
        b'{"links": {"self": "https://x.example/api/index.php/v1/content/articles"}, "data": []}',
        "Joomla",
    ),
    "dump.sql": (b"-- MySQL dump 10.13\nCREATE TABLE x", "MySQL"),
}
TEXTS = {
    "bm.txt": b"BMW opens a works\n\nMunich, 5 May 2025. It is new.\n",
    "mz.txt": b"MZ Wallace Fowlie\n\nA translator of the French poets is remembered.\n",
    "id.txt": b"ID3 is a format\n\nAn article about the format of names in recordings.\n",
    "controls.txt": b"Shi\x08ps\n\nOne control does not make a picture of a text, with many words.\n",
    "utf32.xml": b"\x00\x00\xfe\xff"
    + '<?xml version="1.0" encoding="utf-32"?><rss><channel><item><title>Fog</title></item></channel></rss>'.encode(
        "utf-32-be"
    ),
    "utf16.txt": "Fog\n\nOn the water.\n".encode("utf-16"),
    "commas.txt": b"Fog, wind, rain\n\nOn the water, and on the quay, and on the hill.\n",
    "drupal.txt": b'Moving house\n\nThe "type": "node--article" of Drupal is what its API says.\n',
    "nul.html": b"<!doctype html><title>Fog</title><article><p>Fog lay on the water\x00, long.</p></article>",
}


@pytest.mark.parametrize("name", BINARY)
def test_what_is_no_text_is_refused_by_name_whatever_it_is_called(name: str, tmp_path: Path) -> None:
    content, said = BINARY[name]
    for called in (name, "story.txt"):
        if called == "story.txt" and name.endswith((".csv", ".md")):
            continue
        (tmp_path / called).write_bytes(content)
        [reason] = failures(read(tmp_path / called))
        assert said in reason


def test_formats_that_are_named_do_not_make_text_of_a_picture() -> None:
    with pytest.raises(detect.NotText, match="PNG"):
        detect.choose_parser("a", BINARY["a.png"][0], "text")
    with pytest.raises(detect.NotText, match="NUL"):
        detect.choose_parser("a", b"Fog\x00", "markdown")
    assert detect.choose_parser("a", BINARY["drupal.json"][0], "ndjson") == "ndjson"  # somebody knows better


@pytest.mark.parametrize("name", TEXTS)
def test_text_stays_text(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(TEXTS[name])
    [document] = documents(read(tmp_path / name))
    assert document.title


def test_folder_of_many_kinds_reads_its_texts_and_names_each_other_file(tmp_path: Path) -> None:
    stories: dict[str, str | bytes] = {
        f"story{number}.txt": f"Story {number}\n\nFog lay on the water.\n" for number in range(70)
    }
    write(tmp_path, stories)
    write(tmp_path, {f"{number:02}-{name}": content for number, (name, (content, _)) in enumerate(BINARY.items())})
    document = read(tmp_path)
    assert len([one for one in document if not hasattr(one, "reason")]) == 70
    assert len(failures(document)) == len(BINARY) == 32


def test_assets_of_a_site_are_no_failures(tmp_path: Path) -> None:
    site: dict[str, str | bytes] = {
        "_posts/2021-03-10-quay.md": "---\ntitle: Quay\n---\nMended.\n",
        "assets/q.png": BINARY["a.png"][0],
    }
    document = read(write(tmp_path, {**site, "assets/a.css": "b {}", "_config.yml": "title: Port\n", "Gemfile": "x"}))
    assert [one.title for one in documents(document)] == ["Quay"]
    assert (
        sorted(remarks(document))[0]
        == "left out of the folder: .css files are read only where they are named themselves"
    )
    assert "left out of the folder: pictures, films and fonts of the site" in remarks(document)


def test_command_fails_for_each_of_them_and_saves_none(dateline: Dateline, tmp_path: Path) -> None:
    write(tmp_path / "in", {"a.docx": BINARY["a.docx"][0], "b.pdf": BINARY["a.pdf"][0], "c.txt": TEXTS["bm.txt"]})
    ran = dateline("import", "--json", tmp_path / "in")
    report = ran.json()
    assert isinstance(report, dict)
    assert (ran.status, report["created"], report["failed"]) == (1, 1, 2)


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.png", "noise.md"])
def test_what_an_address_gives_is_refused_alike(name: str) -> None:
    def fetch(url: str, *, accept: str = "", known: Mapping[str, str] | None = None) -> FetchedPage:
        return FetchedPage(url, 200, {"content-type": "text/html"}, BINARY[name][0])

    web = WebAccess(fetch, lambda _: {})
    [source] = find_sources(["https://news.example/story.html"], io.BytesIO())
    items = list(read_items(source, None, ParseContext(), web))
    assert [BINARY[name][1] in reason for reason in failures(items)] == [True]
    assert len(items) == 1  # no bookmark: it is asked for again


@pytest.mark.slow
@pytest.mark.anyio
async def test_bodies_of_requests_are_refused_alike(local: Served) -> None:
    for name in ("a.docx", "a.pdf", "program", "noise.md", "a.mbox"):
        headers = {"Content-Type": "application/octet-stream"}
        job = await send_job(local.editor, BINARY[name][0], headers)
        assert (job["state"], job["progress"]["created"], job["progress"]["failed"]) == ("done", 0, 1)
        assert BINARY[name][1] in job["results"][0]["reason"]
    response: httpx.Response = await local.public.get("/v1/articles")
    assert response.json()["data"] == []
