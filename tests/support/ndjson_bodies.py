"""How schemathesis sends bodies of lines. Importing it is enough; `SCHEMATHESIS_HOOKS` may name it."""

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/ndjson")
def lines(context: Any, value: object) -> bytes:
    """A line for each of several, or one."""
    return "\n".join(json.dumps(one, default=str) for one in (value if isinstance(value, list) else [value])).encode()
