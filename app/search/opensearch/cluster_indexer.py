"""Keeps an index of the cluster in step with the change log. Reads SQL; in it there is nothing of its own.

Whoever writes says of each article as of which number of the log it was read, and the cluster keeps the highest: a
process that was halted, and goes on as if nothing had been, changes nothing. So nothing is deleted either (see
`cluster_document.GONE`). The place in the log is a document of the index, written once all copies show what is before.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from app.changes import log as change_log
from app.changes.log import Logged
from app.db.database import Database, Snapshot
from app.db.log_position import LogPosition
from app.search.engine import Holding
from app.search.indexing import documents
from app.search.opensearch import cluster_document
from app.search.opensearch.cluster import WRITE_SECONDS, SearchCluster
from app.search.opensearch.indexer_lease import IndexerLease
from app.search.opensearch.mapping import PLACE_ID, IndexNames, build_index, compute_form
from app.search.opensearch.places import ServingIndex, find_serving
from app.search.opensearch.problems import (
    ClusterProblem,
    IndexMissing,
    Json,
    WrongCluster,
    check_shards,
    make_refusal,
)
from app.search.tantivy import index_schema

log = logging.getLogger(__name__)

BULK_BYTES = 5_000_000
"""Of one request: OpenSearch takes 100 MB, and keeps all of it in memory."""
_CONFLICT = 409


class IndexerHalted(Exception):
    """Another process does the work by now, or this one is about to end."""


class ClusterIndexer:
    """A Follower of the log, for one of the two indexes. IndexerHalted where another process has the `lease`, or the
    one for new indexes, before a request that changes something."""

    def __init__(
        self,
        cluster: SearchCluster,
        db: Database,
        prefix: str,
        holding: Holding,
        *,
        shards: int = 1,
        replicas: int = 1,
        lease: IndexerLease | None = None,
        build_lease: IndexerLease | None = None,
    ) -> None:
        self._cluster, self._db, self._prefix, self._holding = cluster, db, prefix, holding
        self._shards, self._replicas = shards, replicas
        self._lease, self._build_lease = lease, build_lease
        self._names: IndexNames | None = None
        self._passed: ServingIndex | None = None
        self._serving: str | None = None
        self._ahead: LogPosition | None = None

    @property
    def current_index(self) -> str | None:
        """The index that the alias named when `position` was asked."""
        return self._serving

    @property
    def names(self) -> IndexNames:
        if self._names is None:
            with self._db.snapshot() as snapshot:
                self._names = IndexNames(self._prefix, change_log.head(snapshot).epoch, self._holding)
        return self._names

    def position(self) -> LogPosition | None:
        """None where there is no index of this version. WrongCluster where its name is that of another index."""
        try:
            self._serving = check_mapping(self._cluster, self.names)
        except IndexMissing:
            return None
        serving = find_serving(self._cluster, self._serving)
        if serving is None:
            return None
        place, passed = serving.place, self._passed
        # What was passed of the log was passed for this index alone: one in its place need not have come as far.
        if passed is None or passed.name != serving.name or passed.place.epoch != place.epoch:
            return place
        return max(passed.place, place, key=lambda position: position.seq)

    def close(self) -> None:
        """Others may build a new index at once."""
        if self._build_lease is not None:
            self._build_lease.release()

    def apply(self, snapshot: Snapshot, rows: Sequence[Logged], place: LogPosition) -> None:
        """Takes the current state of the articles named. Where the rows are none of the public's nothing is written to
        the index of what is published; in that of the rest its place alone, which its readers wait for."""
        if self._holding == "published" and not any(row.public for row in rows):
            assert self._serving is not None, "its position comes first"
            self._passed = ServingIndex(self._serving, place)
            return
        self.write_rows(snapshot, rows, place)
        self._passed = None

    def write_rows(
        self, snapshot: Snapshot, rows: Sequence[Logged], place: LogPosition, index: str | None = None
    ) -> None:
        """To an index that is not in its place yet, or to the one that was when `position` was asked: who is halted
        behind that must not write to one that was built meanwhile, which knows nothing of what was withdrawn before."""
        version = change_log.head(snapshot).seq
        name = index or self._serving
        assert name is not None, "its position comes first"
        target = _Target(name, self._lease if index is None else self._build_lease)
        if ids := sorted({row.entity_id for row in rows if row.entity == "article"}):
            self._write_articles(snapshot, ids, version, target)
            self._refresh(target.index)
        self._write_place(target, place)

    def rebuild(self, snapshot: Snapshot, place: LogPosition) -> None:
        """Into a new index, which takes the place of the other one when it is complete."""
        self._check_not_ahead(place)
        self._serving = index = self.build(snapshot, place)
        self.make_current(index)
        self._passed = None

    def _check_not_ahead(self, place: LogPosition) -> None:
        """ClusterProblem, once, where the index is of a later place of this archive than the snapshot: another process
        may have put it there a moment ago. The next snapshot tells that from a log that has lost its end."""
        serving = find_serving(self._cluster, self.names.alias)
        current = None if serving is None else serving.place
        is_ahead = current is not None and current.epoch == place.epoch and current.seq > place.seq
        if is_ahead and current != self._ahead:
            self._ahead = current
            raise ClusterProblem("The index in the search cluster is ahead of what was read of the log.")
        self._ahead = None

    def build(self, snapshot: Snapshot, place: LogPosition) -> str:
        """The name of a new index with every article, as of the snapshot. ClusterProblem where another process builds
        one."""
        names = self.names
        target = _Target(names.create_name(), self._build_lease)
        if not self._delete_others():
            raise ClusterProblem("Another process builds a new index in the search cluster.")
        # It may have been brought to another version since it was asked first.
        version = self._cluster.check(is_cached=False)
        body = build_index(self._shards, self._replicas, names, version)
        self._cluster.request("PUT", f"/{target.index}", body, seconds=WRITE_SECONDS)
        try:
            check_mapping(self._cluster, names, target.index)
            ids = documents.load_ids(snapshot, self._holding)
            self._write_articles(snapshot, ids, place.seq, target)
            # Nobody asks it for its place yet, and among the statistics it has to be from the start.
            self._write_place(target, place)
            self._refresh(target.index)
            self._check_complete(target.index, len(ids))
        except BaseException:
            self.delete(target.index)
            self.close()
            raise
        return target.index

    def make_current(self, index: str) -> None:
        """The alias names this index from one moment to the next. The one before is deleted later, by `delete_unused`:
        there may be searches that have begun on it."""
        check_mapping(self._cluster, self.names, index)
        _Target(index, self._build_lease).check_allowed()
        alias = self.names.alias
        actions: list[object] = [
            {"remove": {"index": self.names.pattern, "alias": alias, "must_exist": False}},
            {"add": {"index": index, "alias": alias}},
        ]
        self._cluster.request("POST", "/_aliases", {"actions": actions}, seconds=WRITE_SECONDS)
        self.close()

    def list_indexes(self) -> dict[str, bool]:
        """Every index of this archive and form, and whether the alias names it."""
        return {
            name: self.names.alias in one["aliases"] for name, one in self._load_aliases(self.names.pattern).items()
        }

    def _load_aliases(self, pattern: str) -> Json:
        try:
            return self._cluster.request("GET", f"/{pattern}/_alias")
        except IndexMissing:
            return {}

    def delete_other_forms(self) -> None:
        """Indexes that other versions have made, whether these serve by them or not."""
        for name in self._load_aliases(self.names.pattern_of_all_forms):
            if not name.startswith(f"{self.names.alias}-"):
                self._cluster.request("DELETE", f"/{name}", seconds=WRITE_SECONDS)

    def delete_unused(self) -> bool:
        """Deletes indexes that the alias does not name, with all that was purged since; False where another process
        builds one, which is among them."""
        try:
            return self._delete_others()
        finally:
            self.close()

    def _delete_others(self) -> bool:
        if self._build_lease is not None and not self._build_lease.acquire():
            return False
        for name, is_current in self.list_indexes().items():
            if not is_current:
                self.delete(name)
        return True

    def delete(self, index: str) -> None:
        """What is not in its place. A problem is told to the log alone: whoever builds the next one tries again."""
        try:
            self._cluster.request("DELETE", f"/{index}")
        except IndexMissing:
            return
        except ClusterProblem as error:
            log.warning("an index that is not needed any more cannot be deleted: %s", error)

    def _write_articles(self, snapshot: Snapshot, ids: Sequence[int], version: int, target: "_Target") -> None:
        for portion in documents.split_into_batches(snapshot, ids, self._holding):
            rows = documents.load_rows(snapshot, portion.ids, self._holding)
            held = {
                article.facts.id: cluster_document.encode_article(article) for article in documents.read_articles(rows)
            }
            bodies = {id: held.get(id, cluster_document.GONE) for id in portion.ids}
            for lines in _split_lines(bodies, version):
                self._write(target, lines)

    def _write_place(self, target: "_Target", place: LogPosition) -> None:
        self._write(target, _render_line(PLACE_ID, place.seq, cluster_document.encode_position(place)))

    def _write(self, target: "_Target", lines: bytes) -> None:
        """A document that the cluster has of a later place stays."""
        target.check_allowed()
        # Where somebody has deleted the index, this may make one that nothing names: the next build deletes it.
        response = self._cluster.write(f"/{target.index}/_bulk", lines)
        for item in response["items"] if response["errors"] else ():
            [done] = item.values()
            if "error" in done and done["status"] != _CONFLICT:
                raise make_refusal(done["_id"], done["error"])

    def _refresh(self, index: str) -> None:
        """Every copy that can be asked shows what was written."""
        check_shards(self._cluster.request("POST", f"/{index}/_refresh", seconds=WRITE_SECONDS))

    def _check_complete(self, index: str, articles: int) -> None:
        query = {"query": {"term": {"flags": index_schema.LIVE}}}
        counted = self._cluster.request("POST", f"/{index}/_count", query)
        check_shards(counted)
        if counted["count"] != articles:
            raise ClusterProblem(f"A new index has {counted['count']} articles of {articles}.")


@dataclass(frozen=True, slots=True)
class _Target:
    """What is written to, and the lease that this takes."""

    index: str
    lease: IndexerLease | None

    def check_allowed(self) -> None:
        if self.lease is not None and not self.lease.acquire():
            raise IndexerHalted


def check_mapping(cluster: SearchCluster, names: IndexNames, index: str | None = None) -> str:
    """The name of the index, or of the one behind the alias. WrongCluster where it was not made by Dateline, or
    promises less than it needs."""
    response = cluster.request("GET", f"/{index or names.alias}", flat_settings="true")
    for index_name, description in response.items():
        meta = description["mappings"].get("_meta", {}).get("dateline")
        if meta != {"form": compute_form(), "epoch": names.epoch, "holding": names.holding}:
            raise WrongCluster(
                f"The index {index_name} in the search cluster bears the name of this archive's and is none that "
                f"Dateline has made: delete it, or set another DATELINE_SEARCH_PREFIX than {names.prefix!r}."
            )
        if description["settings"].get("index.replication.type", "DOCUMENT") != "DOCUMENT":
            raise WrongCluster(
                f"The index {index_name} replicates segments, so that copies lag behind what the cluster says is "
                "written: Dateline needs replication of documents (`index.replication.type: DOCUMENT`)."
            )
    if len(response) != 1:
        raise WrongCluster(f"The alias {names.alias} in the search cluster names {len(response)} indexes.")
    return next(iter(response))


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
