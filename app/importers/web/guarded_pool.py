"""Connections to the web that the guard makes, kept open for a while. Whatever asks something of an address that a
client has named takes its connections here."""

import ssl
from functools import cache

import httpcore
import httpx

from app.importers.web.ssrf_guard import SsrfGuard


def create_pool(guard: SsrfGuard, *, keep_seconds: float) -> httpcore.ConnectionPool:
    """For one thread, whose time is bounded by the guard's `until`; to be closed. No proxy is used: the guard could not
    see where a proxy connects to."""
    return httpcore.ConnectionPool(
        _create_ssl_context(), max_connections=4, keepalive_expiry=keep_seconds, network_backend=guard
    )


@cache
def _create_ssl_context() -> ssl.SSLContext:
    """Whom the machine trusts; reading all certificates takes 30 ms, so it is done once."""
    return httpx.create_ssl_context()
