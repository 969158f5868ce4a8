"""Responses that are made piece by piece, each after the client has taken the one before it."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class Streamed(Response):
    """Sends pieces as they come. Unlike Starlette's own it does not read the request meanwhile, so that a body may go
    on arriving while the response is on its way; with `watched` it looks before each piece whether the client has gone.
    """

    def __init__(
        self,
        pieces: AsyncGenerator[bytes],
        headers: Mapping[str, str],
        media_type: str,
        watched: Request | None = None,
    ) -> None:
        super().__init__(None, headers=dict(headers), media_type=media_type)
        del self.headers["content-length"]
        self._pieces, self._watched = pieces, watched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with aclosing(self._pieces):
                # Before the start: what fails here still gets a response with its own status.
                piece: bytes | None = await anext(self._pieces, None)
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                while piece is not None:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    if self._watched is not None and await self._watched.is_disconnected():
                        return
                    piece = await anext(self._pieces, None)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except OSError as error:
            raise ClientDisconnect from error
