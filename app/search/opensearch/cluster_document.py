"""An article as the cluster stores it: the same terms and numbers as on this machine. Pure."""

import base64

import orjson
from tantivy import PreTokenizedString

from app.db.log_position import LogPosition
from app.search.indexing.documents import IndexedArticle
from app.search.opensearch.mapping import GAP, PUBLISHED, SAME_PLACE
from app.search.query import analysis
from app.search.tantivy import index_schema

GONE = orjson.dumps({"gone": True})
"""In place of an article that the index must not show: OpenSearch forgets deletions after a minute, and who was halted
longer could bring it back."""


class ClusterDocument:
    """An `ArticleDocument` that becomes JSON."""

    def __init__(self) -> None:
        self.fields: dict[str, list[int | str]] = {}

    def add_integer(self, field_name: str, value: int) -> None:
        self.fields.setdefault(field_name, []).append(value)

    def add_text(self, field_name: str, text: str) -> None:
        if field_name == index_schema.SPELLINGS:
            return  # looked up on this machine alone
        if field_name == index_schema.WORDS:
            text = " ".join(analysis.list_terms(text, None))
        self.fields.setdefault(field_name, []).append(text)

    def add_pre_tokenized_text(self, field_name: str, text: PreTokenizedString) -> None:
        self.fields.setdefault(field_name, []).append(_join_places(text))

    def add_bytes(self, field_name: str, bytes: bytes) -> None:
        self.fields.setdefault(field_name, []).append(base64.b64encode(bytes).decode())

    def encode(self) -> bytes:
        return orjson.dumps(self.fields)


def _join_places(text: PreTokenizedString) -> str:
    places: list[str] = []
    last = -1
    for token in text.tokens:
        if token.position == last:
            places[-1] += SAME_PLACE + token.text
            continue
        places += [GAP] * (token.position - last - 1)
        places.append(token.text)
        last = token.position
    return " ".join(places)


def encode_article(article: IndexedArticle) -> bytes:
    """ValueError for an article with an id over 2**26."""
    document = ClusterDocument()
    article.write(document)
    if article.facts.published_at is not None:
        document.add_integer(PUBLISHED, article.facts.published_at)
    return document.encode()


def encode_position(position: LogPosition) -> bytes:
    """The document that says how far the index is."""
    numbers = [position.epoch, position.seq, position.mark]
    # Among the statistics as on this machine, where it is a document as well.
    return orjson.dumps({index_schema.PLACE: numbers, **dict.fromkeys(index_schema.SCORED, index_schema.NO_TERMS)})


def parse_position(source: object) -> LogPosition | None:
    """What `encode_position` has made; None for anything else."""
    numbers = source.get(index_schema.PLACE) if isinstance(source, dict) else None
    if not isinstance(numbers, list) or len(numbers) != 3 or not all(isinstance(one, int) for one in numbers):
        return None
    return LogPosition(*numbers)
