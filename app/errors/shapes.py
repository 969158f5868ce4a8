"""What an error is made of: what it says, of which input, and the few ways to say it that several codes share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MEMBERS = ("type", "title", "status", "detail", "instance", "code", "request_id", "errors")
"""What every problem document may have (RFC 9457 and this API's own), so that no error has them for anything else."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one input: a query `parameter` or a JSON `pointer` (RFC 6901) into the body."""

    code: str
    detail: str
    parameter: str | None = None
    pointer: str | None = None
    allowed: tuple[str, ...] | None = None
    did_you_mean: str | None = None

    def to_dict(self) -> dict[str, object]:
        """The JSON shape; what is unknown is left out rather than null."""
        fields = {
            "parameter": self.parameter,
            "pointer": self.pointer,
            "code": self.code,
            "detail": self.detail,
            "allowed": self.allowed,
            "did_you_mean": self.did_you_mean,
        }
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ProblemCode:
    """A row of the table of codes: what the documentation, `/problems/{code}` and OpenAPI are made from."""

    code: str
    status: int
    title: str
    documentation: str


class DatelineError(Exception):
    """The root; never raised itself.

    `detail` is about this occurrence and is shown to the client, as are `members`, the extension members
    of the problem document; `paths` are such members that lead to another path of the API. `headers` go out with the
    response. ValueError for a member that every document has.
    """

    code: str = ""
    status: int = 500
    title: str = ""

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
        paths: Mapping[str, str] | None = None,
    ) -> None:
        if reserved := set(MEMBERS).intersection([*(members or ()), *(paths or ())]):
            raise ValueError(f"{self.code}: {', '.join(sorted(reserved))} cannot be members of its own")
        self.detail = detail or f"{self.title}."
        self.errors = tuple(errors)
        self.headers: Mapping[str, str] = headers or {}
        self.members: Mapping[str, object] = members or {}
        self.paths: Mapping[str, str] = paths or {}
        super().__init__(self.detail)


class TryAgain(DatelineError):
    """Passes by itself; `retry_after` is in seconds."""

    def __init__(self, detail: str = "", retry_after: int = 1, members: Mapping[str, object] | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, members=members)


class Unavailable(TryAgain):
    """The database does nothing of this now, whatever the request is: nobody's fault, and nothing has failed for
    good."""


class WrongCursor(DatelineError):
    """A `cursor` that leads to no place in this list."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, errors=[FieldError(self.code, detail or f"{self.title}.", "cursor")])


class OtherFormat(DatelineError):
    """The format given or wanted is none of those `allowed`. `errors`: the parameter that gave it, if one did."""

    def __init__(self, allowed: Iterable[str], detail: str = "", errors: Iterable[FieldError] = ()) -> None:
        formats = list(allowed)
        message = detail or f"Possible here: {', '.join(formats)}."
        super().__init__(message, errors=errors, members={"allowed": formats})


class ValueTaken(DatelineError):
    """A value that must be unique belongs to another item; `pointer` leads to it in the body."""

    pointer = ""

    def __init__(self, value: str, pointer: str | None = None) -> None:
        detail = f"{value!r} is taken."
        super().__init__(detail, errors=[FieldError(self.code, detail, pointer=pointer or self.pointer)])
