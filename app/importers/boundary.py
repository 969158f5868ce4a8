"""The one failure boundary of imports: whatever reading, preparing or enriching an item raises becomes that item's.

Never swallows what is no item's fault: an interrupt, the end of the process, a database that does not respond.
"""

import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Literal, ParamSpec, Protocol, TypeVar

from app.errors import DatelineError
from app.importers.document import Failure, Item
from app.text import keys

P = ParamSpec("P")
T = TypeVar("T")
Stage = Literal["open", "read", "prepare", "enrich"]

MOST_REASON = 200
"""Characters of what a library says; some repeat the text that they stumbled over."""
# GeneratorExit: whoever stops asking a reader for items ends it, which is no failure of an item.
_NOT_AN_ITEMS = (KeyboardInterrupt, SystemExit, GeneratorExit, DatelineError)

log = logging.getLogger(__name__)


class Observer(Protocol):
    """Whoever has to know what is worked on, such as the process that is killed if it takes too long."""

    def begin(self, stage: Stage, where: str) -> str | None:
        """Called before each piece of work. A reason leaves the work out: it fails for that reason."""


observer: ContextVar[Observer | None] = ContextVar("observer", default=None)


def attempt(stage: Stage, where: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Failure:
    """What `work` returns, or a Failure at `where` with a reason for people."""
    if (watching := observer.get()) is not None and (refusal := watching.begin(stage, where)):
        return Failure(where, refusal)
    # BaseException: the panics of libraries written in Rust are no Exceptions.
    try:
        return work(*args, **kwargs)
    except BaseException as error:
        return Failure(where, explain(error, stage, where))


def guard(where: str, items: Callable[[], Iterator[Item]]) -> Iterator[Item]:
    """The items of one source. Where its reader breaks, what came before is kept, and a Failure is the last item."""
    if (watching := observer.get()) is not None and (refusal := watching.begin("open", where)):
        yield Failure(where, refusal)
        return
    last = ""
    iterator = items()
    while True:
        try:
            item = next(iterator)
        except StopIteration:
            return
        except BaseException as error:
            reached = f"; what stands before that was read, the last of it {last}" if last else ""
            yield Failure(where, explain(error, "open", where) + reached)
            return
        last = getattr(item, "where", last)  # a Bookmark has none: it is about the address as a whole
        yield item


def explain(error: BaseException, stage: Stage, where: str) -> str:
    """The reason for people. Raises the error again where it is no item's fault."""
    # By name: the process that reads hostile input has no database, and need not load what speaks to one.
    of_database = any(kind.__module__ == "sqlalchemy.exc" for kind in type(error).__mro__)
    if of_database or isinstance(error, _NOT_AN_ITEMS):
        raise error
    log.info("%s: failed in the stage %r", where, stage, exc_info=error)
    if isinstance(error, MemoryError):
        return TOO_MUCH_MEMORY
    if isinstance(error, RecursionError):
        return "could not be read: it is nested too deeply"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    message = " ".join(keys.clean(str(error)).split())[:MOST_REASON]
    # The message of a ValueError is meant for people; that of a KeyError means nothing without its name.
    reason = (
        message if type(error) is ValueError and message else f"{type(error).__name__}: {message}".removesuffix(": ")
    )
    return f"could not be read: {reason}"


TOO_MUCH_MEMORY = "it took too much memory"
TOO_MUCH_TIME = "it took too much time"
