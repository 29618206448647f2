"""A recording of a closed load of three users, with its samples, as a cell leaves them in its folder."""

from pathlib import Path

import polars as pl

from bench.analysis.measurement import Measurement
from bench.analysis.recorded.gauges import Gauge
from bench.analysis.recorded.pings import Ping
from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.windows import Mark
from bench.plan import matrix
from bench.plan.model import Load, Matrix, Plan, Rounds
from bench.plan.placement import Placement
from bench.store import measurements, recordings
from suite.activity import Activity
from tests.unit.readings_of import READINGS, SECOND_NS, WINDOW

PLAN = Plan(
    matrix=Matrix(scenarios=["point_read"], services=["asyncpg_async"], users=[3]),
    load=Load(warm_up_s=1.0, measure_s=10.0),
    rounds=Rounds(count=1, ceilings=False),
)
[CELL] = matrix.cells(PLAN)
EACH_S = 0.01


def at_ns(at_s: float) -> int:
    """So many seconds after the window's start."""
    return WINDOW.start_ns + round(at_s * SECOND_NS)


def activity(at_s: float) -> Activity:
    """Ten connections of the service and one of another's; three transactions a request."""
    states = {"active": 3, "idle": 7, "idle in transaction": 1}
    done = 0 if at_s < 0 else round(900 * at_s) + round(4 * at_s)
    return Activity(at_ns(at_s), states, {"LWLock:WALWrite": 1}, 0.25, 11, done, 0)


SAMPLES = pl.DataFrame(
    {
        "intended_ns": [at_ns(number * EACH_S - 1) for _ in range(3) for number in range(1200)],
        "start_ns": [at_ns(number * EACH_S - 1) for _ in range(3) for number in range(1200)],
        "service_time_ns": round(EACH_S * SECOND_NS),
        "body_bytes": 110,
        "operation": "read_user",
        "error": "",
    },
    schema_overrides={"service_time_ns": pl.Int64, "body_bytes": pl.UInt32},
)
RECORDING = Recording(
    marks=(
        Mark("joined", at_ns(-3), 0, worker="a-0"),
        Mark("used", at_ns(-2), 0, worker="a-0", cpu_s=0.5),
        Mark("spawned", at_ns(-1), 3, workers={"a-0": {"users": 3, "clock_lag_ns": 0}}),
        Mark("used", at_ns(10.2), 3, worker="a-0", cpu_s=2.0),
        Mark("stopping", at_ns(10.25), 3, reconnects=2),
    ),
    readings=tuple(READINGS),
    gauges=(Gauge(at_ns(2), 0.75, None, 40, 3.0, 0.05), Gauge(at_ns(7), 0.25, None, 50, 3.5, 0.04)),
    activity=tuple(activity(number / 4) for number in range(-4, 44)),
    pings=(Ping(at_ns(1), at_ns(1.01), 200), Ping(at_ns(2), at_ns(2.03), 200)),
    placement=Placement(service=(1,), load=(0,), database=(0,)),
    pooled=10,
    locust_requests=3600,
)


def write_cell(place: Path) -> Measurement:
    """What a measured cell leaves; returns what was made of it while measuring."""
    place.mkdir(parents=True)
    SAMPLES.write_parquet(place / "samples.parquet")
    recordings.keep(RECORDING, place)
    made = Measurement.of(RECORDING, SAMPLES, CELL, PLAN)
    measurements.keep(WINDOW, made.evidence, place)
    return made
