"""A cluster of OpenSearch on this machine, with one node or three, until it is interrupted:

    PYTHONPATH=. .venv/bin/python scripts/opensearch_cluster.py --nodes 3 [--port 9200]

It prints the setting that has a server search there. Its data is gone with it.
"""

import argparse
import signal

from bench.opensearch_nodes import NotAvailable, run_cluster


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, choices=(1, 3), default=1)
    parser.add_argument("--port", type=int, default=0, help="of the first node; the others have the next ones")
    arguments = parser.parse_args()
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    ports = [arguments.port + i for i in range(arguments.nodes)] if arguments.port else []
    try:
        with run_cluster(arguments.nodes, ports) as nodes:
            print(f"DATELINE_SEARCH_URL={','.join(node.url for node in nodes)}", flush=True)
            signal.sigwait(ends)
    except NotAvailable as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
