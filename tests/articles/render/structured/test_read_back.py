"""What is written as JSON-LD, ninjs or Markdown is read back as the same article, of every sample."""

import io
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from conftest import serve

from app.commands import open_archive
from app.importers import pipeline, sources
from app.importers.document import Document, DocumentBody, ParseContext, SourceDate
from app.importers.formats import detect
from app.importers.formats.registry import PARSERS
from app.importers.sources import SourceInput
from app.settings import Settings

pytestmark = pytest.mark.anyio

SEED = Path(__file__).resolve().parents[4] / "seed_data"
SITE = "https://news.example"
FORMATS = ("jsonld", "ninjs", "markdown")
NOT_OF_CONTENT = {"id", "version", "updated_at", "created_at"}
"""What an archive counts for itself."""
LOOSE_ITEM = re.compile(r"(<li>)<p>|</p>(?=</li>)")
"""Markdown does not tell a list with paragraphs for its items from one without, nor white space between tags."""
Json = dict[str, Any]
Samples = tuple[httpx.AsyncClient, list[Json]]


def make_archive(folder: Path) -> Settings:
    settings = Settings(data_dir=folder, site_url=SITE, index_heap_mb=15)
    open_archive.open_archive(settings).close_now()
    return settings


def import_files(settings: Settings, inputs: list[SourceInput]) -> pipeline.ImportReport:
    database = open_archive.open_archive(settings)
    try:
        return pipeline.run_import(database, inputs, pipeline.ImportOptions(), database.read_time)
    finally:
        database.close_now()


def make_input(name: str, content: bytes) -> SourceInput:
    return SourceInput(name, name, lambda: io.BytesIO(content))


@pytest.fixture(scope="module")
async def samples(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Samples]:
    """An archive of all samples, and more of what articles may have."""
    settings = make_archive(tmp_path_factory.mktemp("samples"))
    import_files(settings, sources.find_sources([str(SEED)], io.BytesIO()))
    import_files(settings, [make_input("more.ndjson", "\n".join(map(json.dumps, MORE)).encode())])
    async with serve(settings) as api:
        listed = (await api.public.get("/v1/articles?limit=100")).json()["data"]
        addresses = [f"/v1/articles/{one['id']}?include=body,related" for one in listed]
        yield api.public, [(await api.public.get(address)).json() for address in addresses]


MORE: list[Json] = [
    {
        "id": 901, "version": 3, "published_precision": "month", "slug": "every-part", "status": "published",
        "title": 'A title with "quotes", <b>signs</b> & \U0001f6a2 *stars*', "standfirst": "# Not a heading: no",
        "body": "<h2>One</h2><p>Text &lt;/script&gt; with <a href=\"https://x.example/a\">a link</a>.</p>"
        "<ul><li>First</li><li>Second</li></ul><h2>Related posts</h2><ul><li>Not a related post</li></ul>",
        "dateline": {"text": "KYIV, 2024", "place": "Kyiv", "date": "2024", "precision": "year"},
        "authors": [{"slug": "ann-lee", "name": "Ann, Lee"}, {"slug": "bo", "name": "Bo"}],
        "tags": [
            {"slug": "nato", "name": "NATO", "kind": "organisation"},
            {"slug": "world", "name": "World", "kind": "section"},
            {"slug": "cy", "name": "Cy Dee", "kind": "person"},
            {"slug": "games", "name": "Games", "kind": "event"},
            {"slug": "trade", "name": "trade", "kind": "topic"},
        ],
        "regions": [
            {"slug": "estonia", "name": "Estonia", "roles": ["mention"]},
            {"slug": "ukraine", "name": "Ukraine", "roles": ["about", "mention"]},
        ],
        "images": [
            {"url": "https://x.example/ä b.jpg", "alt": "A", "caption": "C", "credit": "D", "width": 10, "height": 5},
            {"url": "https://x.example/2.jpg", "alt": None, "caption": None, "credit": None, "width": None,
             "height": None},
        ],
        "corrections": [{"at": "2025-05-14T09:12:00Z", "text": "A name was wrong.", "version": 2}],
        "source": {"slug": "herald", "name": "The Herald", "url": "https://herald.example/1"},
        "seo": {"title": "Seo", "description": "Described", "canonical_url": "https://herald.example/c"},
        "external_id": "a-1", "language": "en", "signature": "Signed.", "published_at": "2024-03-01T00:00:00Z",
        "related": [
            {"title": "Elsewhere [1]", "url": "https://x.example/r", "unlinked": False},
            {"title": "Never linked", "url": None, "unlinked": True},
        ],
        "origin": "outlet",
    },
    {
        "id": 902, "version": 1, "published_precision": None, "slug": "undated", "status": "published",
        "title": "2024", "body": "", "language": "fr", "published_at": None, "origin": "outlet",
        "original": {"origin": "outlet", "slug": "every-part"}, "translation_of": 901,
    },
]  # fmt: skip


def read_document(name: str, content: bytes) -> Document:
    kind = detect.choose_parser(name, content[: detect.HEAD])
    [item] = PARSERS[kind](io.BytesIO(content), name, ParseContext())
    assert isinstance(item, Document), item
    return item


def strip_record(article: Json) -> Json:
    """What an import keeps of an article; related posts by their words, which say no less."""
    shown = {name: value for name, value in article.items() if name not in NOT_OF_CONTENT}
    posts = [(post["title"], post["url"], post["unlinked"]) for post in article["related"]]
    for name in ("tags", "authors", "regions"):
        shown[name] = [{part: value for part, value in row.items() if part != "id"} for row in shown[name]]
    # Where nothing but the dateline names a place, an import finds it again, behind the others.
    shown["regions"].sort(key=lambda region: region["roles"] == ["dateline"])
    body = LOOSE_ITEM.sub(r"\1", re.sub(r">\s+<", "><", article["body"]))
    return shown | {"related": posts, "translation_of": shown["translation_of"] is not None, "body": body}


@pytest.mark.parametrize("format", FORMATS)
async def test_samples_read_back_into_another_archive_are_the_same_articles(
    samples: Samples, tmp_path: Path, format: str
) -> None:
    client, articles = samples
    assert len(articles) > 40
    suffix = {"jsonld": "jsonld", "ninjs": "json", "markdown": "md"}[format]
    contents = {
        f"{article['slug']}.{suffix}": (await client.get(f"/v1/articles/{article['id']}?format={format}")).content
        for article in articles
    }
    other, wrong = make_archive(tmp_path), dict[str, Json]()
    report = import_files(other, [make_input(name, content) for name, content in contents.items()])
    assert (report.failures, report.created) == ([], len(articles))
    async with serve(other) as reader:
        for article in articles:
            again = (await reader.public.get(f"/v1/articles/{article['slug']}?include=body,related")).json()
            expected, actual = strip_record(article), strip_record(again)
            differences = {name: (actual.get(name), value) for name, value in expected.items()}
            wrong[article["slug"]] = {name: pair for name, pair in differences.items() if pair[0] != pair[1]}
    assert {slug: fields for slug, fields in wrong.items() if fields} == {}


@pytest.mark.parametrize("format", ["jsonld", "ninjs"])
async def test_page_of_a_list_read_back_has_its_articles(samples: Samples, format: str) -> None:
    client, _ = samples
    address = f"/v1/articles?limit=7&include=body,related&format={format}"
    response = await client.get(address)
    kind = detect.choose_parser("page.json", response.content[: detect.HEAD])
    items = list(PARSERS[kind](io.BytesIO(response.content), "page.json", ParseContext()))
    alone = [
        read_document(f"x.{format}", (await client.get(f"/v1/articles/{one['id']}?format={format}")).content)
        for one in (await client.get("/v1/articles?limit=7")).json()["data"]
    ]
    assert [item for item in items if not isinstance(item, Document)] == []
    assert [(item.title, item.body, item.tags) for item in items if isinstance(item, Document)] == [
        (item.title, item.body, item.tags) for item in alone
    ]
    assert [item.where for item in items if isinstance(item, Document)] == [f"page.json:1#{n}" for n in range(1, 8)]


@pytest.mark.parametrize(
    ("format", "changes", "field", "expected"),
    [
        ("jsonld", {"headline": "Another"}, "title", "Another"),
        ("jsonld", {"keywords": ["boats"], "articleSection": []}, "tags", ("boats",)),
        ("jsonld", {"author": [{"@type": "Person", "name": "Di Fox"}]}, "authors", ("Di Fox",)),
        ("jsonld", {"contentLocation": [], "mentions": []}, "regions", ("Kyiv",)),
        ("jsonld", {"datePublished": "2023"}, "published", SourceDate(1672531200, "year")),
        ("ninjs", {"headlines": [{"role": "main", "value": "Another"}]}, "title", "Another"),
        ("ninjs", {"by": "Di Fox and Cy Dee"}, "authors", ("Di Fox", "Cy Dee")),
        ("ninjs", {"subjects": [{"name": "boats", "rel": "topic"}], "people": [], "events": []},
         "tags", ("boats",)),
        ("ninjs", {"bodies": [{"role": "main", "value": "<p>New.</p>"}]}, "body", DocumentBody("html", "<p>New.</p>")),
    ],
)  # fmt: skip
async def test_change_that_somebody_made_to_a_document_is_read(
    samples: Samples, format: str, changes: Json, field: str, expected: object
) -> None:
    client, _ = samples
    document = (await client.get(f"/v1/articles/every-part?format={format}")).json()
    assert changes.keys() <= document.keys()
    before = read_document("x.json", json.dumps(document).encode())
    after = read_document("x.json", json.dumps(document | changes).encode())
    assert getattr(before, field) != getattr(after, field) == expected
    assert (before.slug, before.is_own) == (after.slug, after.is_own) == ("every-part", True)


async def test_change_that_somebody_made_to_a_markdown_file_is_read(samples: Samples) -> None:
    client, _ = samples
    text = (await client.get("/v1/articles/every-part?format=markdown")).text
    head, _, below = text.partition("# A title")
    changed = f"{head.replace('A title', 'Another title')}# Another title{below}".replace("- First", "- Foremost")
    before, after = (read_document("x.md", one.encode()) for one in (text, changed))
    assert before.body is not None
    assert after.body is not None
    assert after.title == (before.title or "").replace("A title", "Another title") != before.title
    assert after.body.content == before.body.content.replace("First", "Foremost")


async def test_samples_are_valid_by_the_schema_of_ninjs(samples: Samples, data: Callable[[str], Path]) -> None:
    client, articles = samples
    # ninjs refers to it, and nothing here has any of it.
    geojson: Json = {"$id": "https://geojson.org/schema/GeoJSON.json", "not": {}}
    validator = jsonschema_rs.validator_for(
        json.loads(data("ninjs/schemas/ninjs-schema_3.1.json").read_text()),
        registry=jsonschema_rs.Registry([(geojson["$id"], geojson)]),
        validate_formats=True,
    )
    addresses = [f"/v1/articles/{article['id']}?" for article in articles]
    for address in (*addresses, "/v1/articles?limit=100&include=body,related&", "/v1/search?q=the&"):
        item = (await client.get(f"{address}format=ninjs")).json()
        errors = [f"{error.instance_path}: {error.message[:100]}" for error in validator.iter_errors(item)]
        assert errors == [], address
    with pytest.raises(jsonschema_rs.ValidationError):
        validator.validate({"type": "text"})
