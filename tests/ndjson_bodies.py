"""How schemathesis sends bodies of lines. Importing it is enough; `SCHEMATHESIS_HOOKS` may name it."""

from typing import Any

import orjson
import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/ndjson")
def lines(context: Any, value: object) -> bytes:
    """A line for each of several, or one."""
    return b"\n".join(orjson.dumps(one, default=str) for one in (value if isinstance(value, list) else [value]))
