"""What the edge keeps, and what it passes on."""

from pathlib import Path

import httpx
import pytest

from deploy.local.processes import find_free_ports
from deploy.local.proxies import Nginx
from deployment.edge import Edge, need_program

pytestmark = pytest.mark.slow
KEY = {"Authorization": "Bearer dl_key"}


def test_shared_response_is_fetched_once(edge: Edge) -> None:
    responses = [edge.client.get("/shared?q=1") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 200]
    assert [response.headers["cache-status"] for response in responses] == [
        "edge; fwd=uri-miss",
        "edge; hit",
        "edge; hit",
    ]
    assert edge.count("GET /shared") == 1
    assert edge.client.head("/shared?q=1").headers["cache-status"] == "edge; hit"


@pytest.mark.parametrize("path", ["/private", "/unstored"])
def test_what_is_private_or_unstored_is_fetched_each_time(edge: Edge, path: str) -> None:
    for _ in range(3):
        assert edge.client.get(path).status_code == 200
    assert edge.count(f"GET {path}") == 3


def test_client_with_a_key_shares_nothing_with_others(edge: Edge) -> None:
    before = edge.count("GET /shared")
    edge.client.get("/shared?q=key")
    for _ in range(2):
        response = edge.client.get("/shared?q=key", headers=KEY)
        assert response.json()["headers"]["authorization"] == KEY["Authorization"]
    assert "authorization" not in edge.client.get("/shared?q=key").json()["headers"]
    edge.client.get("/shared?q=key-first", headers=KEY)
    assert "authorization" not in edge.client.get("/shared?q=key-first").json()["headers"]
    assert edge.count("GET /shared") == before + 5


def test_responses_are_kept_for_each_value_of_vary(edge: Edge) -> None:
    for _ in range(2):
        for accept in ("application/json", "text/markdown"):
            shown = edge.client.get("/by-accept", headers={"Accept": accept}).json()
            assert shown["headers"]["accept"] == accept
    assert edge.count("GET /by-accept") == 2


def test_headers_that_nodes_believe_are_those_of_the_edge(edge: Edge) -> None:
    made_up = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Prefix": "/evil", "Forwarded": "for=192.0.2.1"}
    made_up["X-Real-IP"] = "192.0.2.1"
    headers = edge.client.get("/echo", headers=made_up).json()["headers"]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers.keys().isdisjoint({"x-forwarded-prefix", "forwarded", "x-real-ip"})
    assert headers["host"] == f"127.0.0.1:{edge.nginx.https_port}"


def test_stream_is_passed_on_as_it_comes(edge: Edge) -> None:
    with edge.client.stream("GET", "/v1/export") as response:
        lines = response.iter_lines()
        assert next(lines) == "first"
        for node in edge.nodes:
            node.released.set()
        assert next(lines) == "second"
    for node in edge.nodes:
        node.released.clear()


def test_http_is_redirected_with_its_query(edge: Edge) -> None:
    response = httpx.get(f"http://127.0.0.1:{edge.nginx.http_port}/v1/search?q=x")
    assert (response.status_code, response.headers["location"]) == (301, f"{edge.nginx.address}/v1/search?q=x")


def test_nobody_behind_is_a_problem_document(edge: Edge, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    http_port, https_port, closed = find_free_ports(3)
    nginx = Nginx(need_program("nginx"), need_program("openssl"), tmp_path / "nginx", (http_port, https_port))
    nginx.write_configuration(f"127.0.0.1:{closed}")
    nginx.start()
    try:
        response = httpx.get(f"{nginx.address}/v1/articles", verify=nginx.trust())
    finally:
        nginx.end()
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.headers["retry-after"], response.headers["cache-control"]) == ("1", "no-store")
    assert response.json()["code"] == "database_unavailable"
