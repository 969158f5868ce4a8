"""Headers of a request as ASGI has them: pairs of bytes, the names in lower case. Knows none by name."""

from starlette.types import Scope

Headers = list[tuple[bytes, bytes]]


def find_header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of that name, which is in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            first_value: bytes = value
            return first_value
    return None


def list_headers(scope: Scope, name: bytes) -> list[bytes]:
    """All headers of that name, which is in lower case."""
    return [value for key, value in scope["headers"] if key == name]
