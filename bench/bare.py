"""The least that a Python server can do: bare ASGI under uvicorn, which sends responses that it was given.

`python -m bench.bare PORT FILE`: FILE holds a pickled `Responses`. Reads no request but its path and query.
"""

import pickle
import sys
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

UNKNOWN: tuple[int, list[tuple[bytes, bytes]], bytes] = (404, [], b"")
Responses = dict[bytes, tuple[int, list[tuple[bytes, bytes]], bytes]]
"""Status, headers and body by path and query."""


def make_app(responses: Responses) -> ASGIApp:
    async def bare(scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"]
        status, headers, body = responses.get(scope["raw_path"] + b"?" + query if query else scope["raw_path"], UNKNOWN)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return bare


def main() -> None:
    responses = pickle.loads(Path(sys.argv[2]).read_bytes())
    uvicorn.run(make_app(responses), port=int(sys.argv[1]), lifespan="off", log_level="warning", access_log=False,
                server_header=False, proxy_headers=False)  # fmt: skip


if __name__ == "__main__":
    main()
