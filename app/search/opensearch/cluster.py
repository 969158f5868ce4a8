"""Requests to an OpenSearch cluster. An incomplete response is none: whatever is wrong is a ClusterProblem, which says
so in a sentence for people."""

import logging
import re
import ssl
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

import orjson
from opensearchpy import OpenSearch
from opensearchpy.exceptions import ConnectionTimeout, ImproperlyConfigured, OpenSearchException
from opensearchpy.transport import Transport
from urllib3 import Timeout

from app.search.opensearch.mapping import ClusterVersion
from app.search.opensearch.problems import (
    ClusterBusy,
    ClusterProblem,
    ClusterUnreachable,
    Json,
    WrongCluster,
    check_response,
    make_unreadable,
    translate_error,
)
from app.search.opensearch.queries import Clause
from app.search.opensearch.tally import ClusterTally, Result
from app.settings import Settings
from app.settings.cluster import MOST_SEARCHES

log = logging.getLogger(__name__)

OLDEST: ClusterVersion = (2, 19)
_NUMBER = re.compile(r"[0-9]+\.[0-9]+")
_DOWN_SECONDS = 1.0
"""How long nobody asks again after the cluster could not be reached."""
_CONNECT_SECONDS = 2.0
"""Until another node is asked in place of one that has vanished with its machine."""
WRITE_SECONDS = 120.0
"""What writing to an index, refreshing and making one may take."""
_NDJSON = {"content-type": "application/x-ndjson"}


class SearchCluster:
    """Safe for any thread. `tally` counts what is asked of it, and what becomes of it."""

    def __init__(self, settings: Settings) -> None:
        self.tally = ClusterTally()
        self._settings = settings
        self._lock = threading.Lock()
        self._client: OpenSearch | None = None
        self._searches = threading.BoundedSemaphore(MOST_SEARCHES)
        self._reach = _Reach()
        self._version: ClusterVersion | None = None

    def check(self, *, is_cached: bool = True) -> ClusterVersion:
        """Its version, as it was when it was asked for first, or is now. WrongCluster where it is none that Dateline
        knows."""
        if self._version is None or not is_cached:
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
        """ClusterProblem of any kind; ClusterBusy where MOST_SEARCHES are under way."""
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
        with self._take_place(), self.tally.count("search", _name_result):
            responses: list[Json] = self._send("POST", "/_msearch", lines, headers=_NDJSON)["responses"]
            for response in responses:
                check_response(response)
        return responses

    @contextmanager
    def _take_place(self) -> Iterator[None]:
        """Of the searches that may wait at once: where the cluster is slow, threads would be missing elsewhere."""
        if not self._searches.acquire(blocking=False):
            raise ClusterBusy("Too many searches wait for the search cluster.")
        try:
            yield
        finally:
            self._searches.release()

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
        transport = self._open().transport
        with self._reach.try_once(is_short=seconds is None) as began:
            try:
                response = transport.perform_request(
                    method, path, params=params, body=body, headers=headers, timeout=self._limit(seconds)
                )
            except OpenSearchException as error:
                problem = translate_error(error)
                if isinstance(problem, ClusterUnreachable):
                    # With the addresses of nodes, which are nothing for clients.
                    log.warning("%s %s", problem, str(error)[:500])
                    if not _has_other_node(transport, error):
                        self._reach.note_failure(problem, began)
                raise problem from error
        if isinstance(response, str):
            raise make_unreadable()
        return cast("Json", response)

    def _limit(self, seconds: float | None) -> float:
        read = seconds or self._settings.search_timeout
        # What the library takes for a number it passes on to urllib3, which takes both.
        return cast("float", Timeout(connect=min(_CONNECT_SECONDS, read), read=read))

    def _open(self) -> OpenSearch:
        with self._lock:
            if self._client is None:
                self._client = create_client(self._settings)
                # Connections are closed when nobody has the cluster any more, not when they are collected as garbage.
                weakref.finalize(self, self._client.close)
            return self._client


class _Reach:
    """Whether the cluster responds. While it does not, one request at a time finds out whether it does again, and the
    others are told at once: they would wait for it in vain, each as long as a search may take."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._problem = ""
        self._again_at = self._responded_at = 0.0
        self._is_tried = False

    @contextmanager
    def try_once(self, *, is_short: bool) -> Iterator[float]:
        """Around one request, with the time at which it began. ClusterUnreachable where it has to wait for another one,
        or for a second to pass; never for one that may take minutes (not `is_short`): nobody waits for whoever writes,
        and to give up in the middle of a new index costs all of it."""
        is_trial = self._begin(is_short=is_short)
        try:
            yield time.monotonic()
        except ClusterUnreachable:
            raise
        except ClusterProblem:
            self._note_response()  # one that says what is wrong
            raise
        else:
            self._note_response()
        finally:
            if is_trial:
                self._is_tried = False

    def _begin(self, *, is_short: bool) -> bool:
        with self._lock:
            if not self._problem or not is_short:
                return False
            if self._is_tried or time.monotonic() < self._again_at:
                raise ClusterUnreachable(self._problem)
            self._is_tried = True
            return True

    def _note_response(self) -> None:
        with self._lock:
            self._problem, self._responded_at = "", time.monotonic()

    def note_failure(self, problem: ClusterUnreachable, began: float) -> None:
        """Of a request that began then. Where another one has had a response since, this one asked for too much."""
        with self._lock:
            if self._responded_at < began:
                self._problem, self._again_at = str(problem), time.monotonic() + _DOWN_SECONDS


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
            pool_maxsize=MOST_SEARCHES,
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
