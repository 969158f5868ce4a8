"""The whole set-up, or parts of it, for as long as a context lasts."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.nodes import CHECKOUT, Node
from deploy.local.postgres import PostgresServer, build_url
from deploy.local.processes import find_free_ports
from deploy.local.programs import Programs, find_programs
from deploy.local.proxies import HAProxy, Nginx

SCOPES = ("admin", "write", "publish", "read_drafts")


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """What there is to be of each. `address_standby` gives nodes the addresses of both database servers, for versions
    that read several; `ports` are those of nginx, TLS second, free ones where there are none; `settings` of nodes come
    before those of compose.yaml."""

    nodes: int = 2
    has_standby: bool = True
    has_proxies: bool = True
    address_standby: bool = True
    requests_per_minute: int | None = None
    checkout: Path = CHECKOUT
    ports: tuple[int, int] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Cluster:
    """What runs. Without proxies `haproxy` and `nginx` are None."""

    folder: Path
    primary: PostgresServer
    standby: PostgresServer | None = None
    nodes: list[Node] = field(default_factory=list)
    haproxy: HAProxy | None = None
    nginx: Nginx | None = None

    def create_key(self) -> str:
        """With all scopes; in the form of the header `Authorization`."""
        scopes = [part for scope in SCOPES for part in ("--scope", scope)]
        output = self.nodes[0].run_command("keys", "create", "--name", "cluster", *scopes)
        key = next(word for word in output.split() if word.startswith("dl_"))
        return f"Bearer {key}"


def list_programs(plan: ClusterPlan) -> tuple[str, ...]:
    return ("haproxy", "nginx", "openssl") if plan.has_proxies else ()


@contextmanager
def run_cluster(plan: ClusterPlan) -> Iterator[Cluster]:
    """Starts everything in an empty folder, waits until all nodes are ready, and ends it all, the last first.
    ProgramMissing names what is not installed, before anything is started."""
    programs = find_programs(list_programs(plan))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dateline-cluster-")))
        # PostgreSQL and the workers of nginx may be of other users; what is theirs is closed to the rest.
        folder.chmod(0o755 if os.geteuid() == 0 else 0o700)
        cluster = Cluster(
            folder, PostgresServer("primary", programs.postgresql, folder / "primary", find_free_ports(1)[0])
        )
        _start_databases(stack, plan, programs, cluster)
        _start_nodes(stack, plan, cluster)
        if plan.has_proxies:
            _start_proxies(stack, plan, programs, cluster)
        yield cluster


def _start_databases(stack: ExitStack, plan: ClusterPlan, programs: Programs, cluster: Cluster) -> None:
    primary = cluster.primary
    stack.callback(primary.end)
    primary.create(has_standby=plan.has_standby)
    if plan.has_standby:
        passwords = primary.password, primary.replication_password
        (port,) = find_free_ports(1)
        standby = PostgresServer("standby", programs.postgresql, cluster.folder / "standby", port, passwords)
        stack.callback(standby.end)
        standby.start_as_standby(primary)
        cluster.standby = standby


def _start_nodes(stack: ExitStack, plan: ClusterPlan, cluster: Cluster) -> None:
    servers = [cluster.primary]
    if cluster.standby is not None and plan.address_standby:
        servers.append(cluster.standby)
    url = build_url(servers)
    for number, port in enumerate(find_free_ports(plan.nodes), 1):
        node = Node(f"node{number}", cluster.folder / f"node{number}", port, url, plan.checkout, plan.settings)
        cluster.nodes.append(node)
        stack.callback(node.end)
        node.start()
    for node in cluster.nodes:
        node.wait_until_ready()


def _start_proxies(stack: ExitStack, plan: ClusterPlan, programs: Programs, cluster: Cluster) -> None:
    haproxy_port, numbers_port, *free = find_free_ports(4)
    haproxy = HAProxy(programs.get("haproxy"), cluster.folder / "haproxy", haproxy_port, numbers_port)
    stack.callback(haproxy.end)
    haproxy.start(haproxy.build_environment([node.address for node in cluster.nodes], plan.requests_per_minute))
    nginx = Nginx(
        programs.get("nginx"), programs.get("openssl"), cluster.folder / "nginx", plan.ports or (free[0], free[1])
    )
    nginx.write_configuration(f"127.0.0.1:{haproxy.port}")
    stack.callback(nginx.end)
    nginx.start()
    cluster.haproxy, cluster.nginx = haproxy, nginx
