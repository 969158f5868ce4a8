"""Which node is sent a request, and how many a client may make."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from deploy.local.processes import find_free_ports
from deploy.local.proxies import HAProxy
from deployment.edge import TestNode, need_program, run_haproxy, run_node

pytestmark = pytest.mark.slow
SECONDS_TO_NOTICE = 6.0


@pytest.fixture
def nodes() -> Iterator[list[TestNode]]:
    need_program("haproxy")
    with ExitStack() as stack:
        yield [
            stack.enter_context(run_node(TestNode(f"node{n}", port))) for n, port in enumerate(find_free_ports(2), 1)
        ]


@pytest.fixture
def haproxy(tmp_path: Path, nodes: list[TestNode]) -> Iterator[HAProxy]:
    with run_haproxy(tmp_path / "haproxy", nodes, 100_000) as running:
        yield running


def list_nodes(haproxy: HAProxy, requests: int = 20) -> Counter[str]:
    """Who responded; `503` for nobody."""
    counts: Counter[str] = Counter()
    with httpx.Client(base_url=haproxy.address, timeout=20) as client:
        for _ in range(requests):
            response = client.get("/echo")
            counts[response.json()["node"] if response.status_code == 200 else str(response.status_code)] += 1
    return counts


def wait_for(haproxy: HAProxy, expected: set[str]) -> None:
    deadline = time.monotonic() + SECONDS_TO_NOTICE
    while set(list_nodes(haproxy)) != expected:
        assert time.monotonic() < deadline, list_nodes(haproxy)
        time.sleep(0.1)


def test_configuration_is_valid_for_two_nodes_and_for_three(tmp_path: Path) -> None:
    haproxy = HAProxy(need_program("haproxy"), tmp_path / "haproxy", *find_free_ports(2))
    for count in (2, 3):
        result = haproxy.check(haproxy.build_environment([f"127.0.0.1:{8000 + n}" for n in range(count)]))
        assert (result.returncode, "WARNING" in result.stderr) == (0, False), result.stderr


def test_node_that_is_not_ready_gets_nothing_until_it_is(haproxy: HAProxy, nodes: list[TestNode]) -> None:
    wait_for(haproxy, {"node1", "node2"})
    nodes[0].is_ready = False
    wait_for(haproxy, {"node2"})
    nodes[0].is_ready = True
    wait_for(haproxy, {"node1", "node2"})


def test_where_no_node_is_ready_live_ones_respond_and_else_a_problem(haproxy: HAProxy, nodes: list[TestNode]) -> None:
    for node in nodes:
        node.is_ready = False
    nodes[1].is_alive = False
    wait_for(haproxy, {"node1"})
    nodes[0].is_alive = False
    wait_for(haproxy, {"503"})
    response = httpx.get(f"{haproxy.address}/echo")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "1"
    assert (response.json()["code"], response.json()["status"]) == ("overloaded", 503)


def test_reads_never_fail_when_a_node_vanishes(tmp_path: Path, nodes: list[TestNode]) -> None:
    (port,) = find_free_ports(1)
    third = TestNode("node3", port)
    with run_haproxy(tmp_path / "haproxy", [third, *nodes], 100_000) as haproxy:
        with run_node(third):
            wait_for(haproxy, {"node1", "node2", "node3"})
        assert list_nodes(haproxy, 60).keys() <= {"node1", "node2"}


def test_read_that_a_node_does_not_respond_to_goes_to_another_one(haproxy: HAProxy, nodes: list[TestNode]) -> None:
    wait_for(haproxy, {"node1", "node2"})
    nodes[0].hangs.set()
    with httpx.Client(base_url=haproxy.address, timeout=20) as client:
        shown = [client.get("/hanging").json()["node"] for _ in range(2)]
    assert shown == ["node2"] * 2
    assert nodes[0].counts["GET /hanging"] >= 1, "it was not asked at all"


def test_write_that_a_node_had_is_sent_to_no_other(haproxy: HAProxy, nodes: list[TestNode]) -> None:
    """Here it is the client that gives up first."""
    wait_for(haproxy, {"node1", "node2"})
    for node in nodes:
        node.hangs.set()
    with httpx.Client(base_url=haproxy.address, timeout=7) as client, pytest.raises(httpx.ReadTimeout):
        client.post("/hanging", json={})
    assert sum(node.counts["POST /hanging"] for node in nodes) == 1


def test_each_client_has_a_limit_of_its_own(tmp_path: Path, nodes: list[TestNode]) -> None:
    with run_haproxy(tmp_path / "haproxy", nodes, 20) as haproxy, httpx.Client(base_url=haproxy.address) as client:
        for address in ("192.0.2.1", "2001:db8:1:2::1"):
            statuses = [client.get("/echo", headers={"X-Forwarded-For": address}).status_code for _ in range(22)]
            assert statuses == [200] * 20 + [429] * 2
        # Another address of the same subscriber, and one that only the client itself has written.
        for address in ("2001:db8:1:2::2", "203.0.113.9, 192.0.2.1"):
            refused = client.get("/echo", headers={"X-Forwarded-For": address})
            assert refused.status_code == 429
        assert (refused.headers["content-type"], refused.json()["code"]) == ("application/problem+json", "rate_limited")
        assert int(refused.headers["retry-after"]) > 0
        for address in ("192.0.2.2", "2001:db8:1:3::1"):
            assert client.get("/echo", headers={"X-Forwarded-For": address}).status_code == 200
        assert client.get("/health/live", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200
