"""Which thresholds a plan has loosened: its cells are then not judged as those of other plans are. Pure."""

from collections.abc import Iterator

from bench.plan.model import Thresholds

EXPECTATIONS = frozenset({"expect_failures", "expect_drift"})
"""What a plan says of its own subject. They loosen nothing."""
WHEN_LARGER = frozenset(
    {
        "failures", "accounting", "conservation", "starved", "rate", "steal", "strangers", "strangers_elsewhere",
        "drift", "clock_jump_s", "transactions", "floor", "calls",
    }
)  # fmt: skip
"""More may happen before a cell is INVALID."""
WHEN_SMALLER = frozenset({"drift_p", "held"})
"""`drift_p`: drift must be surer. `held`: a rate that was missed is sooner excused by a full pool."""
EITHER_WAY = frozenset({"busy"})
"""From a larger share, the load is full later (no FLOOR, no missed rate); from a smaller one, so is the service."""


def loosened(limits: Thresholds) -> tuple[str, ...]:
    """Each threshold that is looser than its default, with both values, in words."""
    return tuple(_loosened(limits))


def _loosened(limits: Thresholds) -> Iterator[str]:
    for name, default in Thresholds():
        value = getattr(limits, name)
        larger, smaller = value > default, value < default
        if (
            (name in WHEN_LARGER and larger)
            or (name in WHEN_SMALLER and smaller)
            or (name in EITHER_WAY and (larger or smaller))
        ):
            yield f"{name} = {value:g} (not {default:g})"
