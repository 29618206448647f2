"""A measurement: of all samples those that count, beside the evidence."""

from dataclasses import replace

import polars as pl
import pytest

from bench.analysis import evidence
from bench.analysis.measurement import COLUMNS, Measurement
from bench.plan.model import Load
from suite.arrival import Arrival
from suite.errors import ResultsError
from suite.records import MISSED
from tests.unit.recording_of import CELL, PLAN, RECORDING, SAMPLES

OPEN = PLAN.model_copy(update={"load": Load(arrival=Arrival.OPEN, rate=300.0, warm_up_s=1.0, measure_s=10.0)})


def test_the_requests_of_the_window_count() -> None:
    """Three users a hundred times a second, for ten of the twelve seconds; each took ten milliseconds."""
    made = Measurement.of(RECORDING, SAMPLES, CELL, PLAN)
    assert tuple(made.samples.columns) == COLUMNS
    assert made.samples.drop("begun", "completed").unique().rows() == [
        ("read_user", "", 110, 10_000_000, 10_000_000, True, False, True)
    ]
    assert (made.samples["begun"].sum(), made.samples["completed"].sum(), made.length_s) == (3000, 3000, 10.0)
    assert made.evidence == evidence.of(RECORDING, SAMPLES, CELL, PLAN)


def test_an_arrival_that_was_never_sent_is_no_request() -> None:
    """It counts apart, and with its age among the latencies."""
    missed = SAMPLES.with_columns(
        error=pl.when(pl.int_range(pl.len()) % 1200 == 600).then(pl.lit(MISSED)).otherwise(pl.lit(""))
    )
    made = Measurement.of(RECORDING, missed, CELL, OPEN)
    begun = made.samples.filter("begun")
    assert (len(begun), begun["missed"].sum(), begun.filter("missed")["timed"].all()) == (3000, 3, True)
    assert (made.evidence.requests, made.evidence.missed) == (2997, 3)


def test_a_load_that_ended_early_is_no_measurement() -> None:
    """It has no window."""
    with pytest.raises(ResultsError, match="the load ended before its window did"):
        Measurement.of(replace(RECORDING, marks=RECORDING.marks[:-1]), SAMPLES, CELL, PLAN)
