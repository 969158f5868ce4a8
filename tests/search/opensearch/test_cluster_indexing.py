"""The index in the cluster follows the log, and what is gone stays gone, whoever wakes up late."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from guarded_node import serve_node
from parity import BothEngines, open_both
from support.search_archive import SearchStory, ask, ids

from app.changes import log
from app.changes.follower import catch_up
from app.errors import IndexBehind
from app.search.engine import Question
from app.search.opensearch import following, places, reindexing
from app.search.opensearch.cluster import SearchCluster
from app.search.opensearch.cluster_engine import ClusterEngine
from app.search.opensearch.cluster_indexer import ClusterIndexer
from app.search.opensearch.following import LONGEST_WAIT, ClusterFollowerTask, create_indexer
from app.search.opensearch.mapping import build_index
from app.search.opensearch.problems import ClusterProblem, ClusterUnreachable, WrongCluster
from app.search.opensearch.reindexing import rebuild_cluster
from app.settings import Settings

GC_SECONDS = 65
"""OpenSearch forgets a deletion after 60 s (`index.gc_deletes`)."""


@pytest.fixture(name="both")
def open_archive(opensearch_url: str, tmp_path: Path) -> Iterator[BothEngines]:
    both = open_both(tmp_path, opensearch_url)
    both.archive.put(*(SearchStory(i, f"Story {i}", "The council votes on the budget.") for i in range(1, 6)))
    both.follow()
    yield both
    for name in both.indexer.list_indexes():
        both.indexer._cluster.request("DELETE", f"/{name}")
    both.archive.close()


def test_changes_are_found_and_what_is_withdrawn_is_not(both: BothEngines) -> None:
    both.archive.put(SearchStory(2, "Another", "Ferries are late.", version=2), SearchStory(9, "Ninth", "Ferries."))
    both.archive.withdraw(3)
    both.follow()
    assert sorted(ids(ask(both.remote, "ferry"))) == [2, 9]
    assert sorted(ids(ask(both.remote, "budget"))) == [1, 4, 5]
    assert both.remote.count_overview([]).total == 5


def test_taking_rows_in_twice_changes_nothing(both: BothEngines) -> None:
    with both.archive.db.snapshot() as snapshot:
        rows = log.read(snapshot, 0, 100)
        both.indexer.apply(snapshot, rows, log.head(snapshot).position)
    assert ask(both.remote, "budget").total == 5


def _write_late(both: BothEngines, id: int, version: int, title: str) -> int:
    """What a halted indexer would send; the status."""
    action = {"index": {"_id": str(id), "version": version, "version_type": "external_gte"}}
    body = {"id": [id], "flags": [1], "text": [title], "title": [title], "newest": [id]}
    lines = orjson.dumps(action) + b"\n" + orjson.dumps(body) + b"\n"
    response = both.remote.cluster.write(f"/{both.indexer.names.alias}/_bulk", lines)
    both.remote.cluster.request("POST", f"/{both.indexer.names.alias}/_refresh")
    status = response["items"][0]["index"]["status"]
    assert isinstance(status, int)
    return status


def test_write_of_an_indexer_that_was_halted_brings_nothing_back(both: BothEngines) -> None:
    both.archive.withdraw(3)
    both.follow()
    assert _write_late(both, 3, 3, "budget") == 409
    assert sorted(ids(ask(both.remote, "budget"))) == [1, 2, 4, 5]


@pytest.mark.torture
def test_write_of_an_indexer_that_was_halted_for_longer_than_deletions_are_kept(both: BothEngines) -> None:
    both.archive.withdraw(3)
    both.follow()
    time.sleep(GC_SECONDS)
    assert _write_late(both, 3, 3, "budget") == 409
    assert sorted(ids(ask(both.remote, "budget"))) == [1, 2, 4, 5]


def test_place_of_a_late_writer_does_not_go_back(both: BothEngines) -> None:
    before = both.indexer.position()
    with both.archive.db.snapshot() as snapshot:
        first = log.read(snapshot, 0, 1)
    assert before is not None
    both.archive.put(SearchStory(7, "Seventh", "New."))
    both.follow()
    after = both.indexer.position()
    with both.archive.db.snapshot() as snapshot:
        both.indexer.write_rows(snapshot, [], replace(before, seq=first[0].seq))
    assert both.indexer.position() == after != before


def test_index_that_somebody_deletes_is_built_anew(both: BothEngines) -> None:
    for name in both.indexer.list_indexes():
        both.remote.cluster.request("DELETE", f"/{name}")
    with pytest.raises(IndexBehind):
        ask(both.remote, "budget")
    assert both.indexer.position() is None
    both.archive.put(SearchStory(8, "Eighth", "The budget again."))
    both.follow()
    assert ask(both.remote, "budget").total == 6


def test_write_to_an_index_that_is_gone_makes_none_that_is_searched(both: BothEngines) -> None:
    for name in both.indexer.list_indexes():
        both.remote.cluster.request("DELETE", f"/{name}")
    with both.archive.db.snapshot() as snapshot:
        both.indexer.apply(snapshot, log.read(snapshot, 0, 100), log.head(snapshot).position)
    assert both.indexer.position() is None
    both.follow()
    assert list(both.indexer.list_indexes().values()) == [True]
    assert ask(both.remote, "budget").total == 5


def test_indexer_that_was_halted_before_a_rebuild_writes_nothing_to_the_new_index(both: BothEngines) -> None:
    late = ClusterIndexer(both.remote.cluster, both.archive.db, "test", "published", replicas=0)
    with both.archive.db.snapshot() as before:
        assert late.position() is not None
        rows, place = log.read(before, 0, 100), log.head(before).position
        both.archive.withdraw(3)
        with both.archive.db.snapshot() as snapshot:
            both.indexer.rebuild(snapshot, log.head(snapshot).position)
        late.apply(before, rows, place)
    both.remote.cluster.request("POST", f"/{both.indexer.names.alias}/_refresh")
    both.follow()
    assert sorted(ids(ask(both.remote, "budget"))) == [1, 2, 4, 5]


def _build_from_before_a_withdrawal(both: BothEngines) -> str:
    """A new index that knows less than the one that serves, as it does while the log is replayed into it."""
    with both.archive.db.snapshot() as snapshot:
        index = both.indexer.build(snapshot, log.head(snapshot).position)
    both.archive.withdraw(3)
    both.follow()
    return index


def test_reader_asks_the_index_whose_place_it_knows_whatever_takes_its_place(both: BothEngines) -> None:
    index = _build_from_before_a_withdrawal(both)
    view = both.remote.view()
    both.indexer.make_current(index)
    assert view.count(view.filters.match_all()) == 4
    both.remote.look_again()
    assert both.remote.view().place.seq < view.place.seq, "what the log has withdrawn since is left out by readers"


def test_indexer_goes_on_from_the_place_of_an_index_that_took_the_place_of_another(both: BothEngines) -> None:
    index = _build_from_before_a_withdrawal(both)
    both.archive.put(SearchStory(20, "Secret", "A secret budget.", status="draft"))
    catch_up(both.archive.db, both.indexer)  # nothing in it for this index, which it only passes
    both.indexer.make_current(index)
    both.follow()
    assert sorted(ids(ask(both.remote, "budget"))) == [1, 2, 4, 5]


def test_server_ends_though_the_cluster_does_not_respond_to_what_it_is_sent(
    both: BothEngines, opensearch_url: str, tmp_path: Path
) -> None:
    with serve_node(opensearch_url) as node:
        settings = Settings(
            data_dir=tmp_path, search_url=(node.url,), search_prefix="late", search_replicas=0, index_interval=0.01
        )
        task = ClusterFollowerTask(both.archive.db, settings, "published", SearchCluster(settings))
        task.start()
        while not both.remote.cluster.request("GET", "/_cat/indices/late-*", format="json"):
            time.sleep(0.02)
        node.silence.set()
        both.archive.put(SearchStory(8, "Eighth", "The budget again."))
        time.sleep(0.5)
        began = time.monotonic()
        task.stop()
        assert time.monotonic() - began < LONGEST_WAIT + 1
        node.ended.set()
    for name in both.remote.cluster.request("GET", "/late-*/_alias"):
        both.remote.cluster.request("DELETE", f"/{name}")


def test_reader_of_an_index_that_is_gone_asks_the_one_in_its_place(both: BothEngines) -> None:
    index = _build_from_before_a_withdrawal(both)
    before = both.remote.view().index
    both.indexer.make_current(index)
    both.remote.cluster.request("DELETE", f"/{before}")
    with pytest.raises(IndexBehind, match="a moment behind"):  # what is left out is as of the one before
        ask(both.remote, "budget")
    assert ask(both.remote, "budget").total == 5
    assert both.remote.view().index == index
    both.follow()
    assert ask(both.remote, "budget").total == 4


def test_reader_asks_the_index_before_until_the_one_in_its_place_has_come_as_far(both: BothEngines) -> None:
    index = _build_from_before_a_withdrawal(both)
    before = both.remote.view().index
    both.indexer.make_current(index)
    both.remote.places.look(both.indexer.names)
    assert both.remote.view().index == before
    assert ask(both.remote, "budget").total == 4
    both.follow()
    assert both.remote.view().index == index
    assert ask(both.remote, "budget").total == 4


def test_index_that_does_not_come_as_far_is_not_waited_for_without_end(
    both: BothEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = _build_from_before_a_withdrawal(both)
    both.indexer.make_current(index)
    both.remote.places.look(both.indexer.names)
    monkeypatch.setattr(places, "BEHIND_SECONDS", 0.0)
    both.remote.places.look(both.indexer.names)
    assert both.remote.view().index == index


def test_index_that_is_ahead_of_a_snapshot_is_not_built_anew_at_once(both: BothEngines) -> None:
    with both.archive.db.snapshot() as snapshot:
        earlier = replace(log.head(snapshot).position, seq=1)
        before = both.indexer.list_indexes()
        with pytest.raises(ClusterProblem, match="ahead"):
            both.indexer.rebuild(snapshot, earlier)
        assert both.indexer.list_indexes() == before


def test_foreign_index_under_the_name_is_told_and_left_alone(both: BothEngines) -> None:
    alias = both.indexer.names.alias
    for name in both.indexer.list_indexes():
        both.remote.cluster.request("DELETE", f"/{name}")
    both.remote.cluster.request("PUT", f"/{alias}")
    try:
        with pytest.raises(WrongCluster, match="none that Dateline has made"):
            both.indexer.position()
    finally:
        both.remote.cluster.request("DELETE", f"/{alias}")


def test_full_disk_is_a_problem_that_says_so_and_nothing_is_lost(both: BothEngines) -> None:
    alias = both.indexer.names.alias
    block = {"index.blocks.read_only_allow_delete": True}
    both.remote.cluster.request("PUT", f"/{alias}/_settings", block)
    both.archive.put(SearchStory(8, "Eighth", "The budget again."))
    with pytest.raises(ClusterProblem, match="read-only"):
        catch_up(both.archive.db, both.indexer)
    assert ask(both.remote, "budget").total == 5
    both.remote.cluster.request("PUT", f"/{alias}/_settings", {"index.blocks.read_only_allow_delete": None})
    both.follow()
    assert ask(both.remote, "budget").total == 6


def test_index_of_which_a_part_is_missing_is_never_searched_in_part(both: BothEngines) -> None:
    index, request = both.remote.view().index, both.remote.cluster.request
    [node] = request("GET", "/_nodes")["nodes"].values()
    request("PUT", f"/{index}/_settings", {"index.routing.allocation.exclude._name": node["name"]})
    cancel = {"index": index, "shard": 0, "node": node["name"], "allow_primary": True}
    request("POST", "/_cluster/reroute", {"commands": [{"cancel": cancel}]})
    assert request("GET", f"/_cluster/health/{index}")["status"] == "red"
    with pytest.raises(IndexBehind, match="cannot be asked"):
        ask(both.remote, "budget")
    assert "search cluster" in (both.remote.find_problem() or "")
    request("PUT", f"/{index}/_settings", {"index.routing.allocation.exclude._name": None})
    request("GET", f"/_cluster/health/{index}", wait_for_status="green", timeout="20s")
    assert ask(both.remote, "budget").total == 5


def test_index_without_the_copies_that_it_should_have_is_searched(opensearch_url: str, tmp_path: Path) -> None:
    both = open_both(tmp_path, opensearch_url, replicas=1)
    both.archive.put(SearchStory(1, "Story", "The council votes on the budget."))
    both.follow()
    assert both.remote.cluster.request("GET", f"/_cluster/health/{both.remote.view().index}")["status"] == "yellow"
    both.archive.put(SearchStory(2, "Another", "The budget again."))
    both.follow()
    assert sorted(ids(ask(both.remote, "budget"))) == [1, 2]
    for name in both.indexer.list_indexes():
        both.remote.cluster.request("DELETE", f"/{name}")
    both.archive.close()


def test_new_index_has_what_came_while_it_was_built_and_the_old_one_goes(both: BothEngines) -> None:
    before = both.indexer.list_indexes()
    both.archive.withdraw(1)
    rebuild_cluster(both.archive.db, _make_settings(both))
    after = both.indexer.list_indexes()
    assert list(after.values()) == [True]
    assert not before.keys() & after.keys()
    both.follow()
    assert sorted(ids(ask(both.remote, "budget"))) == [2, 3, 4, 5]


def test_changes_that_come_all_the_time_do_not_keep_a_new_index_from_its_place(both: BothEngines) -> None:
    with both.archive.db.snapshot() as snapshot:
        place = log.head(snapshot).position
        index = both.indexer.build(snapshot, place)
    both.archive.withdraw(1)
    assert reindexing._replay(both.archive.db, both.indexer, index, place.seq) is None
    both.indexer.make_current(index)
    both.remote.places.look(both.indexer.names)
    assert sorted(ids(ask(both.remote, "budget"))) == [2, 3, 4, 5]


def _make_settings(both: BothEngines, **own: object) -> Settings:
    urls = both.remote.cluster._settings.search_url
    common = {"data_dir": both.words.parent, "search_url": urls, "search_prefix": "test", "search_replicas": 0}
    return Settings.model_validate({**common, "search_timeout": 1, **own})


def test_nobody_has_to_wait_after_a_new_index_to_build_another(both: BothEngines) -> None:
    settings = _make_settings(both)
    rebuild_cluster(both.archive.db, settings)
    another = create_indexer(both.archive.db, settings, "published", both.remote.cluster)
    assert another.delete_unused()


def test_indexes_that_were_left_behind_are_deleted_while_somebody_follows(
    both: BothEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.0)
    with both.archive.db.snapshot() as snapshot:
        left = both.indexer.build(snapshot, log.head(snapshot).position)
    assert both.indexer.list_indexes()[left] is False
    task = ClusterFollowerTask(
        both.archive.db, _make_settings(both, search_timeout=0.5), "published", both.remote.cluster
    )
    task.start()
    try:
        deadline = time.monotonic() + 20
        while left in both.indexer.list_indexes():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        task.stop()
    assert list(both.indexer.list_indexes().values()) == [True]


def test_indexes_of_other_versions_are_deleted_when_they_are_to_be(both: BothEngines) -> None:
    names, request = both.indexer.names, both.remote.cluster.request
    other, foreign = f"test-{names.epoch:x}-0123abcd-published-1", f"test-{names.epoch + 1:x}-0123abcd-published-1"
    for name in (other, foreign):
        request("PUT", f"/{name}")
    try:
        reindexing.delete_other_forms(both.archive.db, _make_settings(both))
        left = request("GET", "/test-*/_alias")
        assert other not in left
        assert {foreign, both.remote.view().index} <= left.keys()
    finally:
        request("DELETE", f"/{foreign}")


def test_drafts_have_an_index_of_their_own(both: BothEngines) -> None:
    hidden = ClusterIndexer(both.remote.cluster, both.archive.db, "test", "hidden", replicas=0)
    both.archive.put(SearchStory(20, "Secret", "A secret budget.", status="draft"))
    both.follow()
    catch_up(both.archive.db, hidden)
    assert ask(both.remote, "secret").total == 0
    query = {"query": {"term": {"words": "secret"}}, "size": 10, "_source": ["id"]}
    results = both.remote.cluster.request("POST", f"/{hidden.names.alias}/_search", query)
    assert [hit["_id"] for hit in results["hits"]["hits"]] == ["20"]
    both.remote.cluster.request("DELETE", f"/{next(iter(hidden.list_indexes()))}")


def test_index_that_replicates_segments_is_refused(both: BothEngines) -> None:
    names = both.indexer.names
    body = build_index(1, 0, names, both.remote.cluster.check())
    index = body["settings"]
    assert isinstance(index, dict)
    index["index"]["replication.type"] = "SEGMENT"
    name = names.create_name()
    both.remote.cluster.request("PUT", f"/{name}", body)
    with pytest.raises(WrongCluster, match="replicates segments"):
        both.indexer.make_current(name)


def test_nobody_there_is_a_503_that_says_when_to_come_back(both: BothEngines, tmp_path: Path) -> None:
    nobody = SearchCluster(Settings(data_dir=tmp_path, search_url=("http://127.0.0.1:9",), search_timeout=1))
    with pytest.raises(ClusterUnreachable):
        nobody.check()
    engine = ClusterEngine(nobody, both.words, "test")
    assert engine.position() is None
    with pytest.raises(IndexBehind, match="cannot be asked") as raised:
        engine.search(Question())
    assert int(raised.value.headers["Retry-After"]) >= 1
