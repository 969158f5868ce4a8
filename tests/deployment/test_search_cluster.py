"""Three nodes on one PostgreSQL whose searches run on three of OpenSearch, to which something is done, under writes and
reads."""

import pytest

from bench.cluster.search import FaultPlan, FaultReport, run
from bench.opensearch_nodes import NotAvailable
from deploy.local.programs import ProgramMissing, find_programs

pytestmark = [pytest.mark.torture, pytest.mark.timeout(1_800)]


@pytest.fixture(scope="module")
def report() -> FaultReport:
    try:
        find_programs(("haproxy", "nginx", "openssl"))
        return run(FaultPlan())
    except (ProgramMissing, NotAvailable) as error:
        pytest.skip(str(error))


def test_no_total_is_wrong_and_nothing_withdrawn_comes_back(report: FaultReport) -> None:
    assert report.list_wrong() == []


def test_all_indexes_are_what_the_database_says_in_the_end(report: FaultReport) -> None:
    assert report.disagreements == []


@pytest.mark.parametrize("fault", ["calm", "data node killed", "indexer halted", "index replaced", "disk full"])
def test_searches_go_on_where_the_cluster_has_all_of_the_index(report: FaultReport, fault: str) -> None:
    outcome = report.faults[fault]
    assert outcome.counts["searches"] > 50
    assert all(seconds < 5 for outages in outcome.outages.values() for seconds in outages), outcome.outages
