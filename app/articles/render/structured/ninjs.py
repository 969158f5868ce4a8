"""An article as a ninjs item of version 3.1 (https://iptc.org/standards/ninjs/), and read back. Pure.

ninjs has instants only: of a date that is less exact than one, the item says nothing. What ninjs has no property for is
a description of the item in JSON, the rest of the record.
"""

from collections.abc import Iterator, Mapping, Sequence

import orjson

from app.articles.reading.card_parts import Json
from app.articles.reading.provenance import Edition, Provenance
from app.articles.render.structured import record as records
from app.articles.render.structured.publication import Publication, encode_uri
from app.articles.render.structured.record import read_objects, read_word

SCHEMA = "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#"
STANDARD: Json = {"name": "ninjs", "version": "3.1", "schema": SCHEMA}
_PUB_STATUS = {"published": "usable", "scheduled": "usable", "draft": "withheld", "withdrawn": "canceled"}
_STATUS = {"usable": "published", "withheld": "draft", "canceled": "withdrawn"}
_CONCEPTS = {"person": "people", "organisation": "organisations", "event": "events"}
_KINDS = {name: kind for kind, name in _CONCEPTS.items()}
_JSON, _HTML = "application/json", "text/html"


def write(article: Json, provenance: Provenance, publication: Publication) -> Json:
    """The item of an article."""
    record = records.make_record(article, provenance)
    item = {name: value for name, value in _list_properties(article, record, provenance, publication) if value}
    rest = records.encode_rest(records.find_rest(record, _read_said(item)))
    descriptions = read_objects(item, "descriptions")
    item["descriptions"] = [*descriptions, {"role": records.MARK, "contentType": _JSON, "value": rest}]
    return item


def write_document(item: Json) -> bytes:
    """One article."""
    return orjson.dumps(item)


def write_list(items: Sequence[Json], uri: str) -> bytes:
    """A page of a list: an item of type `composite`, with which the articles are associated."""
    shown = [{"name": read_headline(item), **item} for item in items]
    package = {"standard": STANDARD, "uri": uri, "type": "composite", "representationType": "partial"}
    return orjson.dumps({**package, "associations": shown})


def read_headline(item: Mapping[str, object]) -> str:
    """The main one; empty where there is none."""
    return next((str(one.get("value")) for one in read_objects(item, "headlines") if one.get("role") == "main"), "")


def _list_properties(
    article: Json, record: Json, provenance: Provenance, publication: Publication
) -> Iterator[tuple[str, object]]:
    uri = publication.name_article(article["id"])
    seo = record["seo"] if isinstance(record["seo"], dict) else {}
    is_full = "body" in article
    yield from (("standard", STANDARD), ("uri", uri), ("type", "text"))
    yield "representationType", "full" if is_full else "partial"
    yield from (("version", str(article["version"])), ("slugline", article["slug"]))
    yield "pubStatus", _PUB_STATUS.get(str(article["status"]), "canceled")
    yield from _list_times(article)
    yield from (("language", article["language"]), ("by", ", ".join(str(one["name"]) for one in _authors(record))))
    headlines = (("main", article["title"]), ("seo", seo.get("title")))
    yield "headlines", [{"role": role, "value": value} for role, value in headlines if value]
    yield "descriptions", list(_list_descriptions(article, seo))
    dateline = article["dateline"]
    yield "located", (dateline["place"] or dateline["text"]) if isinstance(dateline, dict) else None
    yield "bodies", [_write_body(article)] if article.get("body") else None
    yield "infoSources", _write_source(record["source"])
    yield from _list_concepts(record)
    ids = (("id", str(article["id"])), ("external", article["external_id"]))
    yield "altIds", [{"role": role, "value": value} for role, value in ids if value]
    page = article["url"]
    yield "renditions", [{"name": "web", "href": encode_uri(str(page)), "contentType": _HTML}] if page else None
    yield "associations", list(_list_associations(article, provenance, publication, uri))


def _authors(record: Json) -> list[Json]:
    return read_objects(record, "authors")


def _list_times(article: Json) -> Iterator[tuple[str, object]]:
    """Instants alone. `versionCreated` is when the archive changed the article, which it always knows."""
    yield "versionCreated", article["updated_at"]
    if article["published_precision"] != "instant":
        return
    if article["status"] == "scheduled":
        yield "embargoedUntil", article["published_at"]
        return
    yield from (("firstCreated", article["first_published_at"]), ("contentCreated", article["published_at"]))


def _list_descriptions(article: Json, seo: Mapping[str, object]) -> Iterator[Json]:
    roles = (
        ("summary", article["standfirst"]),
        ("seo", seo.get("description")),
        ("signature", article["signature"]),
        *(("correction", one["text"]) for one in read_objects(article, "corrections")),
    )
    for role, value in roles:
        if value:
            yield {"role": role, "value": value}


def _write_body(article: Json) -> Json:
    count = article["word_count"]
    return {"role": "main", "contentType": _HTML, "wordCount": count, "value": article["body"]}


def _write_source(source: object) -> list[Json]:
    if not isinstance(source, dict):
        return []
    known = {"name": source.get("name"), "uri": encode_uri(source["url"]) if "url" in source else None}
    return [{"role": "source", **{name: value for name, value in known.items() if value}}]


def _list_concepts(record: Json) -> Iterator[tuple[str, object]]:
    """Tags by their kind, and places; `literal` is the slug, `rel` the kind or the roles."""
    tags = read_objects(record, "tags")
    yield "subjects", [_write_concept(tag, str(tag["kind"])) for tag in tags if tag["kind"] not in _CONCEPTS]
    for kind, name in _CONCEPTS.items():
        yield name, [_write_concept(tag, "about") for tag in tags if tag["kind"] == kind]
    yield "places", [_write_concept(one, " ".join(_list_roles(one))) for one in read_objects(record, "regions")]


def _list_roles(region: Json) -> list[str]:
    roles = region["roles"]
    return [str(role) for role in roles] if isinstance(roles, list) else []


def _write_concept(one: Json, rel: str) -> Json:
    return {"name": one["name"], "rel": rel, "literal": one["slug"]}


def _list_associations(article: Json, provenance: Provenance, publication: Publication, uri: str) -> Iterator[Json]:
    """Pictures, related posts, and the same story in other languages."""
    for image in read_objects(article, "images"):
        if image.get("url"):
            yield _write_picture(image)
    for number, post in enumerate(records.list_posts(article), 1):
        address = encode_uri(str(post["url"])) if "url" in post else f"{uri}#related-{number}"
        shown = {"name": post.get("title", address), "rel": "related", "uri": address, "type": "text"}
        yield shown | ({"headlines": [{"role": "main", "value": post["title"]}]} if "title" in post else {})
    if provenance.original is not None:
        yield _write_edition(provenance.original, "translationOf", publication, uri)
    for edition in provenance.translations:
        yield _write_edition(edition, "translation", publication, uri)


def _write_edition(edition: Edition, rel: str, publication: Publication, uri: str) -> Json:
    page = publication.find_page(edition.slug)
    shown: Json = {"name": edition.title, "rel": rel, "uri": encode_uri(page) if page else f"{uri}#{edition.language}"}
    headlines = [{"role": "main", "value": edition.title}]
    return shown | {"type": "text", "language": edition.language, "slugline": edition.slug, "headlines": headlines}


def _write_picture(image: Json) -> Json:
    href = encode_uri(str(image["url"]))
    rendition: Json = {"name": "original", "href": href}
    rendition |= {name: image[name] for name in ("width", "height") if isinstance(image.get(name), int)}
    shown: Json = {"name": image.get("alt") or image.get("caption") or href, "uri": href, "type": "picture"}
    shown |= {"by": image["credit"]} if image.get("credit") else {}
    shown |= {"headlines": [{"role": "main", "value": image["alt"]}]} if image.get("alt") else {}
    shown |= {"descriptions": [{"role": "caption", "value": image["caption"]}]} if image.get("caption") else {}
    return shown | {"renditions": [rendition]}


def is_written_here(item: Mapping[str, object]) -> bool:
    """Whether the item has the rest of a record."""
    return _find_rest(item) is not None


def _find_rest(item: Mapping[str, object]) -> Json | None:
    marked = [one for one in read_objects(item, "descriptions") if one.get("role") == records.MARK]
    return records.decode_rest(marked[0].get("value")) if marked else None


def read(item: Mapping[str, object]) -> Json | None:
    """The record of an article that was written here, with its body; None for an item of anybody else."""
    rest = _find_rest(item)
    if rest is None:
        return None
    record = records.join_rest(_read_said(item), rest)
    bodies = [one.get("value") for one in read_objects(item, "bodies") if one.get("role") == "main"]
    record["body"] = bodies[0] if bodies else None
    return record


def _read_said(item: Mapping[str, object]) -> Json:
    """The properties of a record that stand in properties of ninjs, as they were written."""
    descriptions = {str(one.get("role")): one.get("value") for one in read_objects(item, "descriptions")}
    ids = {one.get("role"): one.get("value") for one in read_objects(item, "altIds")}
    embargo = read_word(item, "embargoedUntil")
    published_at = embargo or item.get("contentCreated")
    status = _STATUS.get(str(item.get("pubStatus")))
    return {
        "id": _read_number(ids.get("id")),
        "version": _read_number(item.get("version")),
        "slug": item.get("slugline"),
        "status": "scheduled" if embargo and status == "published" else status,
        "language": item.get("language"),
        "title": read_headline(item) or None,
        "standfirst": descriptions.get("summary"),
        "signature": descriptions.get("signature"),
        "dateline": {"place": item["located"]} if "located" in item else None,
        "authors": item.get("by"),
        "tags": _read_tags(item),
        "regions": [
            {"slug": one.get("literal"), "name": one.get("name"), "roles": str(one.get("rel", "")).split()}
            for one in read_objects(item, "places")
        ],
        "images": [_read_picture(one) for one in read_objects(item, "associations") if one.get("type") == "picture"],
        "related": [_read_post(one) for one in read_objects(item, "associations") if one.get("rel") == "related"],
        "source": next((_read_source(one) for one in read_objects(item, "infoSources")), None),
        "external_id": ids.get("external"),
        "published_at": published_at,
        "published_precision": "instant" if published_at else None,
        "first_published_at": item.get("firstCreated"),
        "updated_at": item.get("versionCreated"),
    }


def _read_number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else None


def _read_tags(item: Mapping[str, object]) -> list[Json]:
    return [
        {"slug": one.get("literal"), "name": one.get("name"), "kind": _KINDS.get(name, one.get("rel"))}
        for name in ("subjects", *_KINDS)
        for one in read_objects(item, name)
    ]


def _read_post(one: Mapping[str, object]) -> Json:
    uri = str(one.get("uri"))
    url = uri if uri.startswith(("http://", "https://")) else None
    return {"title": read_headline(one) or None, "url": url, "unlinked": False}


def _read_source(one: Mapping[str, object]) -> Json:
    known = {"name": one.get("name"), "url": one.get("uri")}
    return {name: value for name, value in known.items() if value}


def _read_picture(one: Mapping[str, object]) -> Json:
    rendition = next(iter(read_objects(one, "renditions")), {})
    caption = next((text.get("value") for text in read_objects(one, "descriptions")), None)
    image: Json = {"url": rendition.get("href"), "alt": read_headline(one) or None, "caption": caption}
    return image | {"credit": one.get("by"), "width": rendition.get("width"), "height": rendition.get("height")}
