"""The set-up of compose.yaml on this machine, without containers, until Ctrl-C. Keeps nothing: its folder is removed.

    python -m deploy.run_local                          the whole set-up, with an empty archive
    python -m deploy.run_local --seed seed_data         with what `dateline import` makes of this
    python -m deploy.run_local --check                  says what is missing here, and starts nothing

It needs PostgreSQL, HAProxy, nginx and openssl (on Debian: postgresql, haproxy, nginx-light, openssl), and Dateline's
driver for PostgreSQL. Everything listens on loopback alone.
"""

import argparse
import sys
import time

from deploy.local.cluster import Cluster, ClusterPlan, list_programs, run_cluster
from deploy.local.processes import leave_on_sigterm
from deploy.local.programs import ProgramMissing, find_programs


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.run_local", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=int, choices=(1, 2, 3), default=2, help="how many nodes (2)")
    parser.add_argument("--no-standby", action="store_true", help="PostgreSQL without a standby")
    parser.add_argument("--requests-per-minute", type=int, help="of a client; as in compose.yaml unless given")
    parser.add_argument("--http-port", type=int, default=8080)
    parser.add_argument("--https-port", type=int, default=8443)
    parser.add_argument("--seed", help="file or folder to import")
    parser.add_argument("--check", action="store_true", help="say what is missing, and start nothing")
    return parser.parse_args()


def describe(cluster: Cluster, key: str) -> str:
    assert cluster.nginx is not None
    assert cluster.haproxy is not None
    lines = [
        f"Dateline is at {cluster.nginx.address} (certificate: {cluster.folder}/nginx/tls/fullchain.pem)",
        f"  HAProxy: {cluster.haproxy.address}, its numbers: http://127.0.0.1:{cluster.haproxy.numbers_port}/metrics",
        *(
            f"  {node.name}: http://{node.address} (process {node.process and node.process.pid})"
            for node in cluster.nodes
        ),
        f"  primary: {cluster.primary.address}",
        *([f"  standby: {cluster.standby.address}"] if cluster.standby else []),
        f"  logs: {cluster.folder}",
        f"Authorization: {key}",
        f"Try: curl --insecure '{cluster.nginx.address}/v1/search?q=europe'",
    ]
    return "\n".join(lines)


def main() -> None:
    arguments = read_arguments()
    plan = ClusterPlan(
        nodes=arguments.nodes,
        has_standby=not arguments.no_standby,
        requests_per_minute=arguments.requests_per_minute,
        ports=(arguments.http_port, arguments.https_port),
    )
    leave_on_sigterm()
    try:
        if arguments.check:
            programs = find_programs(list_programs(plan))
            print(f"All there: PostgreSQL in {programs.postgresql}, {', '.join(programs.others.values())}")
            return
        with run_cluster(plan) as cluster:
            if arguments.seed:
                cluster.nodes[0].run_command("import", arguments.seed)
            print(describe(cluster, cluster.create_key()), flush=True)
            while True:
                time.sleep(3600)
    except ProgramMissing as error:
        raise SystemExit(str(error)) from None
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
