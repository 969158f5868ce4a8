"""What a request is called where somebody asks about it: in problems, headers and logs. Says nothing of its client."""

from __future__ import annotations

import re
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
