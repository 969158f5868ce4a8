"""How an index in the cluster is made: fields, analysis, settings, and names. Sends nothing.

Fields hold Dateline's own terms with spaces between them, so that both engines find the same articles and the cluster
needs no plugin. Terms at one place of a text are joined by a sign, which a filter takes apart; a place without a term
has a word that another filter removes, leaving the gap.
"""

import hashlib
import time
from dataclasses import dataclass

from app.search.engine import Holding
from app.search.tantivy import index_schema

SAME_PLACE, GAP = "\ue000", "\ue001"
"""Of the private area of Unicode, as `index_schema.NO_TERMS`: between terms at one place, and for a place without."""
STEMMED = (*index_schema.STEMMED, index_schema.DATELINE)
TEXT_FIELDS = frozenset({*STEMMED, index_schema.TEXT, index_schema.WORDS})
PUBLISHED = "published"
"""The second of publication: counting between edges takes floating numbers, which a date key does not fit into."""
PLACE_ID = "place"
ClusterVersion = tuple[int, int]
"""Of OpenSearch: major and minor."""
VERSION = 2  # raised with every change of what is written here
_PARTS_KEPT = ["id", "version", index_schema.PROFILE, index_schema.PLACE]
_LONGEST_KEYWORD = 8_000
_PLACED: dict[str, object] = {"position_increment_gap": 1}
"""Between two pieces of a text one place is left, as on this machine."""
_COUNTED_ONLY: dict[str, object] = {"index_options": "freqs"}
"""Phrases are looked for in the parts of an article alone."""


def compute_form() -> str:
    """What an index holds and how: an index of another form is another version's, and lies beside this one's."""
    made_of = (index_schema.compute_fingerprint(), VERSION)
    return hashlib.blake2b(repr(made_of).encode(), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class IndexNames:
    """What the indexes of one archive are called. A copy of an archive has an epoch of its own, and so others."""

    prefix: str
    epoch: int
    holding: Holding

    @property
    def alias(self) -> str:
        return self._join(compute_form())

    def _join(self, form: str) -> str:
        part = "published" if self.holding == "published" else "drafts"
        return f"{self.prefix}-{self.epoch:x}-{form}-{part}"

    @property
    def pattern(self) -> str:
        """Of all indexes that the alias was or may become a name of."""
        return f"{self.alias}-*"

    @property
    def pattern_of_all_forms(self) -> str:
        """Of all indexes of the archive, by whatever version they were made."""
        return f"{self._join('*')}-*"

    def create_name(self) -> str:
        """A name that no index has had."""
        return f"{self.alias}-{time.time_ns():x}"


def build_index(shards: int, replicas: int, names: IndexNames, version: ClusterVersion) -> dict[str, object]:
    """The body that creates an index."""
    return {"settings": _build_settings(shards, replicas, version), "mappings": _build_mappings(names)}


def _build_settings(shards: int, replicas: int, version: ClusterVersion) -> dict[str, object]:
    return {
        "index": {
            "number_of_shards": shards,
            "number_of_replicas": replicas,
            # Whoever writes refreshes all copies, and says only then how far the index is.
            "refresh_interval": "-1",
            "replication.type": "DOCUMENT",
            "similarity": {"default": _build_similarity(version)},
        },
        "analysis": {
            "filter": {
                "same_place": {
                    "type": "pattern_capture", "preserve_original": False, "patterns": [f"([^{SAME_PLACE}]+)"],
                },
                "gap": {"type": "stop", "stopwords": [GAP]},
            },
            "analyzer": {
                "terms": {"type": "custom", "tokenizer": "whitespace", "filter": ["same_place", "gap"]},
            },
        },
    }  # fmt: skip


def _build_similarity(version: ClusterVersion) -> dict[str, object]:
    """BM25 as tantivy has it, k1 + 1 times as high as Lucene's own: OpenSearch 2 has no other, and 3 calls it the old
    one. Terms at one place are as many as there are."""
    name = "LegacyBM25" if version >= (3, 0) else "BM25"
    return {"type": name, "k1": 1.2, "b": 0.75, "discount_overlaps": False}


def _build_mappings(names: IndexNames) -> dict[str, object]:
    properties: dict[str, object] = {
        name: {"type": "long"}
        for name in (*index_schema.NUMBERS, *index_schema.MANY, index_schema.DAY, PUBLISHED)
    }  # fmt: skip
    for name in (*index_schema.EXACT, index_schema.TITLE_KEY):
        properties[name] = {"type": "keyword", "ignore_above": _LONGEST_KEYWORD}
    for name in TEXT_FIELDS:
        properties[name] = {"type": "text", "analyzer": "terms", **(_PLACED if name in STEMMED else _COUNTED_ONLY)}
    properties["gone"] = {"type": "boolean"}
    return {
        "dynamic": False,
        "_source": {"includes": _PARTS_KEPT},
        "_meta": {"dateline": {"form": compute_form(), "epoch": names.epoch, "holding": names.holding}},
        "properties": properties,
    }
