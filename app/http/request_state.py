"""What holds for a whole request: its id, for problems, headers and logs, and its clock. Says nothing of its client."""

from __future__ import annotations

import re
import time
from random import getrandbits

from starlette.types import Scope

from app.http.headers import find_header

_SANE = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")


def get_request_id(scope: Scope) -> str:
    """The client's own X-Request-Id if it is a sane one, else made when first asked for; the same for all who have the
    request's `state`."""
    state: dict[str, str] = scope.setdefault("state", {})
    state_id = state.get("request_id")
    if state_id is None:
        sent = find_header(scope, b"x-request-id")
        sane = sent is not None and _SANE.fullmatch(sent)
        state_id = state["request_id"] = sent.decode() if sent is not None and sane else f"{getrandbits(64):016x}"
    return state_id


def get_now(scope: Scope) -> int:
    """Epoch seconds, read once: every relative time of a request counts from the same second."""
    state: dict[str, int] = scope.setdefault("state", {})
    return state.setdefault("now", int(time.time()))
