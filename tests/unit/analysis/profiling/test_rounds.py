"""What each layer costs a request in one round."""

import polars as pl
import pytest

from bench.analysis.profiling import rounds, stacks
from bench.analysis.profiling.layers import Layer
from bench.analysis.recorded.profiled import Profiled
from bench.analysis.slices.figures import Slice
from tests.unit.analysis.profiling.stacks_of import APP, ENDPOINT

SLICES = [Slice(1, 0, 1.0, 100, 100, 0.5, 0.1), Slice(2, 2, 1.0, 300, 300, 1.1, 0.3), Slice(3, 4, 1.0, 90, 90, None)]
SAMPLES = pl.DataFrame({"start_ns": [0, 5, 20], "service_time_ns": [5, 5, 5]})
SEEN = Profiled(4, 12, stacks.read(f"{ENDPOINT} 3\n{APP} 1\n"), cpu_s=0.01)


def test_layers_add_up_to_the_time_without_the_profiler() -> None:
    """1.6 s for 400 requests, of which 0.4 s in the kernel. A slice of unknown CPU time is left out."""
    found = rounds.of(SEEN, SAMPLES, SLICES)
    assert found is not None
    own, server, kernel = Layer("service's own code", "endpoint"), Layer("HTTP server", "uvicorn"), Layer("kernel")
    assert found.layers_ms == pytest.approx({own: 2.25, server: 0.75, kernel: 1.0})
    assert found.cpu_ms == pytest.approx(4.0)
    assert found.profiled_cpu_ms == pytest.approx(5.0)  # two requests ended beside the profiler
    assert sum(found.stacks_ms.values()) == pytest.approx(3.0)
    assert found.samples == 4


def test_what_is_not_known_is_said() -> None:
    """Nothing without a profiler; its own reason where it failed; without the kernel's time, or samples."""
    assert rounds.of(None, SAMPLES, SLICES) is None
    for seen, slices, problem in (
        (Profiled(4, 12, problem="not allowed"), SLICES, "not allowed"),
        (SEEN, SLICES[2:], rounds.NO_SYSTEM_TIME),
        (Profiled(4, 12), SLICES, rounds.NO_SAMPLES),
    ):
        found = rounds.of(seen, SAMPLES, slices)
        assert found is not None
        assert found.problem == problem
        assert not found.layers_ms
