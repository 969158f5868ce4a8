"""What can be wrong with an OpenSearch cluster, and how that is told from what it responds.

    ClusterProblem
    ├── ClusterUnreachable
    ├── ClusterBusy
    ├── IndexMissing
    ├── BucketOverflow
    ├── RequestRefused
    └── WrongCluster

Messages are for people, and `/health/ready` shows them to everybody. Of the cluster's own reasons they have only those
in which it never quotes what it was sent: others hold words of a query, or those of a draft.
"""

import re
from http import HTTPStatus
from typing import Any

from opensearchpy.exceptions import (
    AuthenticationException,
    AuthorizationException,
    ConnectionError,
    ConnectionTimeout,
    OpenSearchException,
    SSLError,
    TransportError,
)

Json = dict[str, Any]
"""What the cluster has sent: whoever reads it names the parts that it takes."""

_LOST = frozenset({"index_not_found_exception", "alias_not_found_exception", "aliases_not_found_exception"})
_BLOCKED, _FORBIDDEN, _OVERFLOW = "cluster_block_exception", "security_exception", "too_many_buckets"
_TELLING = frozenset({_BLOCKED, "circuit_breaking_exception", "validation_exception"})
_KIND = re.compile(r"[a-z_]{1,100}")
_LONGEST_REASON = 300


class ClusterProblem(Exception):
    """What the cluster cannot do now. `retry_after` in seconds."""

    retry_after = 1


class ClusterUnreachable(ClusterProblem):
    """No node responds, or not in time."""


class ClusterBusy(ClusterProblem):
    """As many requests wait for the cluster as may do so."""


class IndexMissing(ClusterProblem):
    """There is no such index or alias."""


class BucketOverflow(ClusterProblem):
    """More counts than the cluster returns at once."""


class RequestRefused(ClusterProblem):
    """The cluster does not take what it was asked, and would not a moment later: nothing is wrong with the cluster."""


class WrongCluster(ClusterProblem):
    """One that Dateline's promises do not hold on, or that it may not use: nothing will be right before somebody
    changes it."""

    retry_after = 30


def translate_error(error: OpenSearchException) -> ClusterProblem:
    """What an error of the library means."""
    if isinstance(error, SSLError):
        return WrongCluster(
            "The search cluster's certificate is not trusted: DATELINE_SEARCH_CA_FILE names the file with those that "
            "have signed it."
        )
    if isinstance(error, ConnectionTimeout):
        return ClusterUnreachable("The search cluster does not respond in time.")
    if isinstance(error, ConnectionError):
        return ClusterUnreachable("The search cluster cannot be reached.")
    if isinstance(error, AuthenticationException):
        return WrongCluster("The search cluster refuses the user or key that it was given.")
    if not isinstance(error, TransportError):
        return make_unreadable()
    if not isinstance(error.info, dict):
        # Of whatever stands before the cluster, which says 404 of an index that may well be there.
        return ClusterProblem(f"The search cluster responds with the status {error.status_code}.")
    if error.status_code == HTTPStatus.NOT_FOUND:
        return IndexMissing("There is no such index in the search cluster.")
    is_forbidden = isinstance(error, AuthorizationException)
    return _name_problem(
        *_read_cause(error.info.get("error")),
        status=HTTPStatus.FORBIDDEN if is_forbidden else error.status_code,
    )


def make_unreadable() -> ClusterProblem:
    """Of a response that is none of OpenSearch's."""
    return ClusterProblem("The search cluster's response cannot be read.")


def check_response(response: Json) -> None:
    """Of one search: never a part for the whole."""
    if "error" in response:
        raise _name_problem(*_read_cause(response["error"]), status=response.get("status"))
    check_shards(response)
    if response.get("timed_out"):
        raise ClusterUnreachable("The search cluster does not respond in time.")


def check_shards(response: Json) -> None:
    """ClusterProblem where any part has failed."""
    shards = response["_shards"]
    if shards["failed"]:
        failures = shards.get("failures") or [{}]
        cause = _describe_cause(*_read_cause(failures[0].get("reason")))
        raise ClusterProblem(f"Of an index in the search cluster {shards['failed']} parts have failed: {cause}.")


def make_refusal(id: str, error: object) -> ClusterProblem:
    """Of one document that the cluster has not taken."""
    kind, reason = _read_cause(error)
    if kind == _BLOCKED:
        return _name_problem(kind, reason)
    return ClusterProblem(f"The search cluster refused the document {id}: {_describe_cause(kind, reason)}.")


def _name_problem(kind: str, reason: str, *, status: object = None) -> ClusterProblem:
    if kind in _LOST:
        return IndexMissing("There is no such index in the search cluster.")
    if _OVERFLOW in kind or _OVERFLOW in reason:
        return BucketOverflow("The search cluster has more counts than it returns at once.")
    if kind == _BLOCKED:
        return ClusterProblem(f"The search cluster accepts no changes now: {reason[:_LONGEST_REASON]}.")
    if status == HTTPStatus.FORBIDDEN:
        return WrongCluster(f"The search cluster does not allow what is needed: {_describe_cause(kind, reason)}.")
    if status == HTTPStatus.BAD_REQUEST:
        return RequestRefused(f"The search cluster does not take what it was asked: {_describe_cause(kind, reason)}.")
    return ClusterProblem(f"The search cluster responds with an error: {_describe_cause(kind, reason)}.")


def _describe_cause(kind: str, reason: str) -> str:
    """What may be told of it. The cluster's own log says more."""
    if kind in _TELLING:
        return f"{kind}: {reason[:_LONGEST_REASON]}"
    if kind == _FORBIDDEN:
        # `no permissions for [indices:data/read/search] and User [name=…`
        return f"{kind}: {reason.partition(' and User')[0][:_LONGEST_REASON]}"
    return kind


def _read_cause(error: object) -> tuple[str, str]:
    """The type and reason of the first cause."""
    if not isinstance(error, dict):
        return "unknown", ""
    causes = error.get("root_cause") or [error]
    cause = causes[0]
    inner = error.get("caused_by")
    if isinstance(inner, dict) and cause.get("type") in (None, "search_phase_execution_exception"):
        cause = inner
    kind = str(cause.get("type"))
    return kind if _KIND.fullmatch(kind) else "unknown", str(cause.get("reason", ""))
