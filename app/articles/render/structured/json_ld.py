"""An article as JSON-LD in the words of schema.org (`NewsArticle`), and read back. Pure.

Every property stands where schema.org has it, with a value of a kind that it has there. A date is as exact as it is
known, which ISO 8601 allows. The body stands as text, and as HTML in one encoding of the article; another one, in JSON,
is the rest of the record.
"""

from collections.abc import Iterator, Mapping, Sequence

import orjson

from app.articles.reading.card_parts import Json
from app.articles.reading.provenance import Edition, Provenance
from app.articles.render.structured import record as records
from app.articles.render.structured.publication import Publication
from app.articles.render.structured.record import cut_time, read_objects, read_word

CONTEXT = "https://schema.org"
TYPE = "NewsArticle"
_PIXELS = "E37"
"""The common code of UN/CEFACT for pixels, in which schema.org has units."""
_PLACES = {"country": "Country", "city": "City"}
_ABOUT = {"person": "Person", "organisation": "Organization", "event": "Event"}
_ROLES = {"about": "contentLocation", "mention": "mentions", "dateline": "locationCreated"}


def write(article: Json, provenance: Provenance, publication: Publication) -> Json:
    """The node of an article; without `@context`, which belongs to the document that it is in."""
    record = records.make_record(article, provenance)
    node = {name: value for name, value in _list_properties(article, record, provenance, publication) if value}
    rest = records.find_rest(record, _read_said(node))
    node["encoding"] = list(_list_encodings(article, rest))
    return node


def write_document(node: Json) -> bytes:
    """One article as a document of its own."""
    return encode({"@context": CONTEXT, **node})


def write_list(nodes: Sequence[Json], total: int | None) -> bytes:
    """A page of a list, of which there are `total` in all, where that is known."""
    shown: Json = {"@context": CONTEXT, "@type": "ItemList"}
    shown |= {} if total is None else {"numberOfItems": total}
    items = [{"@type": "ListItem", "position": position, "item": node} for position, node in enumerate(nodes, 1)]
    return encode({**shown, "itemListElement": items})


def encode(document: Json) -> bytes:
    """As JSON that can stand in a page's `<script>` as it is: a `<` could end that, and within a text of JSON it can be
    written otherwise."""
    return orjson.dumps(document).replace(b"<", b"\\u003c")


def _list_properties(
    article: Json, record: Json, provenance: Provenance, publication: Publication
) -> Iterator[tuple[str, object]]:
    url, seo = article["url"], record["seo"] if isinstance(record["seo"], dict) else {}
    dateline = article["dateline"]
    yield from (("@type", TYPE), ("@id", publication.name_article(article["id"])))
    yield from (("url", url), ("mainEntityOfPage", seo.get("canonical_url") or url))
    yield from (("headline", article["title"]), ("alternativeHeadline", seo.get("title")))
    yield from (("abstract", article["standfirst"]), ("description", seo.get("description") or article["standfirst"]))
    yield "dateline", dateline["text"] if isinstance(dateline, dict) else None
    yield from (("inLanguage", article["language"]), ("version", article["version"]))
    yield "creativeWorkStatus", str(article["status"]).capitalize()
    yield "datePublished", cut_time(article["published_at"], article["published_precision"])
    yield "dateModified", article["updated_at"]
    yield "author", [_write_named("Person", one) for one in read_objects(record, "authors")]
    yield "publisher", {"@type": "Organization", "name": publication.name} if publication.name else None
    yield "creditText", article["signature"]
    yield from _list_concepts(article, record)
    yield "image", [_write_image(one) for one in read_objects(record, "images") if one.get("url")]
    yield (
        "correction",
        [
            {"@type": "CorrectionComment", "text": one["text"], "datePublished": one["at"]}
            for one in read_objects(record, "corrections")
        ],
    )
    yield "isBasedOn", _write_source(record["source"])
    yield "identifier", article["external_id"]
    yield "wordCount", article["word_count"]
    yield "translationOfWork", _write_edition(provenance.original, publication) if provenance.original else None
    yield "workTranslation", [_write_edition(one, publication) for one in provenance.translations]
    yield "articleBody", article.get("body_text")


def _list_concepts(article: Json, record: Json) -> Iterator[tuple[str, object]]:
    """Sections, tags and places; of what is mentioned also the related posts."""
    tags, regions = read_objects(record, "tags"), read_objects(article, "regions")
    yield "articleSection", [tag["name"] for tag in tags if tag["kind"] == "section"]
    yield "keywords", [tag["name"] for tag in tags if tag["kind"] != "section"]
    yield "about", [_write_named(_ABOUT[str(tag["kind"])], tag) for tag in tags if tag["kind"] in _ABOUT]
    places = {
        name: [_write_named(_PLACES.get(str(one["level"]), "Place"), one) for one in regions if role in _list(one)]
        for role, name in _ROLES.items()
    }
    yield from (("contentLocation", places["contentLocation"]), ("locationCreated", places["locationCreated"]))
    names = {"title": "headline", "url": "url"}
    posts = records.list_posts(article)
    yield (
        "mentions",
        places["mentions"] + [{"@type": TYPE, **{names[name]: post[name] for name in post}} for post in posts],
    )


def _list(region: Json) -> Sequence[object]:
    roles = region["roles"]
    return roles if isinstance(roles, list) else ()


def _write_named(kind: str, one: Json) -> Json:
    return {"@type": kind, "name": one["name"], "identifier": one["slug"]}


def _write_edition(edition: Edition, publication: Publication) -> Json:
    page = publication.find_page(edition.slug)
    shown: Json = {"@type": TYPE, "headline": edition.title, "inLanguage": edition.language, "identifier": edition.slug}
    return shown | ({"url": page} if page else {})


def _write_source(source: object) -> Json | None:
    if not isinstance(source, dict):
        return None
    publisher = {"@type": "Organization", "name": source["name"]} if "name" in source else None
    shown = {"@type": "CreativeWork", "url": source.get("url"), "publisher": publisher}
    return {name: value for name, value in shown.items() if value}


def _write_image(image: Json) -> Json:
    names = {"url": "url", "alt": "description", "caption": "caption", "credit": "creditText"}
    shown: Json = {"@type": "ImageObject", **{own: image[name] for name, own in names.items() if image.get(name)}}
    for name in ("width", "height"):
        if isinstance(image.get(name), int):
            shown[name] = {"@type": "QuantitativeValue", "value": image[name], "unitCode": _PIXELS}
    return shown


def _list_encodings(article: Json, rest: Json) -> Iterator[Json]:
    if article.get("body"):
        yield {"@type": "MediaObject", "encodingFormat": "text/html", "text": article["body"]}
    text = records.encode_rest(rest)
    yield {"@type": "MediaObject", "name": records.MARK, "encodingFormat": "application/json", "text": text}


def read(node: Mapping[str, object]) -> Json | None:
    """The record of an article that was written here, with its body; None for the node of anybody else."""
    encodings = read_objects(node, "encoding")
    rests = [records.decode_rest(one.get("text")) for one in encodings if one.get("name") == records.MARK]
    if not rests or rests[0] is None:
        return None
    record = records.join_rest(_read_said(node), rests[0])
    bodies = [one.get("text") for one in encodings if one.get("encodingFormat") == "text/html"]
    text = read_word(node, "articleBody")
    record["body"] = bodies[0] if bodies else {"text": text} if text else None
    return record


def _read_said(node: Mapping[str, object]) -> Json:
    """The properties of a record that stand in words of schema.org, as they were written."""
    published_at, precision = records.read_time(node.get("datePublished"))
    dateline = read_word(node, "dateline")
    return {
        "status": (read_word(node, "creativeWorkStatus") or "").lower() or None,
        "language": node.get("inLanguage"),
        "version": node.get("version"),
        "title": node.get("headline"),
        "standfirst": node.get("abstract"),
        "dateline": {"text": dateline} if dateline else None,
        "authors": [{"slug": one.get("identifier"), "name": one.get("name")} for one in read_objects(node, "author")],
        "tags": [
            *({"name": name, "kind": "section"} for name in _list_words(node, "articleSection")),
            *({"name": name, "kind": "topic"} for name in _list_words(node, "keywords")),
        ],
        "regions": _read_regions(node),
        "images": [_read_image(one) for one in read_objects(node, "image")],
        "source": _read_source(node.get("isBasedOn")),
        "signature": node.get("creditText"),
        "external_id": node.get("identifier"),
        "published_at": published_at,
        "published_precision": precision,
        "first_published_at": published_at,
        "updated_at": node.get("dateModified"),
        "related": [
            {"title": one.get("headline"), "url": one.get("url"), "unlinked": False}
            for one in read_objects(node, "mentions")
            if one.get("@type") == TYPE
        ],
    }


def _list_words(node: Mapping[str, object], name: str) -> list[str]:
    words = node.get(name)
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []


def _read_regions(node: Mapping[str, object]) -> list[Json]:
    regions: dict[object, Json] = {}
    for role, name in _ROLES.items():
        for one in read_objects(node, name):
            if one.get("@type") == TYPE:
                continue
            slug = one.get("identifier")
            region = regions.setdefault(str(slug), {"slug": slug, "name": one.get("name"), "roles": []})
            region["roles"] = [*_list(region), role]
    return list(regions.values())


def _read_source(value: object) -> Json | None:
    if not isinstance(value, dict):
        return None
    publisher = value.get("publisher")
    known = {"name": publisher.get("name") if isinstance(publisher, dict) else None, "url": value.get("url")}
    return {name: inside for name, inside in known.items() if inside} or None


def _read_image(node: Json) -> Json:
    names = {"url": "url", "alt": "description", "caption": "caption", "credit": "creditText"}
    image: Json = {name: node.get(own) for name, own in names.items()}
    for name in ("width", "height"):
        size = node.get(name)
        image[name] = size.get("value") if isinstance(size, dict) else None
    return image
