"""HAProxy and nginx as they are deployed, once for a module."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from deploy.local.processes import find_free_ports
from deploy.local.proxies import Nginx
from deployment.edge import Edge, TestNode, need_program, run_haproxy, run_node


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Two nodes, HAProxy, nginx; for tests that leave the nodes as they were."""
    program, openssl = need_program("nginx"), need_program("openssl")
    folder = tmp_path_factory.mktemp("edge")
    # Workers of nginx are of another user where root starts it.
    for parent in (folder, *folder.parents):
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(parent.stat().st_mode | 0o011)
    ports = find_free_ports(4)
    with ExitStack() as stack:
        nodes = [stack.enter_context(run_node(TestNode(f"node{n}", ports[n]))) for n in (0, 1)]
        haproxy = stack.enter_context(run_haproxy(folder / "haproxy", nodes, 100_000))
        nginx = Nginx(program, openssl, folder / "nginx", (ports[2], ports[3]))
        stack.callback(nginx.end)
        nginx.write_configuration(f"127.0.0.1:{haproxy.port}")
        assert nginx.check().returncode == 0, nginx.check().stderr
        nginx.start()
        client = stack.enter_context(httpx.Client(base_url=nginx.address, verify=nginx.trust(), timeout=30))
        yield Edge(nodes, haproxy, nginx, client)
