"""OpenSearch as one node with one segment: the same articles as documents, `english` as the analyzer of their text."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx

from bench.beside.processes import ProcessGroup, run_processes
from bench.beside.questions import LIMIT, LoadQuestion, LoadResult, Row, list_tags, strip_private
from bench.opensearch_nodes import make_command, write_config

BULK = 500
INDEX_ONLY = ("text", "tag_slugs", "published")
"""Fields that are indexed and not kept."""
SETTINGS = {
    "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1", "requests.cache.enable": False,
}  # fmt: skip
MAPPING = {
    "dynamic": False,
    "_source": {"excludes": INDEX_ONLY},
    "properties": {
        "id": {"type": "long"}, "published": {"type": "date"}, "tag_slugs": {"type": "keyword"},
        "slug": {"type": "keyword"},
        "text": {"type": "text", "analyzer": "english"},
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OpenSearch:
    """One node."""

    group: ProcessGroup
    name: str = "OpenSearch"

    def make_path(self, question: LoadQuestion) -> str:
        """A search as a GET, its body in the query: the load generator repeats addresses."""
        if question.article is not None:
            return f"/articles/_doc/{question.article}"
        left_out = ["related", *([] if question.bodies else ["body"])]
        search: dict[str, object] = {"size": LIMIT, "track_total_hits": True, "_source": {"excludes": left_out}}
        if question.slug is not None:
            search = {"size": 1, "track_total_hits": False, "query": {"term": {"slug": question.slug}}}
        elif question.words:
            search["query"] = {"match": {"text": {"query": question.words, "operator": "and"}}}
        else:
            search["query"] = {"term": {"tag_slugs": question.tag}} if question.tag else {"match_all": {}}
            search["sort"] = [{"published": "desc"}, {"id": "desc"}]
        params = {"source": json.dumps(search, separators=(",", ":")), "source_content_type": "application/json"}
        return "/articles/_search?" + urlencode(params)

    def read_page(self, question: LoadQuestion, content: bytes) -> LoadResult:
        response = json.loads(content)
        if question.article is not None:
            return LoadResult([response["_source"]])
        assert not response["_shards"]["failed"], response["_shards"]
        hits = response["hits"]
        if question.slug is not None:
            return LoadResult([hit["_source"] for hit in hits["hits"]])
        return LoadResult([hit["_source"] for hit in hits["hits"]], hits["total"]["value"])

    def count_hits(self, question: LoadQuestion, page: LoadResult) -> int | None:
        return page.total


@contextmanager
def run_opensearch(
    distribution: Path, folder: Path, port: int, articles: Sequence[Row], log: Path
) -> Iterator[OpenSearch]:
    """A node with the articles in it, on this port and the next. Data, logs and configuration are in the folder."""
    write_config(distribution, folder, [
        "cluster.name: beside", "node.name: one", "discovery.type: single-node", f"http.port: {port}",
        f"transport.port: {port + 1}", "cluster.routing.allocation.disk.threshold_enabled: false",
    ])  # fmt: skip
    command, env = make_command(distribution, folder)
    # The path of its Java agent is relative to the distribution.
    with run_processes(command, port, env, distribution, log) as group:
        engine = OpenSearch(group)
        _fill_index(engine, articles)
        yield engine


def _fill_index(engine: OpenSearch, articles: Sequence[Row]) -> None:
    with httpx.Client(base_url=engine.group.address, timeout=300) as client:
        _wait_until_ready(client)
        _send(client, "PUT", "/articles", {"settings": {"index": SETTINGS}, "mappings": MAPPING})
        for start in range(0, len(articles), BULK):
            lines: list[Row] = []
            for row in articles[start : start + BULK]:
                lines += [{"index": {"_id": row["id"]}}, make_document(row)]
            body = "".join(json.dumps(line) + "\n" for line in lines)
            headers = {"Content-Type": "application/x-ndjson"}
            response = client.post("/articles/_bulk", content=body.encode(), headers=headers).raise_for_status().json()
            assert not response["errors"], "OpenSearch refused a document"
        _send(client, "POST", "/articles/_forcemerge?max_num_segments=1")
        _send(client, "POST", "/articles/_refresh")


def make_document(row: Row) -> Row:
    """What is shown of an article, and the three fields that it is found by."""
    indexed = {
        "text": f"{row['title']}\n{row['body_text']}",
        "tag_slugs": list_tags(row),
        "published": row["published_at"],
    }
    return {**strip_private(row), **indexed}


def _send(client: httpx.Client, method: str, path: str, body: object = None) -> None:
    client.request(method, path, json=body).raise_for_status()


def _wait_until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if client.get("/_cluster/health?wait_for_status=yellow&timeout=30s").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise SystemExit("OpenSearch is not ready after two minutes.")
