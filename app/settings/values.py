"""How values of settings are read, and what they may be."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

MOST_WORKERS = 64


def read_networks(value: object) -> object:
    """One address is a network of its own. ValueError names the part that is no network."""
    return [ip_network(part.strip()) for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def count_processors() -> int:
    """Processors that this process may use: what a container's quota allows where that is less, rounded up."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        # Of version 2 of Linux's control groups: microseconds of processor time in so many, or `max`.
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        return min(allowed, max(1, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        return allowed


def read_workers(value: object) -> object:
    return min(count_processors(), MOST_WORKERS) if value == "auto" else value


ROOT_PATH, LONGEST_ROOT_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+"), 100
RESERVED = frozenset(
    {"assets", "desk", "docs", "feeds", "guides", "health", "internal", "metrics", "openapi.json", "problems",
     "robots.txt", "sitemap.xml", "sitemaps", "v1"}
)  # fmt: skip
"""How paths of the API begin: what a root path begins with must be something else, or nobody could tell whether a proxy
has stripped it."""


def read_root_path(text: str) -> str:
    """A path below which the API is served, without a slash at its end: `/api`, or nothing for the whole host.
    ValueError for anything else, since it becomes a part of addresses."""
    path = text.strip().rstrip("/")
    if not path:
        return ""
    if len(path) > LONGEST_ROOT_PATH or ROOT_PATH.fullmatch(path) is None:
        raise ValueError("a path such as /api is needed, of letters, digits and -._~")
    if path.split("/")[1] in RESERVED:
        raise ValueError(f"it must not begin like paths of the API itself: {', '.join(sorted(RESERVED))}")
    return path


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(read_networks)]
Workers = Annotated[int, BeforeValidator(read_workers)]
RootPath = Annotated[str, BeforeValidator(read_root_path)]
