"""Work in threads that nobody waits for at the end: the process stops although one of them is waiting for the web."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_in_daemon_thread(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `fn` returns or raises. It must leave nothing half done wherever it is when the process ends: whoever waits
    here is gone by then, and `asyncio.to_thread` would keep the loop from closing until it returns."""
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def tell(value: T | None, error: BaseException | None) -> None:
        # Whoever waited has gone: there is nobody to tell, and a cancelled future takes no result.
        if outcome.cancelled():
            return
        if error is not None:
            outcome.set_exception(error)
        else:
            outcome.set_result(value)  # type: ignore[arg-type] # as `fn` returned it

    def work() -> None:
        try:
            told = partial(tell, fn(*args, **kwargs), None)
        except BaseException as error:
            told = partial(tell, None, error)
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(told)

    threading.Thread(target=work, name=f"detached {fn}", daemon=True).start()
    return await outcome
