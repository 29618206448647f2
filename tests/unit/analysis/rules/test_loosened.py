"""Which thresholds are looser than others' are."""

import pytest

from bench.analysis.rules import loosened
from bench.plan.model import Thresholds


def test_every_threshold_has_a_direction() -> None:
    """A new one must be put into one of the lists."""
    listed = [*loosened.EXPECTATIONS, *loosened.WHEN_LARGER, *loosened.WHEN_SMALLER, *loosened.EITHER_WAY]
    assert sorted(listed) == sorted(Thresholds.model_fields)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ()),
        ({"expect_failures": True, "expect_drift": True}, ()),
        ({"steal": 0.5}, ("steal = 0.5 (not 0.02)",)),
        ({"steal": 0.01, "clock_jump_s": 0.05}, ()),
        ({"drift_p": 0.001}, ("drift_p = 0.001 (not 0.01)",)),
        ({"drift_p": 0.05, "held": 0.9}, ()),
        ({"held": 0.5}, ("held = 0.5 (not 0.75)",)),
        ({"busy": 0.8}, ("busy = 0.8 (not 0.9)",)),
        ({"busy": 0.95}, ("busy = 0.95 (not 0.9)",)),
    ],
)
def test_only_looser_ones_are_named(changes: dict[str, float], found: tuple[str, ...]) -> None:
    """Stricter ones judge more."""
    assert loosened.loosened(Thresholds.model_validate(changes)) == found
