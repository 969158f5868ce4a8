"""Runs work whose time grows with its input where it holds no other request up: in a thread, if the input is large.

Work on small inputs stays in the event loop, where it takes less time than the way to a thread and back.
"""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LARGE = 10_000
"""Characters of HTML beyond which its views and its conversion may take 5 ms: one tag for eight of them, 2 µs each."""
LARGE_MARKDOWN = 2_000
"""The same of Markdown, which takes about 3 µs for each character."""


async def run(size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `work`; `size` is that of its input, in characters."""
    if size <= LARGE:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)
