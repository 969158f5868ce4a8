"""ninjs items of every version read as articles; what is none is told by its type."""

import io
import json

import pytest

from app.importers.document import (
    Document,
    DocumentBody,
    DocumentImage,
    Failure,
    ParseContext,
    RelatedReference,
    SourceDate,
    SourceDateline,
)
from app.importers.formats import detect
from app.importers.formats.registry import PARSERS

FIRST = {
    "uri": "urn:newsml:wire.example:20250101:77",
    "$standard": "https://iptc.org/std/ninjs/ninjs-schema_1.6.json",
    "type": "text",
    "versioncreated": "2025-01-02T10:00:00+01:00",
    "firstcreated": "2025-01-01T09:00:00+01:00",
    "pubstatus": "usable",
    "language": "en-GB",
    "headline": "River ferry returns",
    "description_text": "A boat that was thought lost.",
    "body_text": "OSLO (AFP) - The ferry came back on Sunday, and the whole quay came out to see it.\n\nIt stays.",
    "byline": "By Ann Lee and Bo Ek",
    "copyrightholder": "Wire",
    "copyrightnotice": "(c) Wire 2025",
    "slugline": "ferry-return",
    "subject": [{"name": "Transport", "code": "n:1"}],
    "person": [{"name": "Cy Dee"}],
    "organisation": [{"name": "Harbour Board"}],
    "place": [{"name": "Norway"}],
    "associations": {
        "lead": {
            "uri": "urn:x:pic",
            "type": "picture",
            "description_text": "The ferry at dusk.",
            "byline": "Di Fox",
            "renditions": {
                "small": {"href": "https://wire.example/s.jpg", "mimetype": "image/jpeg", "width": 300, "height": 200},
                "web": {"href": "https://wire.example/w.jpg", "mimetype": "image/jpeg", "width": 1200, "height": 800},
                "print": {"href": "https://wire.example/p.jpg", "mimetype": "image/jpeg", "width": 9000},
            },
        },
        "before": {"uri": "https://wire.example/lost", "type": "text", "headline": "River ferry is lost"},
    },
}
THIRD = {
    "uri": "https://wire.example/items/78",
    "standard": {"name": "ninjs", "version": "3.0"},
    "type": "text",
    "versionCreated": "2025-03-01T09:00:00Z",
    "pubStatus": "usable",
    "headlines": [{"role": "short", "value": "Fog"}, {"role": "main", "value": "Fog closes the sound"}],
    "bodies": [
        {"role": "text", "contentType": "text/plain", "value": "Fog closed the sound."},
        {
            "role": "html",
            "contentType": "text/html",
            "value": "<html><head><title>x</title></head><body><h1>Fog closes the sound</h1>"
            "<p>Fog closed the sound.</p>"
            "<h4>Lire aussi</h4><ul><li><a href='https://wire.example/1'>Fog in May</a></li></ul></body></html>",
        },
    ],
    "by": "Von Eva Roth, Wire",
    "infoSources": [{"name": "Wire"}],
    "copyrightHolder": "Wire",
    "located": "Malmö, Sweden",
    "people": [{"name": "Fa Gul"}],
    "places": [{"name": "Sweden"}],
    "altIds": [{"role": "desk", "value": "7"}],
}


def read(item: object) -> list[Document | Failure]:
    stream = io.BytesIO(json.dumps(item).encode())
    return [one for one in PARSERS["ninjs"](stream, "a.json", ParseContext()) if isinstance(one, Document | Failure)]


def article(item: object) -> Document:
    [result] = read(item)
    assert isinstance(result, Document), result
    return result


def test_item_of_version_one_gives_every_field() -> None:
    document = article(FIRST)
    assert (document.external_id, document.origin, document.url) == (FIRST["uri"], "wire.example", None)
    assert (document.title, document.standfirst) == ("River ferry returns", "A boat that was thought lost.")
    assert document.dateline == SourceDateline("OSLO (AFP) -", "OSLO")
    assert document.body == DocumentBody(
        "text", "The ferry came back on Sunday, and the whole quay came out to see it.\n\nIt stays."
    )
    assert (document.authors, document.source, document.signature) == (("Ann Lee", "Bo Ek"), "Wire", "(c) Wire 2025")
    assert (document.published, document.updated) == (
        SourceDate(1735718400, "instant"),
        SourceDate(1735808400, "instant"),
    )
    assert (document.language, document.status, document.regions) == ("en", "published", ("Norway",))
    kinds = [(ref.name, ref.kind) for ref in document.tag_refs]
    assert kinds == [("Transport", "topic"), ("Cy Dee", "person"), ("Harbour Board", "organisation")]
    picture = DocumentImage("https://wire.example/w.jpg", None, "The ferry at dusk.", "Di Fox", 1200, 800)
    assert (document.images, document.related) == (
        (picture,),
        (RelatedReference("River ferry is lost", "https://wire.example/lost"),),
    )
    assert document.extra == {"ninjs": {"slugline": "ferry-return"}}


def test_item_of_version_three_is_read_the_same_way() -> None:
    document = article(THIRD)
    assert (document.title, document.authors) == ("Fog closes the sound", ("Eva Roth",))
    assert document.body == DocumentBody("html", "<p>Fog closed the sound.</p>")
    assert document.related == (RelatedReference("Fog in May", "https://wire.example/1"),)
    assert document.dateline == SourceDateline("Malmö, Sweden", "Malmö")
    assert (document.regions, [ref.kind for ref in document.tag_refs]) == (("Sweden",), ["person"])


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, "published"),
        ({"pubstatus": "withheld"}, "draft"),
        ({"pubstatus": "canceled"}, "withdrawn"),
        ({"embargoed": "2099-01-01T00:00:00Z"}, "scheduled"),
        ({"embargoed": "2099-01-01T00:00:00Z", "pubstatus": "withheld"}, "draft"),
        ({"embargoed": "2025-01-01T12:00:00Z"}, "published"),
        ({"embargoed": "until the speech"}, "draft"),
        ({"embargoedreason": "until the speech"}, "draft"),
    ],
)
def test_what_may_not_be_shown_yet_is_not_published(change: dict[str, str], status: str) -> None:
    assert article(FIRST | change).status == status


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (FIRST | {"type": "picture"}, "type picture"),
        ({"uri": "urn:x", "pubstatus": "usable"}, "neither a headline nor a body"),
        ({"uri": "urn:x", "title": "A schema"}, "no ninjs item"),
        ([7], "not a JSON object"),
    ],
)
def test_what_is_no_article_fails_with_the_reason(item: object, reason: str) -> None:
    [result] = read(item)
    assert isinstance(result, Failure)
    assert reason in result.reason


def test_odd_shapes_are_read_around() -> None:
    odd = dict.fromkeys(("subject", "place", "by", "renditions", "headlines", "bodies"), 7)
    document = article({"uri": "urn:x", "headline": "A", "versioncreated": [], **odd, "associations": {"a": [1]}})
    assert (document.title, document.published) == ("A", None)


@pytest.mark.parametrize("item", [FIRST, THIRD, [THIRD]])
def test_items_are_told_from_other_json(item: object) -> None:
    assert detect.detect_format("a.json", json.dumps(item).encode()) == "ninjs"
    assert detect.detect_format("a.json", b'{"id": 1, "title": "uri", "body": "x"}') == "ndjson"


def test_package_of_whole_items_is_read_item_by_item() -> None:
    package = {
        "uri": "urn:x:package",
        "standard": {"name": "ninjs", "version": "3.1"},
        "type": "composite",
        "associations": [
            {**THIRD, "uri": "https://wire.example/items/1", "name": "one"},
            {"uri": "urn:x:pic", "name": "a picture", "type": "picture"},
            {**THIRD, "uri": "https://wire.example/items/2", "name": "two"},
        ],
    }
    content = json.dumps(package).encode()
    assert detect.detect_format("x.json", content) == "ninjs"
    items = list(PARSERS["ninjs"](io.BytesIO(content), "x.json", ParseContext()))
    assert [(item.where, item.external_id) for item in items if isinstance(item, Document)] == [
        ("x.json:1#1", "https://wire.example/items/1"),
        ("x.json:1#2", "https://wire.example/items/2"),
    ]
