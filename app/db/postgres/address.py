"""The address of a PostgreSQL database as libpq reads it, and what is added where it does not say. Connects to nothing.

Several hosts are given in either form of libpq: `postgresql://a:5432,b:5433/name`, or
`postgresql:///name?host=a,b&port=5432,5433`. Each is tried in this order until one has what is needed.
"""

import os
import re
from collections.abc import Mapping

Parameters = Mapping[str, str]
"""Names and values as libpq has them."""

DEFAULTS: Parameters = {
    # For each host. A network that drops packets says nothing else.
    "connect_timeout": "3",
    # A host that has vanished is noticed when it is written to and does not acknowledge that, and where nothing is
    # written, by probes: after 5 s of silence, three of them.
    "tcp_user_timeout": "6000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "application_name": "dateline",
}
_VARIABLES = {
    "connect_timeout": "PGCONNECT_TIMEOUT",
    "application_name": "PGAPPNAME",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
"""libpq's own way to be told the same from outside."""
_NAMED_PARAMETER = re.compile(r'invalid URI query parameter: "[a-z_]+"')


def parse_address(text: str) -> Parameters:
    """What an address of PostgreSQL says. ValueError for one that libpq cannot read, with a sentence that repeats
    nothing which could be a password; ModuleNotFoundError where the driver is not installed."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        said = conninfo_to_dict(re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql://", text))
    except ProgrammingError as error:
        named = _NAMED_PARAMETER.match(str(error))
        raise ValueError(f"libpq says: {named[0]}" if named else "libpq cannot read it") from None
    return {name: str(value) for name, value in said.items() if value is not None}


def complete(parameters: Parameters, *, for_writing: bool) -> Parameters:
    """With what the address does not say. `for_writing`: of several hosts the one that can be written to is looked for,
    so that after a promotion the new primary is found."""
    defaults = dict(DEFAULTS)
    if for_writing and has_several_hosts(parameters):
        defaults["target_session_attrs"] = "read-write"
    left = {name: value for name, value in defaults.items() if _VARIABLES.get(name, "") not in os.environ}
    return {**left, **parameters}


def has_several_hosts(parameters: Parameters) -> bool:
    """Whether there is another host to turn to."""
    return any("," in parameters.get(name, "") for name in ("host", "hostaddr"))


class HostOrder:
    """The parameters of the next connection: of several hosts the one that the last connection was made to comes first,
    so that one which has vanished is waited for once and not for each connection."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = dict(parameters)
        self._is_ordered = has_several_hosts(parameters) and "hostaddr" not in parameters

    def note_host(self, host: str, port: int) -> None:
        """Where a connection was made to."""
        if not self._is_ordered:
            return
        parameters = self.parameters
        hosts, ports = parameters["host"].split(","), parameters.get("port", "").split(",")
        ports = ports * len(hosts) if len(ports) == 1 else ports
        pairs = list(zip(hosts, ports, strict=True))
        last = [pair for pair in pairs if pair in ((host, str(port)), (host, ""))]
        ordered = [*last, *(pair for pair in pairs if pair not in last)]
        # Both at once: another thread may be connecting.
        hosts_and_ports = {
            "host": ",".join(host for host, _ in ordered),
            "port": ",".join(port for _, port in ordered),
        }
        self.parameters = {**parameters, **hosts_and_ports}
