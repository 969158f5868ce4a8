"""Who sent a request, and which position in the change log its response reflects."""

from dataclasses import replace
from typing import NamedTuple

from app.db.log_position import LogHead, LogPosition
from app.http import auth
from app.regions.atlas import Atlas


class RequestContext(NamedTuple):
    """One request's idea of the archive. `now` is in epoch seconds, read once; `root_path` begins the paths of the API
    as its client reaches them."""

    caller: auth.Caller
    head: LogHead
    atlas: Atlas
    now: int
    root_path: str = ""
    delayed_seq: int | None = None
    """Of a key with an embargo: the row of the log up to which it is over."""

    @property
    def public(self) -> bool:
        """Whether the response may be shared: the caller has no key."""
        return self.caller.key is None

    @property
    def token(self) -> str:
        """X-Seq: the position in the log that the response reflects at least, as far as the caller may know of it."""
        if self.delayed_seq is not None:
            return replace(self.head.public_position, delayed_seq=self.delayed_seq).token
        return self.head.position.token if self.caller.has_scope("read_drafts") else self.head.public_token

    def make_token_as_of(self, indexed: LogPosition | None) -> str:
        """The same of a response with something of the index, which may be a moment behind; None: there is no index,
        and nothing of it in the response."""
        # Rows about drafts alone do not move the index; it has all that the public sees of them.
        if indexed is None or indexed.seq >= self.head.public_seq:
            return self.token
        return replace(indexed, delayed_seq=self.delayed_seq).token
