"""Three nodes on one PostgreSQL, one of which is killed or stopped every few seconds, under writes and reads."""

import os

import pytest

from bench.cluster.nodes import Report, RunPlan, run
from deploy.local.cluster import ClusterPlan
from deploy.local.programs import ProgramMissing, find_programs

pytestmark = pytest.mark.torture
SECONDS = float(os.environ.get("TORTURE_SECONDS", "120"))


@pytest.fixture(scope="module")
def report() -> Report:
    try:
        find_programs(("haproxy", "nginx", "openssl"))
    except ProgramMissing as error:
        pytest.skip(str(error))
    plan = RunPlan(seconds=SECONDS, every=min(20.0, SECONDS / 6))
    return run(plan, ClusterPlan(nodes=3, requests_per_minute=1_000_000))


def test_all_indexes_are_what_the_database_says(report: Report) -> None:
    assert report.disagreements == []
    assert sum(report.disturbances.values()) >= 4, report.disturbances
    assert report.counts["published created"] > SECONDS


def test_no_response_contradicts_what_was_acknowledged(report: Report) -> None:
    assert report.wrong == []


def test_every_node_that_runs_finds_what_was_published(report: Report) -> None:
    assert report.never_found == []
    times, *_ = report.staleness["all"]
    assert times > SECONDS
