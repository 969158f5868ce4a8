"""Clients that misbehave, over real sockets. Speaks HTTP by hand."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass

GET = b"GET %b HTTP/1.1\r\nHost: test\r\n\r\n"


@dataclass
class RawResponse:
    """What came back on a connection: the status, headers by lower-case name, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes


class RawClient:
    """One connection. `address` is the one that it comes from: all of 127.0.0.0/8 are this machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int, address: str = "127.0.0.1", *, receive_buffer: int = 0) -> RawClient:
        connection = socket.socket()
        connection.setblocking(False)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            connection.bind((address, 0))
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
            return cls(*await asyncio.open_connection(sock=connection, limit=4096 if receive_buffer else 1 << 20))
        except BaseException:
            connection.close()
            raise

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def read_response(self) -> RawResponse:
        """IncompleteReadError or ConnectionError where the server breaks off."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return RawResponse(int(head[0].split()[1]), headers, body)

    async def get(self, path: str) -> RawResponse:
        await self.send(GET % path.encode())
        return await self.read_response()

    async def wait_closed(self) -> bool:
        """Waits until the server has closed the connection, whatever it said before."""
        with suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass
        return True

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def get(port: int, path: str, address: str = "127.0.0.1") -> RawResponse:
    """One request on a connection of its own."""
    client = await RawClient.connect(port, address)
    try:
        return await client.get(path)
    finally:
        await client.close()
