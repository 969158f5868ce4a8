"""Clusters as people have them: behind TLS and a user or key, and on several hosts of which some do not respond."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from guarded_node import KEY, PASSWORD, USER, GuardedNode, find_closed_port, make_certificate, serve_node

from app.db.database import DatabaseProblem
from app.search.indexing.archive_indexes import check_engine
from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.problems import ClusterBusy, ClusterUnreachable, WrongCluster
from app.settings import Settings
from app.settings.cluster import MOST_SEARCHES, check_nodes


@pytest.fixture(scope="module", name="certificate")
def make_own_certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here")
    return make_certificate(tmp_path_factory.mktemp("certificate"), openssl)


@pytest.fixture(name="guarded")
def guard_node(opensearch_url: str, certificate: tuple[Path, Path]) -> Iterator[GuardedNode]:
    with serve_node(opensearch_url, *certificate) as node:
        yield node


@pytest.fixture(name="others")
def serve_twice(opensearch_url: str) -> Iterator[tuple[GuardedNode, GuardedNode]]:
    """Two hosts of one cluster."""
    with serve_node(opensearch_url) as first, serve_node(opensearch_url) as second:
        yield first, second


def open_cluster(*urls: str, **settings: object) -> SearchCluster:
    return SearchCluster(Settings.model_validate({"search_url": urls, "search_timeout": 2, **settings}))


@pytest.mark.parametrize(
    "caller", [{"search_user": USER, "search_password": PASSWORD}, {"search_api_key": KEY}], ids=["user", "key"]
)
def test_cluster_behind_tls_is_asked_by_who_it_knows(
    guarded: GuardedNode, certificate: tuple[Path, Path], caller: dict[str, str]
) -> None:
    cluster = open_cluster(guarded.url, search_ca_file=certificate[0], **caller)
    assert cluster.check() >= (2, 19)
    assert cluster.search("*", {"size": 0, "track_total_hits": True})["_shards"]["failed"] == 0


@pytest.mark.parametrize(
    "caller",
    [{"search_user": USER, "search_password": "another"}, {"search_api_key": "YW5vdGhlcg=="}, {}],
    ids=["password", "key", "nobody"],
)
def test_caller_that_the_cluster_does_not_know_is_told_at_the_start(
    guarded: GuardedNode, certificate: tuple[Path, Path], caller: dict[str, str]
) -> None:
    settings = Settings.model_validate({"search_url": (guarded.url,), "search_ca_file": certificate[0], **caller})
    with pytest.raises(DatabaseProblem, match="refuses the user or key"):
        check_engine(settings)


def test_caller_that_may_not_do_what_is_needed_is_told(guarded: GuardedNode, certificate: tuple[Path, Path]) -> None:
    guarded.is_forbidding = True
    cluster = open_cluster(guarded.url, search_ca_file=certificate[0], search_api_key=KEY)
    with pytest.raises(WrongCluster, match="does not allow what is needed: security_exception: no permissions"):
        cluster.check()


def test_certificate_that_nobody_vouches_for_is_not_trusted(guarded: GuardedNode) -> None:
    with pytest.raises(WrongCluster, match="DATELINE_SEARCH_CA_FILE"):
        open_cluster(guarded.url, search_api_key=KEY).check()
    assert guarded.asked == 0, "nobody is told the key"


def test_file_of_certificates_that_is_not_there_is_told(guarded: GuardedNode, tmp_path: Path) -> None:
    with pytest.raises(WrongCluster, match=r"cannot be made: .*No such file"):
        open_cluster(guarded.url, search_ca_file=tmp_path / "nothing.pem").check()


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ({"number": "1.3.20", "distribution": "opensearch"}, r"runs OpenSearch 1\.3\.20; 2\.19 is the oldest"),
        ({"number": "8.19.0"}, r"runs Elasticsearch 8\.19\.0, which is not supported"),
        ({"name": "something else"}, "is no OpenSearch"),
    ],
    ids=["old", "another", "none"],
)
def test_cluster_of_another_version_is_refused_by_name(
    others: tuple[GuardedNode, GuardedNode], version: dict[str, str], told: str
) -> None:
    others[0].version = version
    with pytest.raises(DatabaseProblem, match=told):
        check_engine(Settings(search_url=(others[0].url,)))


def test_host_that_is_not_there_is_passed_over(others: tuple[GuardedNode, GuardedNode]) -> None:
    first, second = others
    cluster = open_cluster(find_closed_port(), first.url, second.url)
    for _ in range(12):
        assert cluster.check() >= (2, 19)
        cluster.request("GET", "/")
    assert first.asked > 0 < second.asked, "the others share the work"


def test_host_that_falls_silent_is_not_asked_again(others: tuple[GuardedNode, GuardedNode]) -> None:
    silent, other = others
    cluster = open_cluster(silent.url, other.url, search_timeout=0.5)
    cluster.check()
    silent.silence.set()
    failures, began = 0, time.monotonic()
    for _ in range(20):
        try:
            cluster.request("GET", "/")
        except ClusterUnreachable:
            failures += 1
    assert failures == 1, "who waited for it, and nobody else"
    assert time.monotonic() - began < 3


def test_all_hosts_away_is_told_and_ends_when_one_is_back(opensearch_url: str) -> None:
    with serve_node(opensearch_url) as only:
        cluster = open_cluster(only.url)
        cluster.check()
        only.node = find_closed_port()
        only.silence.set()
        with pytest.raises(ClusterUnreachable, match="in time"):
            cluster.request("GET", "/")
        began = time.monotonic()
        with pytest.raises(ClusterUnreachable, match="in time"):
            cluster.request("GET", "/")
        assert time.monotonic() - began < 0.5, "requests do not wait for one another"
        only.node = opensearch_url
        only.silence.clear()
        time.sleep(1.1)
        assert cluster.request("GET", "/")["version"]


def _measure_request(cluster: SearchCluster) -> float:
    began = time.monotonic()
    with pytest.raises(ClusterUnreachable):
        cluster.request("GET", "/")
    return time.monotonic() - began


def test_one_request_at_a_time_finds_out_whether_a_silent_cluster_responds_again(opensearch_url: str) -> None:
    with serve_node(opensearch_url) as only, ThreadPoolExecutor(8) as pool:
        cluster = open_cluster(only.url, search_timeout=0.5)
        cluster.check()
        only.silence.set()
        assert _measure_request(cluster) > 0.4
        time.sleep(1.1)
        waited = sorted(pool.map(_measure_request, [cluster] * 8))
        assert waited[-1] > 0.4
        assert waited[-2] < 0.4, "the others do not wait in vain"


def test_search_that_takes_too_long_keeps_nobody_from_a_cluster_that_responds(opensearch_url: str) -> None:
    with serve_node(opensearch_url) as only, ThreadPoolExecutor(1) as pool:
        cluster = open_cluster(only.url, search_timeout=0.5)
        cluster.check()
        only.silent_path = "/_msearch"
        search = pool.submit(cluster.search, "*", {"size": 0})
        time.sleep(0.2)
        assert cluster.request("GET", "/")["version"]
        with pytest.raises(ClusterUnreachable, match="in time"):
            search.result()
        assert cluster.request("GET", "/")["version"]


def test_no_more_searches_wait_for_a_silent_cluster_than_there_are_threads_for(opensearch_url: str) -> None:
    with serve_node(opensearch_url) as only, ThreadPoolExecutor(MOST_SEARCHES) as pool:
        cluster = open_cluster(only.url, search_timeout=1)
        cluster.check()
        only.silent_path = "/_msearch"
        waiting = [pool.submit(cluster.search, "*", {"size": 0}) for _ in range(MOST_SEARCHES)]
        time.sleep(0.5)
        began = time.monotonic()
        with pytest.raises(ClusterBusy):
            cluster.search("*", {"size": 0})
        assert time.monotonic() - began < 0.2
        assert all(isinstance(one.exception(), ClusterUnreachable) for one in waiting)
        only.silent_path = None
        time.sleep(1.1)
        assert cluster.search("*", {"size": 0})["_shards"]["failed"] == 0


def test_some_addresses_with_tls_and_some_without_are_refused() -> None:
    with pytest.raises(ValueError, match="in the clear"):
        open_cluster("https://10.0.0.5:9200", "http://10.0.0.6:9200")


def test_address_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValueError, match="other settings") as raised:
        check_nodes(("https://me:pass-word@10.0.0.5:9200",))
    assert "pass-word" not in str(raised.value)
