"""pgbench's scripts and what is read of its output; the rate of an open load that the plan gives as a share."""

import subprocess
from pathlib import Path

import polars as pl
import pytest

from bench.analysis import ceilings, rate
from bench.analysis.evidence import nothing
from bench.analysis.measurement import Measurement
from bench.analysis.recorded.gauges import Gauge
from bench.measure import pgbench
from bench.measure.watch import probe
from bench.plan import matrix, model
from bench.plan.matrix import Cell
from bench.plan.model import Load, Plan
from db.dsn import Dsn
from suite import catalogue, prometheus
from suite.arrival import Arrival
from suite.errors import LoadError
from tests.unit.evidence_of import evidence

PRINTED = """\
pgbench (18.6)
transaction type: /tmp/point_read-0.sql
number of clients: 10
latency average = 0.412 ms
tps = 24271.113925 (without initial connection time)
"""


def test_throughput_is_that_without_connecting() -> None:
    """And no made-up one where there is none."""
    assert ceilings.transactions_per_s(PRINTED) == 24271.113925
    with pytest.raises(LoadError, match="no throughput: FATAL"):
        ceilings.transactions_per_s("FATAL: out of memory")


def test_every_scenario_has_its_sql() -> None:
    """A scenario without one has no ceiling, which the author of a new one should decide, not forget."""
    without = {name for name in catalogue.scenarios() if not ceilings.scripts(name, {})}
    assert without == ceilings.WITHOUT_CEILING
    assert ceilings.scripts("unknown", {}) == ()


def test_a_transaction_stands_for_its_requests() -> None:
    """crud: 50 reads, 20 pages, and 10 rounds of three writes, as 100 requests in 80 transactions."""
    assert ceilings.requests_per_transaction(ceilings.scripts("crud", {})) == 100 / 80
    assert ceilings.requests_per_transaction(ceilings.scripts("read_many", {"count": 7})) == 1
    assert ceilings.scripts("read_many", {"count": 7})[0].text.count("SELECT") == 7


@pytest.mark.parametrize("scenario", sorted(catalogue.scenarios().keys() - ceilings.WITHOUT_CEILING))
def test_pgbench_runs_the_scripts(
    scenario: str, restored: Dsn, users: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the real database, for a second, without an error; its password is not in the process list."""
    monkeypatch.setattr(pgbench, "SECONDS", 1)
    seen: list[str] = []
    really = subprocess.run

    def spy(command: list[str], **how: object) -> object:
        seen.extend(command)
        return really(command, **how)  # type: ignore[call-overload]  # passed on as it came

    monkeypatch.setattr(subprocess, "run", spy)
    rps = pgbench.measure(ceilings.Alone(scenario, (), 4), restored, users, (), tmp_path / "pgbench")
    assert rps is not None
    assert rps > 50
    assert "number of failed transactions: 0" in (tmp_path / "pgbench/pgbench.txt").read_text()
    assert restored.password not in " ".join(seen)


def test_pgbench_that_cannot_connect_says_where(users: int, tmp_path: Path) -> None:
    """The server, not the password."""
    nowhere = Dsn("127.0.0.1", 1, "bench", dbname="bench", password="secret-password")
    with pytest.raises(LoadError, match=r"pgbench failed on postgresql://bench:\*\*\*@127\.0\.0\.1:1/bench"):
        pgbench.measure(ceilings.Alone("point_read", (), 1), nowhere, users, (), tmp_path / "pgbench")


OPEN = Plan(
    matrix=model.Matrix(scenarios=["point_read"], services=["psycopg2_sync", "asyncpg_async"]),
    load=Load(arrival=Arrival.OPEN, rate_share=0.5),
)


def test_the_rate_is_a_share_of_the_slowest_cells() -> None:
    """Half of 2,345 requests/s, to two digits, rounded down; measured with a closed load."""
    asked: list[Plan] = []

    def measure(how: Plan, cell: Cell) -> Measurement:
        asked.append(how)
        requests = {"psycopg2_sync": 23_450, "asyncpg_async": 41_000}[cell.service]
        return Measurement(pl.DataFrame(), evidence(requests=requests, length_s=10.0))

    assert rate.found(OPEN, matrix.cells(OPEN), measure) == 1100
    assert [how.load.arrival for how in asked] == ["closed", "closed"]
    assert rate.opened(OPEN, 1100).load.rate == 1100


def test_a_cell_that_answers_nothing_gives_no_rate() -> None:
    """It is named, with the reason."""
    crashed = Measurement(pl.DataFrame(), nothing("Locust crashed", 1, Arrival.CLOSED))
    with pytest.raises(LoadError, match="psycopg2_sync answers nothing under a closed load \\(Locust crashed\\)"):
        rate.found(OPEN, matrix.cells(OPEN), lambda *_: crashed)


def test_gauges_are_shares_of_what_the_service_may_have() -> None:
    """Of an answer of /metrics; what is not there is not known."""
    text = (
        "# HELP threads x\nthreads 40.0\nthreads_busy 10.0\n"
        'pool_connections 4.0\npool_connections_idle 1.0\na{b="c"} 1\n'
    )
    assert probe.gauge(prometheus.totals(text), 12, 5) == Gauge(5, 0.25, 0.25)
    assert probe.gauge(prometheus.totals("threads 40.0\nthreads_busy 0.0\n"), 10, 5) == Gauge(5, None, 0.0)
    assert probe.gauge({}, 10, 5) == Gauge(5, None, None)
