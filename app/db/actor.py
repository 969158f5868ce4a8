"""Who acts: the key, the command or the task of the server behind what runs now. Set where a request, a command or a
task begins, and read by `db.write`, so that no function on the way has to hand it on. Knows no tables."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal["key", "command", "server"]
Context = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Actor:
    """`name` is what the key is called, the command as it is typed (`dateline keys create`), or a task of the server
    (`schedule`). `request` is the id of the request, or of one run of a command. `context`: what it is part of, such as
    the job and the origin of an import."""

    kind: Kind
    name: str
    key: int | None = None
    request: str | None = None
    context: Context = field(default_factory=dict)


UNKNOWN = Actor("server", "unknown")
"""Where nobody has said who acts. A test walks every route and command that writes and meets no such row."""

_current: ContextVar[Actor] = ContextVar("actor", default=UNKNOWN)


def current_actor() -> Actor:
    return _current.get()


def set_actor(actor: Actor) -> None:
    """For the rest of this task, thread or command."""
    _current.set(actor)


@contextmanager
def act_as(actor: Actor) -> Iterator[None]:
    """For the block alone."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)


def acting_within(**context: str | int | None) -> Actor:
    """The current actor as part of something; what is None is left out."""
    actor = current_actor()
    added = {name: value for name, value in context.items() if value is not None}
    return replace(actor, context={**actor.context, **added})
