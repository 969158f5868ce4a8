"""Requests to an OpenSearch cluster. An incomplete response is none: whatever is wrong is a ClusterProblem, which says
so in a sentence for people."""

import logging
import re
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

import orjson
from opensearchpy import OpenSearch
from opensearchpy.exceptions import (
    AuthenticationException,
    AuthorizationException,
    ConnectionError,
    ConnectionTimeout,
    ImproperlyConfigured,
    OpenSearchException,
    SSLError,
    TransportError,
)
from opensearchpy.transport import Transport
from urllib3 import Timeout

from app.search.opensearch.mapping import ClusterVersion
from app.search.opensearch.queries import Clause
from app.search.opensearch.tally import ClusterTally, Result
from app.settings import Settings

log = logging.getLogger(__name__)

Json = dict[str, Any]
"""What the cluster has sent: whoever reads it names the parts that it takes."""

OLDEST: ClusterVersion = (2, 19)
_NUMBER = re.compile(r"[0-9]+\.[0-9]+")
_DOWN_SECONDS = 1.0
"""How long nobody asks again after the cluster could not be reached: requests would only wait for one another."""
_CONNECTIONS = 32
_CONNECT_SECONDS = 2.0
"""Until another node is asked in place of one that has vanished with its machine."""
WRITE_SECONDS = 120.0
"""What writing to an index, refreshing and making one may take."""
_NDJSON = {"content-type": "application/x-ndjson"}
_LOST_INDEX = "index_not_found_exception"


class ClusterProblem(Exception):
    """What the cluster cannot do now; the message is for people. `retry_after` in seconds."""

    retry_after = 1


class ClusterUnreachable(ClusterProblem):
    """No node responds, or not in time."""


class IndexMissing(ClusterProblem):
    """There is no such index or alias."""


class BucketOverflow(ClusterProblem):
    """More counts than the cluster returns at once."""


class WrongCluster(ClusterProblem):
    """One that Dateline's promises do not hold on, or that it may not use: nothing will be right before somebody
    changes it."""

    retry_after = 30


class SearchCluster:
    """Safe for any thread. `tally` counts what is asked of it, and what becomes of it."""

    def __init__(self, settings: Settings) -> None:
        self.tally = ClusterTally()
        self._settings = settings
        self._lock = threading.Lock()
        self._client: OpenSearch | None = None
        self._down_until = 0.0
        self._down = ""
        self._version: ClusterVersion | None = None

    def check(self) -> ClusterVersion:
        """Its version, asked for once. WrongCluster where it is none that Dateline knows."""
        if self._version is None:
            self._version = self._load_version()
        return self._version

    def _load_version(self) -> ClusterVersion:
        about: object = self._send("GET", "/")
        version = about.get("version") if isinstance(about, dict) else None
        if not isinstance(version, dict) or _NUMBER.match(number := str(version.get("number"))) is None:
            raise WrongCluster("What responds at DATELINE_SEARCH_URL is no OpenSearch.")
        distribution = version.get("distribution", "elasticsearch")
        if distribution != "opensearch":
            raise WrongCluster(
                f"The cluster runs Elasticsearch {number}, which is not supported: DATELINE_SEARCH_URL needs "
                f"OpenSearch {_render_version(OLDEST)} or newer."
            )
        major, minor = map(int, number.split(".")[:2])
        if (major, minor) < OLDEST:
            raise WrongCluster(
                f"The cluster runs OpenSearch {number}; {_render_version(OLDEST)} is the oldest version that is "
                "supported."
            )
        return major, minor

    def search(self, index: str, body: Clause, *, preference: str | None = None) -> Json:
        """WrongCluster, ClusterUnreachable, IndexMissing, BucketOverflow, or another ClusterProblem."""
        [response] = self.search_all(index, [body], preference=preference)
        return response

    def search_all(self, index: str, bodies: Sequence[Clause], *, preference: str | None = None) -> list[Json]:
        """Several at once, each with all that matches, or none."""
        self.check()
        header: Json = {
            "index": index, "allow_partial_search_results": False, "search_type": "dfs_query_then_fetch",
        }  # fmt: skip
        if preference is not None:
            header["preference"] = preference
        lines = b"".join(orjson.dumps(part) + b"\n" for body in bodies for part in (header, body))
        with self.tally.count("search", _name_result):
            responses: list[Json] = self._send("POST", "/_msearch", lines, headers=_NDJSON)["responses"]
            for response in responses:
                _check_response(response)
        return responses

    def request(
        self, method: str, path: str, body: object = None, *, seconds: float | None = None, **params: str
    ) -> Json:
        """Of an index or of the cluster; checked by whoever reads the response. `seconds`: what it may take, where that
        is more than a search may."""
        self.check()
        with self.tally.count("manage", _name_result):
            return self._send(method, path, body, params=params, seconds=seconds)

    def write(self, path: str, lines: bytes) -> Json:
        """Of `_bulk`, for which nobody waits at a screen."""
        self.check()
        with self.tally.count("write", _name_result):
            return self._send("POST", path, lines, headers=_NDJSON, seconds=WRITE_SECONDS)

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> Json:
        if time.monotonic() < self._down_until:
            raise ClusterUnreachable(self._down)
        transport = self._open().transport
        try:
            response = transport.perform_request(
                method, path, params=params, body=body, headers=headers, timeout=self._limit(seconds)
            )
        except OpenSearchException as error:
            problem = _translate(error)
            if isinstance(problem, ClusterUnreachable):
                # With the addresses of nodes, which are nothing for clients.
                log.warning("%s %s", problem, str(error)[:500])
                if not _has_other_node(transport, error):
                    self._down, self._down_until = str(problem), time.monotonic() + _DOWN_SECONDS
            raise problem from error
        return cast("Json", response)

    def _limit(self, seconds: float | None) -> float:
        read = seconds or self._settings.search_timeout
        # What the library takes for a number it passes on to urllib3, which takes both.
        return cast("float", Timeout(connect=min(_CONNECT_SECONDS, read), read=read))

    def _open(self) -> OpenSearch:
        with self._lock:
            if self._client is None:
                self._client = create_client(self._settings)
            return self._client


def create_client(settings: Settings) -> OpenSearch:
    """With all that the settings say of the connection."""
    # What fails is told once, by whoever asked; the library would write each request to the log, with its words.
    logging.getLogger("opensearch").setLevel(logging.CRITICAL)
    is_secure = any(address.startswith("https") for address in settings.search_url)
    options: Json = {}
    if settings.search_user:
        options["http_auth"] = (settings.search_user, settings.search_password)
    if settings.search_api_key:
        options["headers"] = {"Authorization": f"ApiKey {settings.search_api_key}"}
    try:
        if is_secure:
            options["ssl_context"] = ssl.create_default_context(cafile=settings.search_ca_file)
        return OpenSearch(
            list(settings.search_url),
            timeout=settings.search_timeout,
            pool_maxsize=_CONNECTIONS,
            max_retries=max(2, len(settings.search_url)),
            retry_on_status=(502, 504),
            http_compress=is_secure,
            dead_timeout=5,
            **options,
        )
    except (ImproperlyConfigured, OSError) as error:
        raise WrongCluster(f"The connection to the cluster cannot be made: {error}.") from error


def _has_other_node(transport: Transport, error: OpenSearchException) -> bool:
    """Whether somebody else can be asked next. A node that has not responded in time is not asked for a while: the
    library leaves out those alone that it could not connect to, after it has tried all others."""
    if not isinstance(error, ConnectionTimeout):
        return False
    pool = transport.connection_pool
    for connection in tuple(pool.connections):
        if connection.pool is getattr(error.info, "pool", None):
            transport.mark_dead(connection)
    return len(transport.hosts) > 1 and bool(pool.connections)


def _name_result(error: Exception) -> Result:
    return "unreachable" if isinstance(error, ClusterUnreachable) else "failed"


def _render_version(version: ClusterVersion) -> str:
    return ".".join(map(str, version))


def _translate(error: OpenSearchException) -> ClusterProblem:
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
        return ClusterProblem(f"The search cluster's response cannot be read: {str(error)[:300]}.")
    info = error.info if isinstance(error.info, dict) else {}
    kind, reason = _read_error(info.get("error"), str(error.error))
    if error.status_code == HTTPStatus.NOT_FOUND:
        return IndexMissing(reason)
    return _name_problem(kind, reason, is_forbidden=isinstance(error, AuthorizationException))


def _name_problem(kind: str, reason: str, *, is_forbidden: bool = False) -> ClusterProblem:
    if kind == _LOST_INDEX or kind == "alias_not_found_exception":
        return IndexMissing(reason)
    if kind == "too_many_buckets_exception" or "too_many_buckets" in reason:
        return BucketOverflow(reason)
    if kind == "cluster_block_exception":
        return ClusterProblem(f"The search cluster accepts no changes now: {reason[:300]}.")
    if is_forbidden:
        return WrongCluster(f"The search cluster does not allow what is needed: {reason[:300]}.")
    return ClusterProblem(f"The search cluster responds with an error: {kind}: {reason[:300]}.")


def _read_error(error: object, kind: str = "") -> tuple[str, str]:
    """The type and reason of the first cause."""
    if not isinstance(error, dict):
        return kind, str(error or kind)
    causes = error.get("root_cause") or [error]
    cause = causes[0] if causes else error
    inner = error.get("caused_by")
    if isinstance(inner, dict) and cause.get("type") in (None, "search_phase_execution_exception"):
        cause = inner
    return str(cause.get("type", kind)), str(cause.get("reason", ""))


def _check_response(response: Json) -> None:
    """Never a part for the whole."""
    if "error" in response:
        raise _name_problem(*_read_error(response["error"]), is_forbidden=response.get("status") == 403)
    check_shards(response)
    if response.get("timed_out"):
        raise ClusterUnreachable("The search cluster does not respond in time.")


def check_shards(response: Json) -> None:
    """ClusterProblem where any part has failed."""
    shards = response["_shards"]
    if shards["failed"]:
        failures = shards.get("failures") or [{}]
        _, reason = _read_error(failures[0].get("reason"))
        raise ClusterProblem(f"Of an index in the search cluster {shards['failed']} parts have failed: {reason[:300]}.")
