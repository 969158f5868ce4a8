"""Nodes of OpenSearch on this machine, for tests and benchmarks: each a process of its own.

The distribution comes by Maven, once, into a folder of temporary files; DATELINE_TEST_OPENSEARCH_HOME names one that is
unpacked already. Needs a Java of version 21 or newer: OPENSEARCH_JAVA_HOME, JAVA_HOME, the one on the path and those in
/usr/lib/jvm are looked through. OpenSearch does not run as root: there it runs as nobody.
"""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

VERSION = "3.8.0"
SHA256 = "196c3cf4602c394f2e40e6174ccbf2a924eae37246f08fa6bbb6b75f9fd5ff1f"
ARTIFACT = f"org.opensearch.distribution.integ-test-zip:opensearch:{VERSION}:zip"
REPOSITORY_PATH = f"org/opensearch/distribution/integ-test-zip/opensearch/{VERSION}/opensearch-{VERSION}.zip"
HOME_VARIABLE = "DATELINE_TEST_OPENSEARCH_HOME"
JAVA_AT_LEAST = 21
NOBODY = 65534
HEAP = "512m"
SECONDS_TO_START = 180.0


class NotAvailable(Exception):
    """OpenSearch cannot be started here; the message says what is missing."""


class StartFailed(Exception):
    """All that is needed is here, and it does not start; the message has what it said last."""


def find_java() -> Path:
    """The folder of a JVM that is new enough."""
    named = [Path(os.environ[name]) for name in ("OPENSEARCH_JAVA_HOME", "JAVA_HOME") if os.environ.get(name)]
    first = shutil.which("java")
    on_path = [Path(first).resolve().parents[1]] if first else []
    installed = sorted(Path("/usr/lib/jvm").glob("*")) if Path("/usr/lib/jvm").is_dir() else []
    for home in (*named, *on_path, *installed):
        if (home / "bin/java").exists() and _read_java_version(home) >= JAVA_AT_LEAST:
            return home
    raise NotAvailable(
        f"OpenSearch needs Java {JAVA_AT_LEAST} or newer, which is not here: install one, or name its folder in "
        "OPENSEARCH_JAVA_HOME"
    )


def _read_java_version(home: Path) -> int:
    run = subprocess.run([home / "bin/java", "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(\d+)', run.stderr)
    return int(version[1]) if version else 0


def find_distribution() -> Path:
    """An unpacked one, which every user can read; fetched and unpacked where there is none yet."""
    named = os.environ.get(HOME_VARIABLE)
    folder = Path(named) if named else Path(tempfile.gettempdir()) / f"dateline-opensearch-{VERSION}"
    if not (folder / "bin/opensearch").exists():
        if named:
            raise NotAvailable(f"There is no OpenSearch in {folder}, which {HOME_VARIABLE} names")
        _unpack(_fetch(), folder)
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        raise NotAvailable("OpenSearch does not run as root, and setpriv, which would change the user, is not here")
    return folder


def _fetch() -> Path:
    """The archive in Maven's local repository."""
    archive = Path.home() / ".m2/repository" / REPOSITORY_PATH
    if not archive.exists():
        maven = shutil.which("mvn")
        if maven is None:
            raise NotAvailable(f"Neither is OpenSearch here nor Maven, which would fetch it; {HOME_VARIABLE} names one")
        command = [maven, "-q", "-B", "dependency:get", "-Dtransitive=false", f"-Dartifact={ARTIFACT}"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode or not archive.exists():
            raise NotAvailable(f"Maven cannot fetch {ARTIFACT}: {run.stdout[-500:]}{run.stderr[-500:]}")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        raise NotAvailable(f"{archive} is not OpenSearch {VERSION} as it was released")
    return archive


def _unpack(archive: Path, folder: Path) -> None:
    """Whole or not at all: another process may do the same."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(name)
        [unpacked] = Path(name).iterdir()
        for path in (unpacked, *unpacked.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        try:
            unpacked.rename(folder)
        except OSError:
            if not (folder / "bin/opensearch").exists():
                raise


def write_config(distribution: Path, folder: Path, lines: Sequence[str]) -> Path:
    """A node's own configuration in `folder`, which holds its data and logs too: the distribution stays as it is."""
    config, data, logs = folder / "config", folder / "data", folder / "logs"
    shutil.copytree(distribution / "config", config)
    for made in (data, logs, folder / "tmp"):
        made.mkdir()
    options = (config / "jvm.options").read_text()
    options = re.sub(r"^-Xm([sx])\S+$", rf"-Xm\g<1>{HEAP}", options, flags=re.M)
    options = options.replace("logs/", f"{logs}/").replace("HeapDumpPath=data", f"HeapDumpPath={data}")
    (config / "jvm.options").write_text(options)
    (config / "opensearch.yml").write_text("\n".join([
        "network.host: 127.0.0.1", f"path.data: {data}", f"path.logs: {logs}", "bootstrap.system_call_filter: false",
        *lines,
    ]))  # fmt: skip
    return config


def make_command(distribution: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    """What starts the node whose configuration is in `folder`, and with which environment; run it *in* the
    distribution, to which the path of its Java agent is relative."""
    command = [str(distribution / "bin/opensearch")]
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        command = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", *command]
    env = {"OPENSEARCH_JAVA_HOME": str(find_java()), "OPENSEARCH_PATH_CONF": str(folder / "config"),
           "HOME": str(folder), "OPENSEARCH_TMPDIR": str(folder / "tmp")}  # fmt: skip
    return command, env


@dataclass
class OpenSearchNode:
    """One node: can be killed and started again with its data."""

    distribution: Path
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command, env = make_command(self.distribution, self.folder)
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=self.distribution, env={**os.environ, **env}, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    def send_signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """As a machine that loses its power."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()

    def wait(self, nodes: int = 1) -> None:
        """Until it responds, in a cluster of so many nodes."""
        deadline = time.monotonic() + SECONDS_TO_START
        path = f"/_cluster/health?wait_for_nodes=>={nodes}&wait_for_status=yellow&timeout=5s"
        while time.monotonic() < deadline and self.process is not None and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + path, timeout=10) as response:
                    if response.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.3)
        lines = (self.folder / "output").read_text(errors="replace").splitlines()[-20:]
        raise StartFailed("\n".join(["OpenSearch did not start:", *lines]))


def find_free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def write_node(
    distribution: Path,
    root: Path,
    number: int,
    http: Sequence[int],
    transport: Sequence[int],
    settings: Sequence[str] = (),
) -> OpenSearchNode:
    """One of the nodes with these ports, not started yet; its folder below `root` has all that is its own."""
    folder = root / f"node-{number}"
    folder.mkdir()
    seeds = ", ".join(f'"127.0.0.1:{port}"' for port in transport)
    names = ", ".join(f"node-{i}" for i in range(len(http)))
    write_config(distribution, folder, [
        "cluster.name: dateline-test", f"node.name: node-{number}", f"http.port: {http[number]}",
        f"transport.port: {transport[number]}", f"discovery.seed_hosts: [{seeds}]",
        f"cluster.initial_cluster_manager_nodes: [{names}]",
        # A disk that is fuller than it likes would make all indexes read-only.
        "cluster.routing.allocation.disk.threshold_enabled: false", *settings,
    ])  # fmt: skip
    return OpenSearchNode(distribution, folder, http[number])


@contextmanager
def run_cluster(
    number: int = 1, ports: Sequence[int] = (), settings: Sequence[str] = ()
) -> Iterator[list[OpenSearchNode]]:
    """Nodes that respond, until the end of the block; their data is gone then. `settings` are lines of each node's
    configuration. NotAvailable where something is missing for that, StartFailed where it does not start."""
    distribution = find_distribution()
    find_java()
    with tempfile.TemporaryDirectory(prefix="dateline-cluster-") as name:
        root = Path(name)
        root.chmod(0o755)  # another user's process has to get through
        http = list(ports) or find_free_ports(number)
        transport = find_free_ports(number)
        nodes = [write_node(distribution, root, i, http, transport, settings) for i in range(number)]
        try:
            for node in nodes:
                node.start()
            for node in nodes:
                node.wait(number)
            yield nodes
        finally:
            for node in nodes:
                node.stop()
