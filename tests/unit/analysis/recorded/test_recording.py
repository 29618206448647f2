"""A recording stays as it was seen, whatever is made of it."""

import copy
from dataclasses import FrozenInstanceError, fields

import pytest

from bench.analysis import evidence
from bench.analysis.recorded.recording import Recording
from tests.unit.recording_of import CELL, PLAN, RECORDING, SAMPLES


def test_what_is_made_of_a_recording_leaves_it_alone() -> None:
    """The same evidence follows from it again."""
    kept = copy.deepcopy(RECORDING)
    assert evidence.of(RECORDING, SAMPLES, CELL, PLAN) == evidence.of(RECORDING, SAMPLES, CELL, PLAN)
    assert kept == RECORDING


def test_a_recording_cannot_be_changed() -> None:
    """Neither a field of it nor one of its series."""
    with pytest.raises(FrozenInstanceError):
        RECORDING.pooled = 7  # type: ignore[misc]  # that it cannot be set is what is tested
    series = {"marks", "readings", "gauges", "activity", "pings", "turns", "loop_lags"}
    assert {one.name for one in fields(Recording) if isinstance(getattr(RECORDING, one.name), tuple)} == series
