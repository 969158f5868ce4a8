"""Exports of Ghost, Medium and Substack, in files, folders and archives; and archives that mean harm."""

import io
import json
import stat
import struct
import zipfile
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from conftest import Served
from hypothesis import given
from hypothesis import strategies as st
from support.exports import (
    SUBSTACK,
    SUBSTACK_LIST,
    documents,
    failures,
    ghost,
    medium,
    newsml,
    nitf,
    pack_files,
    read,
    remarks,
    write,
)
from test_import_jobs import local, send_job

from app.importers.document import Document, DocumentImage, Failure, ParseContext, SourceDate
from app.importers.formats.exports import archive_zip, ghost_bodies
from app.importers.formats.registry import PARSERS
from app.importers.prepare import prepare
from app.regions.atlas import Atlas

__all__ = ["local"]
POST: dict[str, object] = {
    "id": "p1",
    "uuid": "0b7e4e54-1111-4222-8333-944455566677",
    "title": "Slack water",
    "slug": "slack-water",
    "html": '<p>Fog, <a href="__GHOST_URL__/tides/">tides</a>.</p>',
    "status": "published",
    "visibility": "public",
    "type": "post",
    "custom_excerpt": "Between two tides",
    "feature_image": "__GHOST_URL__/content/images/fog.jpg",
    "published_at": "2024-03-10T12:00:00.000Z",
    "updated_at": "2024-03-11T12:00:00.000Z",
}
LINKS = {
    "posts_authors": [
        {"post_id": "p1", "author_id": "u2", "sort_order": 1},
        {"post_id": "p1", "author_id": "u1", "sort_order": 0},
    ],
    "posts_tags": [{"post_id": "p1", "tag_id": f"t{number}", "sort_order": -number} for number in (1, 2, 3)],
    "posts_meta": [
        {"post_id": "p1", "meta_title": "Fog at sea", "feature_image_caption": "<i>Fog</i>", "feature_image_alt": "F"}
    ],
}


def parse_all(name: str, data: bytes, **context: object) -> list[object]:
    return list(PARSERS[name](io.BytesIO(data), "x", ParseContext(**context)))  # type: ignore[arg-type] # as given by the test


def parse_one(name: str, data: bytes, **context: object) -> Document:
    [document] = [one for one in parse_all(name, data, **context) if isinstance(one, Document)]
    return document


def test_post_of_ghost_has_what_its_tables_say_of_it() -> None:
    post = parse_one("ghost", ghost(POST, **LINKS), base_url="https://port.example")
    assert (post.external_id, post.origin, post.slug) == (POST["uuid"], "ghost", "slack-water")
    assert (post.authors, post.tags, post.extra["internal_tags"]) == (
        ("Ann Lee", "Bo Ek"),
        ("Harbour", "Tides"),
        ["#internal"],
    )
    assert (post.standfirst, post.status, post.source, post.language) == (
        "Between two tides",
        "published",
        "Port News",
        "en",
    )
    assert post.body
    assert "https://port.example/tides/" in post.body.content
    assert post.images == (DocumentImage("https://port.example/content/images/fog.jpg", "F", "Fog"),)
    assert (post.url, post.extra["seo"]) == ("https://port.example/slack-water/", {"title": "Fog at sea"})


@pytest.mark.parametrize(
    ("said", "status", "note"),
    [
        ({"status": "draft"}, "draft", "a draft"),
        ({"status": "sent"}, "draft", "e-mail"),
        ({"status": "strange"}, "draft", "strange"),
        ({"visibility": "members"}, "draft", "members"),
        ({"visibility": "paid"}, "draft", "paid"),
        ({"visibility": "tiers"}, "draft", "tiers"),
        ({"status": "scheduled", "published_at": "2199-01-01T00:00:00Z"}, "scheduled", ""),
    ],
)
def test_what_is_not_public_in_ghost_is_not_public_here(said: dict[str, object], status: str, note: str) -> None:
    post = parse_one("ghost", ghost({**POST, **said}))
    assert post.status == status
    assert note in " ".join(post.notes)


@pytest.mark.parametrize(
    ("date", "published"),
    [
        ("2024-03-10T12:00:00.000Z", SourceDate(1710072000, "instant")),
        ("2024-03-10 12:00:00", SourceDate(1710072000, "instant")),
        (1710072000000, SourceDate(1710072000, "instant")),
        (None, None),
        ("0000-00-00 00:00:00", None),
        ("soon", None),
        (True, None),
    ],
)
def test_dates_of_ghost_are_read_in_utc_or_left_out(date: object, published: SourceDate | None) -> None:
    post = parse_one("ghost", ghost({**POST, "published_at": date}), timezone=ZoneInfo("Asia/Tokyo"))
    assert post.published == published
    assert dict(post.extra) == ({"published_at": date} if date in ("soon", True) else {})


def test_subtitle_that_medium_cut_from_the_text_is_no_standfirst() -> None:
    text = f"<p>{'Fog lay on the water. ' * 30}</p><p>The pilots waited for the tide until noon, and then left.</p>"
    page = medium("Slack water", text, subtitle="The pilots waited for the tide until…").encode()
    assert parse_one("medium", page).standfirst is None


FRAMED = '<p>Fog.</p><iframe src="https://film.example/1" title="A film"></iframe><p><a href="/b">There</a></p>'


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("ghost", ghost({**POST, "html": FRAMED})),
        ("medium", medium("Slack water", FRAMED).replace("https://medium.com/@ann/slack", "/slack").encode()),
        ("nitf", nitf("Fog", body=FRAMED).encode()),
        ("newsml", newsml("Fog", body=FRAMED).encode()),
        ("csv", b'title,body_html\nFog,"' + FRAMED.replace('"', '""').encode() + b'"\n'),
    ],
)
def test_no_word_of_a_text_is_lost_without_a_note(name: str, data: bytes) -> None:
    ready = prepare(parse_one(name, data), "x", None, Atlas((), (), (), 0))
    reported = " ".join(ready.notes)
    assert "There" in ready.text
    assert '<a href="https://film.example/1"' in ready.manuscript.body
    assert "A film" in ready.text
    assert "relative address '/b' in the body" in reported
    based = prepare(replace(parse_one(name, data), base="https://port.example/a/"), "x", None, Atlas((), (), (), 0))
    assert 'href="https://port.example/b"' in based.manuscript.body


def test_pages_of_ghost_are_counted_and_a_broken_post_stops_no_other() -> None:
    deep: object = "x"
    for _ in range(150):
        deep = [deep]
    document = parse_all("ghost", ghost({**POST, "type": "page"}, {"id": "p2", "x": deep}, {"id": "p3"}, POST))
    assert [type(one).__name__ for one in document] == ["Failure", "Failure", "Document", "Remark"]
    assert parse_all("ghost", b'{"db": [}')
    assert parse_all("ghost", ghost())


LEXICAL = {
    "root": {
        "type": "root",
        "children": [
            {"type": "extended-heading", "tag": "h2", "children": [{"type": "text", "text": "Fog"}]},
            {
                "type": "paragraph",
                "children": [
                    {"type": "extended-text", "text": "A ", "format": 0},
                    {"type": "extended-text", "text": "bold & low", "format": 3},
                    {"type": "linebreak"},
                    {"type": "link", "url": "https://x.example", "children": [{"type": "text", "text": "link"}]},
                ],
            },
            {
                "type": "list",
                "listType": "number",
                "children": [{"type": "listitem", "children": [{"type": "text", "text": "one"}]}],
            },
            {"type": "image", "src": "https://x.example/a.jpg", "alt": "A", "caption": "Fog <b>here</b>"},
            {"type": "bookmark", "url": "https://x.example/b", "metadata": {"title": "Tides", "description": "All"}},
            {"type": "callout", "calloutText": "Mind the tide"},
            {"type": "newfangled", "text": "Words of a new card"},
            {"type": "codeblock", "code": "a < b"},
            {"type": "signup", "header": "Subscribe"},
        ],
    }
}
MOBILEDOC = {
    "version": "0.3.1",
    "markups": [["strong"], ["a", ["href", "https://x.example"]]],
    "atoms": [["soft-return", "", {}]],
    "cards": [["markdown", {"markdown": "*low* tide"}], ["image", {"src": "https://x.example/a.jpg"}], ["hr", {}]],
    "sections": [
        [1, "h2", [[0, [], 0, "Fog"]]],
        [1, "p", [[0, [0], 0, "bold "], [0, [1], 1, "link"], [0, [], 1, " still"], [1, [], 0, 0], [0, [], 0, "end"]]],
        [3, "ul", [[[0, [], 0, "one"]], [[0, [], 0, "two"]]]],
        [10, 0],
        [10, 1],
        [10, 2],
        [10, 99],
    ],
}


def test_texts_that_ghost_never_rendered_are_read_as_its_editor_kept_them() -> None:
    notes: dict[str, None] = {}
    html = ghost_bodies.convert_lexical(json.dumps(LEXICAL), notes.setdefault)
    assert html.startswith(
        '<h2>Fog</h2><p>A <em><strong>bold &amp; low</strong></em><br><a href="https://x.example">link</a></p>'
    )
    assert "<ol><li>one</li></ol>" in html
    assert "<figcaption>Fog <b>here</b></figcaption>" in html
    for words in ("Tides", "All", "Mind the tide", "Words of a new card", "a &lt; b"):
        assert words in html
    assert list(notes) == ["a card of the kind 'newfangled' is kept as its words"]
    html = ghost_bodies.convert_mobiledoc(json.dumps(MOBILEDOC), notes.setdefault)
    assert html.startswith(
        '<h2>Fog</h2><p><strong>bold <a href="https://x.example">link</a> still</strong><br>end</p>'
        "<ul><li>one</li><li>two</li></ul>"
    )
    assert "<em>low</em> tide" in html
    assert html.endswith("<hr>")
    assert parse_one("ghost", ghost({**POST, "html": None, "lexical": json.dumps(LEXICAL)})).body


NAMES = st.sampled_from(["root", "type", "children", "sections", "cards", "markups", "atoms", "text", "tag"])
SHAPES = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)


@given(SHAPES)
def test_bodies_of_any_shape_are_read_or_left(value: object) -> None:
    notes: dict[str, None] = {}
    assert isinstance(ghost_bodies.convert_lexical(json.dumps({"root": value}), notes.setdefault), str)
    assert isinstance(ghost_bodies.convert_mobiledoc(json.dumps(value), notes.setdefault), str)
    deep = '{"root":' + '{"type":"root","children":[' * 400 + "]}" * 400 + "}"
    assert ghost_bodies.convert_lexical(deep, notes.setdefault) == ""


def test_medium_s_posts_are_read_with_title_and_subtitle_out_of_the_text(tmp_path: Path) -> None:
    page = medium("Slack water", '<p class="graf">Fog lay on the water.</p>', subtitle="Between two tides")
    files = {
        "posts/2019-04-05_Slack-water-0a1b2c3d4e5f.html": page,
        "posts/draft_Notes-111122223333.html": medium("Notes", "<p>Not yet.</p>", "111122223333", published=False),
        "posts/answer.html": medium("Well said", "", "999988887777").replace(
            '<h3 class="graf graf--h3 graf--leading graf--title">Well said</h3>', "<p>Well said indeed.</p>"
        ),
        "sessions/sessions-0001.html": "<!DOCTYPE html><title>Sessions</title><p>10.0.0.1 from a phone, private</p>",
    }
    for path in (write(tmp_path / "export", files), tmp_path / "export.zip"):
        if path.suffix:
            path.write_bytes(pack_files(files))
        by_name = {str(one.title): one for one in documents(read(path))}
        assert sorted(by_name) == ["Notes", "Slack water", "Well said"]
        post = by_name["Slack water"]
        assert (post.external_id, post.origin, post.slug) == ("0a1b2c3d4e5f", "medium.com", "slack-water")
        assert (post.authors, post.tags, post.standfirst) == (("Ann Lee",), ("Tides",), "Between two tides")
        assert post.body
        assert post.body.content == '<p class="graf">Fog lay on the water.</p>'
        assert (post.status, by_name["Notes"].status, by_name["Well said"].status) == ("published", "draft", "draft")
        assert "response" in " ".join(by_name["Well said"].notes)
        assert by_name["Notes"].external_id == "111122223333"


@pytest.mark.parametrize("way", ["folder", "list", "archive", "archive below a folder"])
def test_substack_s_posts_are_read_beside_their_list(way: str, tmp_path: Path) -> None:
    path = write(tmp_path / "export", SUBSTACK)
    if way == "list":
        path = path / "posts.csv"
    elif way.startswith("archive"):
        path = tmp_path / "export.zip"
        path.write_bytes(
            pack_files({f"{'a/b/' if way != 'archive' else ''}{name}": text for name, text in SUBSTACK.items()})
        )
    document = read(path)
    if way == "folder":
        assert remarks(document)[0].endswith("lists of readers")
    assert failures(document) == []
    posts = {one.title: one for one in document if isinstance(one, Document)}
    assert {title: post.status for title, post in posts.items()} == {
        "Slack water": "published", "Rough notes": "draft", "For payers": "draft", "Lost": "draft",
    }  # fmt: skip
    post = posts["Slack water"]
    assert (post.external_id, post.origin, post.slug) == ("101", "substack.com", "slack-water")
    assert post.standfirst == "Between two tides"
    assert post.body
    assert post.body.content == "<p>The harbour lay still.</p>"
    assert "audience: 'only_paid': not public at its source, kept as a draft" in posts["For payers"].notes
    assert "left out: 1 pages" in remarks(document)


def test_list_of_substack_alone_says_what_is_missing() -> None:
    [failure] = parse_all("substack", SUBSTACK_LIST.encode())
    assert isinstance(failure, Failure)
    assert "the folder or the ZIP archive" in failure.reason


def test_exports_of_ghost_and_wordpress_are_found_in_archives(tmp_path: Path) -> None:
    wxr = (
        '<?xml version="1.0"?><rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>P</title><item><title>Quay</title>'
        "<content:encoded>Mended.</content:encoded><wp:post_id>7</wp:post_id><wp:post_type>post</wp:post_type></item>"
        "</channel></rss>"
    )
    files: dict[str, str | bytes] = {
        "a/port.ghost.json": ghost(POST),
        "b/wordpress.xml": wxr,
        "content/images/a.png": b"\x89PNG\r\n\x1a\n",
    }
    (tmp_path / "a.zip").write_bytes(pack_files(files))
    document = read(tmp_path / "a.zip")
    assert [one.title for one in documents(document)] == ["Slack water", "Quay"]
    assert remarks(document) == ["left out of the archive, as no posts: 1 .png"]


def hostile(tmp_path: Path, data: bytes) -> list[str]:
    (tmp_path / "a.zip").write_bytes(data)
    return failures(read(tmp_path / "a.zip"))


def test_archives_that_mean_harm_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = medium("Slack water", "<p>Fog.</p>")
    bomb = page.replace("<p>Fog.</p>", "<p>Fog.</p>" + " " * 20_000_000)
    assert (
        hostile(tmp_path, pack_files({"posts/a.html": page, "posts/b.html": bomb})) == []
    )  # b's head alone is never trusted
    assert [one.title for one in documents(read(tmp_path / "a.zip"))] == ["Slack water"]
    assert "no export" in hostile(tmp_path, pack_files({"../posts/a.html": page}))[0]
    link = zipfile.ZipInfo("posts/a.html")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "no export" in hostile(tmp_path, buffer.getvalue())[0]
    assert "no export" in hostile(tmp_path, pack_files({"inner.zip": pack_files({"posts/a.html": page})}))[0]
    whole = pack_files({"posts/a.html": page})
    assert "breaks off" in hostile(tmp_path, whole[:-30])[0]
    spoilt = whole.replace(whole[60:70], b"\x00" * 10, 1)
    assert hostile(tmp_path, spoilt)
    many = bytearray(whole)
    struct.pack_into("<H", many, whole.rindex(b"PK\x05\x06") + 10, archive_zip.MAX_ENTRIES)
    assert "50000 files or more" in hostile(tmp_path, bytes(many))[0]
    # A second directory that `zipfile` goes by, whatever the end record says.
    end = whole.rindex(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1_000_000, 1_000_000, 50_000_000, 0)
    second = whole[:end] + record + struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1) + whole[end:]
    assert "ZIP64" in hostile(tmp_path, second)[0]


def test_member_whose_size_is_a_lie_ends_where_it_says(tmp_path: Path) -> None:
    whole = bytearray(pack_files({"posts/a.html": medium("Slack water", "<p>Fog.</p>" * 5_000)}))
    directory = whole.rindex(b"PK\x01\x02")
    struct.pack_into("<I", whole, directory + 24, 100)
    assert hostile(tmp_path, bytes(whole))


@pytest.mark.slow
@pytest.mark.anyio
async def test_archives_are_read_as_jobs(local: Served) -> None:
    page = medium("Slack water", "<p>Fog lay on the water.</p>")
    job = await send_job(local.editor, pack_files({"posts/a.html": page}), {"Content-Type": "application/zip"})
    assert (job["state"], job["progress"]["created"]) == ("done", 1), job
    job = await send_job(local.editor, pack_files(SUBSTACK), {"Content-Type": "application/octet-stream"})
    assert (job["progress"]["created"], job["progress"]["failed"]) == (4, 0)
    listed = (await local.public.get("/v1/articles?sort=title")).json()["data"]
    assert [one["title"] for one in listed] == ["Slack water", "Slack water"]
