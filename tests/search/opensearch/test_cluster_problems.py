"""What is told of a cluster's errors: which kind, and never what it was sent, which may be words of a draft."""

import pytest
from opensearchpy.exceptions import (
    AuthorizationException,
    ConnectionTimeout,
    NotFoundError,
    RequestError,
    TransportError,
)

from app.search.opensearch.problems import (
    BucketOverflow,
    ClusterProblem,
    ClusterUnreachable,
    IndexMissing,
    RequestRefused,
    WrongCluster,
    check_response,
    check_shards,
    make_refusal,
    translate_error,
)

SECRET = "merger"
DOCUMENT = f'index {{[dateline-1-drafts][7], source[{{"title":["{SECRET}"]}}]}}'
QUOTING = {
    "mapper_parsing_exception": f"failed to parse field [title] of type [text]. Preview of field's value: '{SECRET}'",
    "unavailable_shards_exception": f"primary shard is not active, request: [BulkShardRequest containing [{DOCUMENT}]]",
    "rejected_execution_exception": f"rejected execution of processing of [1]: request: [{DOCUMENT}]",
    "query_shard_exception": f"failed to create query: {SECRET}",
    "a type that nobody knows": SECRET,
}


def _make_error(kind: str, reason: str) -> dict[str, object]:
    cause = {"type": kind, "reason": reason}
    return {**cause, "root_cause": [cause]}


@pytest.mark.parametrize(("kind", "reason"), QUOTING.items(), ids=list(QUOTING))
def test_what_the_cluster_quotes_is_not_told(kind: str, reason: str) -> None:
    error = _make_error(kind, reason)
    problems = [make_refusal("7", error), translate_error(TransportError(500, kind, {"error": error}))]
    for broken in (
        {"error": error, "status": 400},
        {"_shards": {"failed": 1, "failures": [{"reason": error}]}},
    ):
        with pytest.raises(ClusterProblem) as raised:
            check_response(broken)
        problems.append(raised.value)
    for problem in problems:
        assert SECRET not in str(problem)
        assert kind in str(problem) or "unknown" in str(problem)


def test_full_disk_and_missing_rights_are_told_with_their_reason() -> None:
    blocked = (
        "index [a] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only]"
    )
    assert "read-only" in str(make_refusal("7", _make_error("cluster_block_exception", blocked)))
    denied = _make_error("security_exception", "no permissions for [indices:admin/create] and User [name=desk]")
    problem = translate_error(AuthorizationException(403, "security_exception", {"error": denied, "status": 403}))
    assert isinstance(problem, WrongCluster)
    assert str(problem).endswith("no permissions for [indices:admin/create].")


def test_page_of_a_proxy_is_neither_repeated_nor_taken_for_a_missing_index() -> None:
    page = f"<html>{SECRET}</html>"
    problem = translate_error(NotFoundError(404, page, None))
    assert not isinstance(problem, IndexMissing)
    assert str(problem) == "The search cluster responds with the status 404."
    assert SECRET not in str(translate_error(TransportError(502, page, page)))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionTimeout("TIMEOUT", "", None), ClusterUnreachable),
        (NotFoundError(404, "", {"error": _make_error("index_not_found_exception", "")}), IndexMissing),
        (RequestError(400, "", {"error": _make_error("illegal_argument_exception", "")}), RequestRefused),
        (
            TransportError(
                503,
                "",
                {
                    "error": {
                        "root_cause": [],
                        "type": "search_phase_execution_exception",
                        "caused_by": _make_error("too_many_buckets_exception", ""),
                    }
                },
            ),
            BucketOverflow,
        ),
    ],
)
def test_kinds_of_problems(error: TransportError, expected: type[ClusterProblem]) -> None:
    assert type(translate_error(error)) is expected


def test_whole_response_is_none() -> None:
    check_shards({"_shards": {"failed": 0}})
    with pytest.raises(ClusterUnreachable):
        check_response({"_shards": {"failed": 0}, "timed_out": True})
