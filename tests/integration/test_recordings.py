"""A measured cell read back: its evidence follows from what it left on the disk."""

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from bench.analysis.evidence import Evidence
from bench.measure import cell, load
from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.plan import matrix, model
from bench.plan.model import Load
from bench.plan.placement import Placement
from bench.store import measurements, recordings
from db.address.dsn import Dsn
from suite.arrival import Arrival
from suite.catalogue import service

LOADS = {
    "closed": Load(warm_up_s=0.5, measure_s=4.0, ping=True, loop_lag=True),
    "open": Load(arrival=Arrival.OPEN, rate=100.0, spacing="poisson", warm_up_s=0.5, measure_s=1.0),
    "batch": Load(arrival=Arrival.BATCH, arrivals=250, rate=100.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("arrival", LOADS)
def test_evidence_read_back_is_that_of_the_measurement(
    arrival: str, restored: Dsn, users: int, stage: Callable[..., None], tmp_path: Path
) -> None:
    """Field by field, and so are the samples that count; window.json agrees with what was recorded."""
    stage()
    settings = model.Plan(
        matrix=model.Matrix(scenarios=["point_read"], services=["asyncpg_async"], users=[20]), load=LOADS[arrival]
    )
    [one] = matrix.cells(settings)
    with Fleet(FleetSettings(restored.url, users, (), loop_lag=LOADS[arrival].loop_lag)) as fleet:
        target = load.LoadTarget(service("asyncpg_async").url, users, 1, ())
        server = Database(restored, private=True)
        made = cell.measure(cell.Attempt(settings, one, target, Placement(), tmp_path), fleet, server)
    assert made.evidence.problem == ""
    (tmp_path / "locust.json").unlink()  # Locust's own count is in the recording, too
    found, said = measurements.read(tmp_path, model.Plan.model_validate(settings.model_dump()), one)
    assert said == ""
    assert found is not None
    for field in fields(Evidence):
        assert getattr(found.evidence, field.name) == getattr(made.evidence, field.name), field.name
    assert found.samples.equals(made.samples.select(found.samples.columns))
    known = {field.name for field in fields(Evidence) if getattr(made.evidence, field.name) is not None}
    assert {"machine", "connections_peak"} <= known
    if arrival == "closed":
        assert {"accounted", "drift", "transactions", "ping_p50_ms", "lag"} <= known
    else:
        assert "lag" not in known
        assert not (tmp_path / "service.loop_lag.txt").exists()
    assert (tmp_path / recordings.NAME).stat().st_size < 20_000
