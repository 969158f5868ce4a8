"""Whether what every node's index holds, and what was acknowledged, is what the database's rows say."""

from collections import Counter
from collections.abc import Iterable

import httpx

from bench.cluster.traffic import Written
from deploy.local.cluster import Cluster
from deploy.local.nodes import Node

PUBLISHED = "SELECT id, version FROM article WHERE status = 'published'"
ALL = "SELECT id, version, status FROM article"


def list_disagreements(cluster: Cluster, articles: Iterable[Written]) -> list[str]:
    """Empty where all is well. Rows are read by psql, what the index holds over HTTP, and by `dateline check`."""
    problems = _compare_articles(cluster, articles)
    published = {line for line in cluster.primary.query(PUBLISHED).splitlines() if line}
    for node in cluster.nodes:
        indexed = _list_indexed(node)
        if indexed != published:
            problems.append(f"{node.name}: {len(indexed - published)} too many, {len(published - indexed)} missing")
        try:
            node.run_command("check")
        except RuntimeError as error:
            problems.append(str(error))
    return problems


def _list_indexed(node: Node) -> set[str]:
    """`id|version` of all that a search for everything gives, page by page."""
    rows: set[str] = set()
    with httpx.Client(base_url=f"http://{node.address}", timeout=60) as client:
        path: str | None = "/v1/search?limit=100"
        while path:
            page = client.get(path).raise_for_status().json()
            rows |= {f"{hit['article']['id']}|{hit['article']['version']}" for hit in page["data"]}
            cursor = page["page"]["next"]
            path = f"/v1/search?limit=100&cursor={cursor}" if cursor else None
    return rows


def _compare_articles(cluster: Cluster, articles: Iterable[Written]) -> list[str]:
    rows = dict(line.split("|", 1) for line in cluster.primary.query(ALL).splitlines() if line)
    problems = []
    ids = Counter(article.id for article in articles)
    for article in articles:
        row = rows.get(str(article.id))
        if row is None:
            problems.append(f"article {article.id} was acknowledged and is lost")
        elif article.status != "withdrawn" and row != f"{article.version}|{article.status}":
            problems.append(f"article {article.id}: {row} where {article.version}|{article.status} was acknowledged")
        elif article.status == "withdrawn" and not row.endswith("|withdrawn"):
            problems.append(f"article {article.id}: {row} where withdrawn was acknowledged")
    if len(rows) != len(ids):
        problems.append(f"{len(rows)} articles where {len(ids)} were acknowledged")
    return problems
