"""What the formats look like, for the documentation: the article of `app/articles/examples`, as they are written."""

from collections.abc import Mapping

import orjson

from app.articles import examples
from app.articles.reading.card_parts import Json
from app.articles.reading.provenance import Provenance
from app.articles.render.structured import json_ld, markdown_file, ninjs, plain_text
from app.articles.render.structured.publication import Publication
from app.text.addresses import Addresses

_PUBLICATION = Publication(Addresses("https://news.example.org", "https://api.example.org"), "Example Herald")
_PROVENANCE = Provenance("example.org")
_TEXT = "The secretariat is in Jakarta."
_ARTICLE: Json = examples.ARTICLE | {"body_text": _TEXT, "body_markdown": _TEXT}


def _write_item() -> Mapping[str, object]:
    return {
        "jsonld": orjson.loads(json_ld.write_document(json_ld.write(_ARTICLE, _PROVENANCE, _PUBLICATION))),
        "ninjs": ninjs.write(_ARTICLE, _PROVENANCE, _PUBLICATION),
        "markdown": markdown_file.write(_ARTICLE, _PROVENANCE),
        "text": plain_text.write(_ARTICLE),
    }


def _write_list() -> Mapping[str, object]:
    card = examples.CARD
    items = [ninjs.write(card, _PROVENANCE, _PUBLICATION)]
    return {
        "jsonld": orjson.loads(json_ld.write_list([json_ld.write(card, _PROVENANCE, _PUBLICATION)], 1)),
        "ninjs": orjson.loads(ninjs.write_list(items, _PUBLICATION.name_list("/v1/articles", "format=ninjs"))),
        "markdown": markdown_file.write_list([card]),
        "text": plain_text.write_list([card]),
    }


ITEM, LIST = _write_item(), _write_list()
