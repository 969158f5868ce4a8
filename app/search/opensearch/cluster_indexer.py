"""Keeps an index of the cluster in step with the change log. Reads SQL; in it there is nothing of its own.

Whoever writes says of each article as of which number of the log it was read, and the cluster keeps the highest: a
process that was halted, and goes on as if nothing had been, changes nothing. So nothing is deleted either (see
`cluster_document.GONE`). The place in the log is a document of the index, written once all copies show what is before.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

import orjson

from app.changes import log as change_log
from app.changes.log import Logged
from app.db.database import Database, Snapshot
from app.db.log_position import LogPosition
from app.search.engine import Holding
from app.search.indexing import documents
from app.search.opensearch import cluster_document
from app.search.opensearch.cluster import ClusterProblem, IndexMissing, SearchCluster, WrongCluster, check_shards
from app.search.opensearch.mapping import PLACE_ID, IndexNames, build_index, compute_form
from app.search.opensearch.places import load_place
from app.search.tantivy import index_schema

log = logging.getLogger(__name__)

BULK_BYTES = 5_000_000
"""Of one request: OpenSearch takes 100 MB, and keeps all of it in memory."""
_CONFLICT = 409


class IndexerHalted(Exception):
    """Another process does the work by now, or this one is about to end."""


class ClusterIndexer:
    """A Follower of the log, for one of the two indexes. `may_write` is asked before each request that changes
    something; where it says no, IndexerHalted."""

    def __init__(
        self,
        cluster: SearchCluster,
        db: Database,
        prefix: str,
        holding: Holding,
        *,
        shards: int = 1,
        replicas: int = 1,
        may_write: Callable[[], bool] = lambda: True,
        note: Callable[[IndexNames, LogPosition], None] = lambda names, place: None,
    ) -> None:
        self._cluster, self._db, self._prefix, self._holding = cluster, db, prefix, holding
        self._shards, self._replicas, self._may_write, self._note = shards, replicas, may_write, note
        self._names: IndexNames | None = None
        self._passed: LogPosition | None = None

    @property
    def names(self) -> IndexNames:
        if self._names is None:
            with self._db.snapshot() as snapshot:
                self._names = IndexNames(self._prefix, change_log.head(snapshot).epoch, self._holding)
        return self._names

    def position(self) -> LogPosition | None:
        """None where there is no index of this version, or one that was made by hand."""
        try:
            check_mapping(self._cluster, self.names)
        except IndexMissing:
            return None
        place = load_place(self._cluster, self.names.alias)
        if place is None:
            return None
        passed = self._passed
        return passed if passed and passed.epoch == place.epoch and passed.seq > place.seq else place

    def close(self) -> None:
        """Nothing is held."""

    def apply(self, snapshot: Snapshot, rows: Sequence[Logged], place: LogPosition) -> None:
        """Takes the current state of the articles named. Where the rows are none of the public's nothing is written to
        the index of what is published; in that of the rest its place alone, which its readers wait for."""
        version = change_log.head(snapshot).seq
        ids = sorted({row.entity_id for row in rows if row.entity == "article"})
        if self._holding == "published" and not any(row.public for row in rows):
            self._passed = place
            return
        if ids:
            self._write_articles(snapshot, ids, version, self.names.alias, require_alias=True)
            self._refresh(self.names.alias)
        self._write_place(self.names.alias, place, require_alias=True)
        self._note(self.names, place)
        self._passed = None

    def rebuild(self, snapshot: Snapshot, place: LogPosition) -> None:
        """Into a new index, which takes the place of the other one when it is complete."""
        index = self.build(snapshot, place)
        self.make_current(index)
        self._note(self.names, place)
        self._passed = None

    def build(self, snapshot: Snapshot, place: LogPosition) -> str:
        """The name of a new index with every article, as of the snapshot."""
        names = self.names
        index = names.create_name()
        self._check_allowed()
        self._delete_unused()
        self._cluster.request("PUT", f"/{index}", build_index(self._shards, self._replicas, names))
        try:
            check_mapping(self._cluster, names, index)
            ids = documents.load_ids(snapshot, self._holding)
            self._write_articles(snapshot, ids, place.seq, index, require_alias=False)
            self._refresh(index)
            self._check_complete(index, len(ids))
            self._write_place(index, place, require_alias=False)
        except BaseException:
            self._delete(index)
            raise
        return index

    def make_current(self, index: str) -> None:
        """The alias names this index from one moment to the next. The one before is deleted with the next build: there
        may be searches that have begun on it."""
        self._check_allowed()
        alias = self.names.alias
        actions = [
            {"remove": {"index": self.names.pattern, "alias": alias, "must_exist": False}},
            {"add": {"index": index, "alias": alias}},
        ]
        self._cluster.request("POST", "/_aliases", {"actions": actions})

    def list_indexes(self) -> dict[str, bool]:
        """Every index of this archive and form, and whether the alias names it."""
        try:
            found = self._cluster.request("GET", f"/{self.names.pattern}/_alias")
        except IndexMissing:
            return {}
        return {name: self.names.alias in one["aliases"] for name, one in found.items()}

    def _delete_unused(self) -> None:
        for name, is_current in self.list_indexes().items():
            if not is_current:
                self._delete(name)

    def _delete(self, index: str) -> None:
        try:
            self._cluster.request("DELETE", f"/{index}")
        except ClusterProblem as error:
            log.warning("an index that is not needed any more cannot be deleted: %s", error)

    def _check_allowed(self) -> None:
        if not self._may_write():
            raise IndexerHalted

    def _write_articles(
        self, snapshot: Snapshot, ids: Sequence[int], version: int, index: str, *, require_alias: bool
    ) -> None:
        for portion in documents.split_into_batches(snapshot, ids, self._holding):
            rows = documents.load_rows(snapshot, portion.ids, self._holding)
            held = {
                article.facts.id: cluster_document.encode_article(article) for article in documents.read_articles(rows)
            }
            bodies = {id: held.get(id, cluster_document.GONE) for id in portion.ids}
            for lines in _split_lines(bodies, version):
                self._check_allowed()
                self._write(index, lines, require_alias=require_alias)

    def _write(self, index: str, lines: bytes, *, require_alias: bool) -> None:
        """A document that the cluster has of a later place stays."""
        options = {"require_alias": "true"} if require_alias else {}
        response = self._cluster.write(f"/{index}/_bulk", lines, **options)
        for item in response["items"] if response["errors"] else ():
            [done] = item.values()
            if "error" in done and done["status"] != _CONFLICT:
                error = done["error"]
                raise ClusterProblem(f"The search cluster refused {done['_id']}: {error['type']}: {error['reason']}")

    def _write_place(self, index: str, place: LogPosition, *, require_alias: bool) -> None:
        lines = _render_line(PLACE_ID, place.seq, cluster_document.encode_position(place))
        self._check_allowed()
        self._write(index, lines, require_alias=require_alias)

    def _refresh(self, index: str) -> None:
        """Every copy that can be asked shows what was written."""
        check_shards(self._cluster.request("POST", f"/{index}/_refresh"))

    def _check_complete(self, index: str, articles: int) -> None:
        query = {"query": {"term": {"flags": index_schema.LIVE}}}
        counted = self._cluster.request("POST", f"/{index}/_count", query)
        check_shards(counted)
        if counted["count"] != articles:
            raise ClusterProblem(f"A new index has {counted['count']} articles of {articles}.")


def check_mapping(cluster: SearchCluster, names: IndexNames, index: str | None = None) -> None:
    """WrongCluster where what the alias names was not made by Dateline, or promises less than it needs."""
    name = index or names.alias
    response = cluster.request("GET", f"/{name}", flat_settings="true")
    for found, description in response.items():
        meta = description["mappings"].get("_meta", {}).get("dateline")
        if meta != {"form": compute_form(), "epoch": names.epoch, "holding": names.holding}:
            raise WrongCluster(
                f"The index {found} in the search cluster bears the name of this archive's and is none that Dateline "
                f"has made: delete it, or set another DATELINE_SEARCH_PREFIX than {names.prefix!r}."
            )
        if description["settings"].get("index.replication.type", "DOCUMENT") != "DOCUMENT":
            raise WrongCluster(
                f"The index {found} in the search cluster replicates segments, so that copies lag behind what is said "
                "to be written: Dateline needs replication of documents (`index.replication.type: DOCUMENT`)."
            )


def _split_lines(bodies: Mapping[int, bytes], version: int) -> Iterator[bytes]:
    lines: list[bytes] = []
    size = 0
    for id, body in bodies.items():
        line = _render_line(str(id), version, body)
        if lines and size + len(line) > BULK_BYTES:
            yield b"".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield b"".join(lines)


def _render_line(id: str, version: int, body: bytes) -> bytes:
    action = {"index": {"_id": id, "version": version, "version_type": "external_gte"}}
    return orjson.dumps(action) + b"\n" + body + b"\n"
