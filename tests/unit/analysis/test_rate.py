"""The rate of an open load that the plan gives as a share."""

import polars as pl
import pytest

from bench.analysis import rate
from bench.analysis.evidence import nothing
from bench.analysis.measurement import Measurement
from bench.plan import matrix, model
from bench.plan.matrix import Cell
from bench.plan.model import Load, Plan
from suite.arrival import Arrival
from suite.errors import LoadError
from tests.unit.evidence_of import evidence

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


def test_a_cell_whose_requests_all_failed_gives_no_rate() -> None:
    """Of others only the successes count."""
    failed = Measurement(pl.DataFrame(), evidence(requests=1000, failures=1000))
    with pytest.raises(LoadError, match=r"\(no request succeeded\), so that no rate can be found"):
        rate.found(OPEN, matrix.cells(OPEN), lambda *_: failed)
    some = Measurement(pl.DataFrame(), evidence(requests=1000, failures=400, length_s=10.0))
    assert rate.found(OPEN, matrix.cells(OPEN), lambda *_: some) == 30


def test_the_closed_load_is_short_and_has_the_plans_processes() -> None:
    """Four seconds after two; whatever else the plan's load asks for is not part of it."""
    load = Load(arrival=Arrival.OPEN, rate_share=0.5, ping=True, warm_up_s=9, measure_s=60, workers=2, expect_workers=1)
    closed = rate.closed(OPEN.model_copy(update={"load": load}))
    assert closed.load == Load(warm_up_s=2, measure_s=4, workers=2, expect_workers=1)
    assert closed.matrix == OPEN.matrix


@pytest.mark.parametrize(
    ("rate_rps", "rounded"),
    [
        (1172.5, 1100),
        (1200.0, 1200),
        (99.9, 99),
        (10.0, 10),
        (2.9, 2.9),
        (1.29, 1.2),
        (0.23, 0.23),
        (1_000_000.0, 1_000_000),
    ],
)
def test_a_rate_is_rounded_down_to_two_digits(rate_rps: float, rounded: float) -> None:
    """One that has no more stays as it is."""
    assert rate.two_digits(rate_rps) == rounded
