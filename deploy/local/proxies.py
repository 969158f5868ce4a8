"""HAProxy and nginx with the files that lie beside compose.yaml, and a certificate for loopback."""

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

from deploy.local.composition import FOLDER, read_environment
from deploy.local.processes import Process, is_listening

_PLACEHOLDER = re.compile(r"\$\{(NGINX_[A-Z_]+)\}")


def fill_template(text: str, values: dict[str, str]) -> str:
    """As the image of nginx does it: names that are known, and no others. KeyError for one that nobody has set."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def make_certificate(openssl: str, folder: Path) -> None:
    """A key and a certificate for 127.0.0.1 and localhost, signed by itself, good for a week."""
    folder.mkdir()
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")],
        check=True, capture_output=True,
    )  # fmt: skip


class HAProxy:
    """In front of nodes at these addresses, `host:port`; three at most."""

    def __init__(self, program: str, folder: Path, port: int, numbers_port: int) -> None:
        self.port, self.numbers_port = port, numbers_port
        self._program, self._folder = program, folder
        self.process: Process | None = None
        folder.mkdir(parents=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def build_environment(self, nodes: Sequence[str], requests_per_minute: int | None = None) -> dict[str, str]:
        values = {
            "HAPROXY_BIND": f"127.0.0.1:{self.port}",
            "HAPROXY_NUMBERS_BIND": f"127.0.0.1:{self.numbers_port}",
            **{f"HAPROXY_NODE_{number}": node for number, node in enumerate(nodes, 1)},
        }
        if requests_per_minute is not None:
            values["HAPROXY_REQUESTS_PER_MINUTE"] = str(requests_per_minute)
        return {"PATH": os.environ.get("PATH", os.defpath), **read_environment("haproxy", **values)}

    def check(self, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        command = [self._program, "-c", "-f", str(FOLDER / "haproxy.cfg")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def start(self, environment: dict[str, str]) -> None:
        command = [self._program, "-db", "-f", str(FOLDER / "haproxy.cfg")]
        self.process = Process("haproxy", command, self._folder / "haproxy.log", env=environment)
        self.process.wait_until(lambda: is_listening(self.port))

    def end(self) -> None:
        if self.process is not None:
            self.process.end()


class Nginx:
    """At the edge, with TLS, in front of what listens at `upstream`, `host:port`."""

    def __init__(self, program: str, openssl: str, folder: Path, ports: tuple[int, int]) -> None:
        self.http_port, self.https_port = ports
        self._program, self._folder = program, folder
        self.process: Process | None = None
        folder.mkdir(parents=True)
        # Its workers may be of another user, who writes here alone.
        folder.chmod(0o755)
        (folder / "run").mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder / "run", "nobody")
        make_certificate(openssl, folder / "tls")

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.https_port}"

    def trust(self) -> ssl.SSLContext:
        """For clients: the certificate that was made for it, and no other."""
        return ssl.create_default_context(cafile=str(self._folder / "tls" / "fullchain.pem"))

    def write_configuration(self, upstream: str) -> None:
        values = read_environment(
            "nginx",
            NGINX_RUN_DIR=str(self._folder / "run"),
            NGINX_ACCESS_LOG=str(self._folder / "access.log"),
            NGINX_UPSTREAM=upstream,
            NGINX_HTTP=f"127.0.0.1:{self.http_port}",
            NGINX_HTTPS=f"127.0.0.1:{self.https_port}",
            NGINX_HTTPS_ORIGIN=self.address,
            NGINX_TLS_DIR=str(self._folder / "tls"),
        )
        template = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
        self._configuration.write_text(fill_template(template, values), encoding="utf-8")

    def check(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._command, "-t"], capture_output=True, text=True, check=False)

    def start(self) -> None:
        command = [*self._command, "-g", "daemon off;"]
        self.process = Process("nginx", command, self._folder / "nginx.log")
        self.process.wait_until(lambda: is_listening(self.https_port))

    def end(self) -> None:
        if self.process is not None:
            self.process.end()

    @property
    def _configuration(self) -> Path:
        return self._folder / "nginx.conf"

    @property
    def _command(self) -> list[str]:
        # Without -e the log that is compiled in is opened first, which only root may.
        return [self._program, "-e", "stderr", "-p", str(self._folder), "-c", str(self._configuration)]
