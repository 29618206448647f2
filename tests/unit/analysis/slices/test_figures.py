"""The figures of single slices."""

import polars as pl

from bench.analysis.recorded import machine
from bench.analysis.slices import figures
from bench.analysis.slices.figures import Slice
from tests.unit.readings_of import READINGS, WINDOW


def test_requests_belong_to_the_slice_in_which_they_ended() -> None:
    """Its beginning is in it, and its end is in the next one; only successes succeeded."""
    ends = [99, 100, 150, 199, 200, 350, 399, 400]
    requests = pl.DataFrame({"start_ns": 0, "service_time_ns": ends, "ok": [True] * 6 + [False, True]})
    active, raw = ((100, 200), (200, 250), (300, 400)), ((1_100, 1_200), (5_200, 5_250), (9_300, 9_400))
    found = figures.of(requests, active, raw, (1, 2, 4), (None, None, None))
    assert [(one.block, one.start_ns, one.completed, one.succeeded) for one in found] == [
        (1, 1_100, 3, 3), (2, 5_200, 1, 1), (4, 9_300, 2, 1),
    ]  # fmt: skip


def test_cpu_time_is_what_the_service_used_in_the_slice() -> None:
    """None where it was not seen."""
    stretch = machine.stretch(READINGS, WINDOW.start_ns, WINDOW.start_ns + 2 * 10**9)
    none = pl.DataFrame({"start_ns": [], "service_time_ns": [], "ok": []}, schema_overrides={"ok": pl.Boolean})
    spans = ((0, 2 * 10**9),)
    [seen] = figures.of(none, spans, spans, (1,), (stretch,))
    assert abs((seen.service_cpu_s or 0) - 1.8) < 1e-9
    assert figures.of(none, spans, spans, (1,), (None,)) == (Slice(1, 0, 2.0, 0, 0, None),)
