"""The whole set-up on this machine: PostgreSQL with a standby, nodes, HAProxy, nginx, and everything ended again."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from deploy.local import programs
from deploy.local.cluster import Cluster, ClusterPlan, run_cluster
from deploy.local.programs import ProgramMissing, find_programs
from deployment.edge import need_program

STANDBYS = "SELECT application_name, state, sync_state FROM pg_stat_replication"


def test_missing_programs_are_all_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_SEARCHED", "/nowhere")
    with pytest.raises(ProgramMissing, match=r"^haproxy, nginx cannot be found.*apt-get install haproxy nginx-light"):
        find_programs(("haproxy", "nginx"))


@pytest.mark.slow
def test_setup_serves_an_archive_and_leaves_nothing_behind(needs_programs: None) -> None:
    with run_cluster(ClusterPlan(has_standby=True)) as cluster:
        pids = list_processes(cluster)
        assert cluster.primary.query(STANDBYS) == "standby|streaming|sync"
        _write_and_read(cluster)
        _lose_the_primary(cluster)
    assert not cluster.folder.exists()
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def _write_and_read(cluster: Cluster) -> None:
    assert cluster.nginx is not None
    key = {"Authorization": cluster.create_key()}
    with httpx.Client(base_url=cluster.nginx.address, verify=cluster.nginx.trust(), timeout=30) as client:
        made = client.post("/v1/articles", json={"title": "Danube", "status": "published"}, headers=key)
        assert made.status_code == 201
        draft = client.post("/v1/articles", json={"title": "Secret"}, headers=key).json()
        seq = {"min_seq": made.headers["x-seq"]}
        for node in cluster.nodes:
            response = httpx.get(f"http://{node.address}/v1/search", params={"q": "danube", **seq})
            assert [hit["article"]["slug"] for hit in response.json()["data"]] == ["danube"]
        results = [client.get("/v1/articles").headers["cache-status"] for _ in range(2)]
        assert results == ["edge; fwd=uri-miss", "edge; hit"]
        assert client.get("/v1/articles").headers["surrogate-key"].split() == ["list", "article:1"]
        # A draft is seen with a key, and by nobody after that.
        path = f"/v1/articles/{draft['id']}"
        assert [client.get(path, headers=key).status_code, client.get(path).status_code] == [200, 404]
        assert client.get("/metrics").status_code == 401


def _lose_the_primary(cluster: Cluster) -> None:
    """What was confirmed is on the standby."""
    assert cluster.standby is not None
    cluster.primary.kill()
    cluster.standby.promote()
    assert cluster.standby.query("SELECT title FROM article ORDER BY id").split() == ["Danube", "Secret"]
    assert cluster.standby.query("SHOW synchronous_standby_names") == ""


def list_processes(cluster: Cluster) -> list[int]:
    parts = [cluster.primary, cluster.standby, *cluster.nodes, cluster.haproxy, cluster.nginx]
    return [part.process.pid for part in parts if part is not None and part.process is not None]


@pytest.fixture
def needs_programs() -> None:
    for name in ("haproxy", "nginx", "openssl"):
        need_program(name)
    try:
        find_programs(())
    except ProgramMissing as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_command_says_what_is_missing_or_where_all_is(needs_programs: None) -> None:
    began = time.monotonic()
    command = [sys.executable, "-m", "deploy.run_local", "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert (result.returncode, result.stdout[:9]) == (0, "All there"), result.stderr
    assert time.monotonic() - began < 30
