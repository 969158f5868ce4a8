"""Small exports of other systems, written for the tests: archives, posts and pages as those systems write them."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from app.importers.document import Document, Failure, Item, ParseContext, Remark
from app.importers.sources import find_sources, read_items


def pack_files(files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def read(path: Path, **context: object) -> list[Item]:
    """What is in a file or folder."""
    return [
        item
        for source in find_sources([str(path)], io.BytesIO())
        for item in read_items(source, None, ParseContext(**context))  # type: ignore[arg-type] # as given by the test
    ]


def documents(result: list[Item]) -> list[Document]:
    assert [one for one in result if isinstance(one, Failure)] == []
    return [one for one in result if isinstance(one, Document)]


def failures(result: list[Item]) -> list[str]:
    return [one.reason for one in result if isinstance(one, Failure)]


def remarks(result: list[Item]) -> list[str]:
    return [one.text for one in result if isinstance(one, Remark)]


def medium(title: str, text: str, id: str = "0a1b2c3d4e5f", *, published: bool = True, subtitle: str = "") -> str:
    """A page of a Medium export."""
    when = '<time class="dt-published" datetime="2019-04-05T06:07:08.009Z">April 5, 2019</time>' if published else ""
    link = (
        f'<a class="p-canonical" href="https://medium.com/@ann/slack-water-{id}">Canonical link</a>'
        if published
        else ""
    )
    below = f'<section data-field="subtitle" class="p-summary">{subtitle}</section>' if subtitle else ""
    return f"""<!DOCTYPE html><html><head><title>{title}</title></head><body><article class="h-entry">
<header><h1 class="p-name">{title}</h1></header>{below}
<section data-field="body" class="e-content"><section class="section"><div class="section-divider"><hr></div>
<div class="section-inner"><h3 class="graf graf--h3 graf--leading graf--title">{title}</h3>{text}</div></section>
</section>
<footer><p>By <a class="p-author h-card" href="https://medium.com/@ann">Ann Lee</a> on {when}
<a href="https://medium.com/p/{id}">View original.</a></p><p class="p-tags"><a class="p-tag" href="x">Tides</a></p>
<p>{link}</p><p>Exported from <a href="https://medium.com">Medium</a> on May 1, 2020.</p></footer></article>
</body></html>"""


SUBSTACK_LIST = (
    "post_id,post_date,is_published,email_sent_at,type,audience,title,subtitle,podcast_url\n"
    "101.slack-water,2024-03-10T12:00:00.000Z,true,,newsletter,everyone,Slack water,Between two tides,\n"
    "102.rough-notes,2024-04-01T09:00:00.000Z,false,,newsletter,everyone,Rough notes,,\n"
    "103.for-payers,2024-05-01T09:00:00.000Z,true,,newsletter,only_paid,For payers,,\n"
    "104.about,2024-01-01T09:00:00.000Z,true,,page,everyone,About,,\n"
    "105.lost,2024-06-01T09:00:00.000Z,true,,newsletter,everyone,Lost,,\n"
)
SUBSTACK = {
    "posts.csv": SUBSTACK_LIST,
    "posts/101.slack-water.html": "<p>The harbour lay still.</p><p class='button-wrapper'><a>Subscribe</a></p>",
    "posts/102.rough-notes.html": "<p>Not yet.</p>",
    "posts/103.for-payers.html": "<p>For those who pay.</p>",
    "posts/104.about.html": "<p>About us.</p>",
    "email_list.csv": "email,active_subscription\nann@port.example,true\n",
}


def ghost(*posts: Mapping[str, object], **tables: object) -> bytes:
    """A Ghost export of these posts, with two users, three tags and a title."""
    data = {
        "posts": posts,
        "users": [{"id": "u1", "name": "Ann Lee"}, {"id": "u2", "name": "Bo Ek"}],
        "tags": [
            {"id": "t1", "name": "Tides", "visibility": "public"},
            {"id": "t2", "name": "#internal", "visibility": "internal"},
            {"id": "t3", "name": "Harbour", "visibility": "public"},
        ],
        "settings": [{"key": "title", "value": "Port News"}, {"key": "locale", "value": "en-GB"}],
        **tables,
    }
    meta = {"exported_on": 1700000000000, "version": "5.70.0"}
    return json.dumps({"db": [{"meta": meta, "data": data}]}).encode()


def nitf(title: str, status: str = "usable", body: str = "<p>The lake rose.</p>") -> str:
    """A document of NITF."""
    return f"""<nitf><head><docdata management-status="{status}"><doc-id id-string="port.1"/>
<date.issue norm="20250506T070809Z"/></docdata></head><body><body.head><hedline><hl1>{title}</hl1></hedline></body.head>
<body.content>{body}</body.content></body></nitf>"""


def newsml(title: str, status: str = "usable", body: str = "<p>The lake rose.</p>") -> str:
    """A news item of NewsML-G2."""
    inline = f"<inlineXML><html><body>{body}</body></html></inlineXML>"
    return f"""<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:newsml:port.example:1" version="1">
<itemMeta><itemClass qcode="ninat:text"/><firstCreated>2025-05-06T07:08:09Z</firstCreated>
<pubStatus qcode="stat:{status}"/></itemMeta><contentMeta><headline>{title}</headline></contentMeta>
<contentSet>{inline}</contentSet></newsItem>"""


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """These files in a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
