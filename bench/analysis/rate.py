"""The rate of an open load that the plan gives as a share: of what the slowest cell answers when the load is closed."""

import math
from collections.abc import Callable, Sequence

from bench.analysis.measurement import Measurement
from bench.plan.matrix import Cell
from bench.plan.model import Load, Plan
from suite.errors import LoadError

WARM_UP_S = 2.0
MEASURE_S = 4.0
EPSILON = 1e-9  # 2.9 / 0.1 is a little below 29


def closed(plan: Plan) -> Plan:
    """The plan with a short closed load."""
    given = plan.load
    load = Load(
        spawn_rate=given.spawn_rate,
        warm_up_s=WARM_UP_S,
        measure_s=MEASURE_S,
        workers=given.workers,
        expect_workers=given.expect_workers,
    )
    return plan.model_copy(update={"load": load})


def opened(plan: Plan, rate: float) -> Plan:
    """The plan with its rate known."""
    return plan.model_copy(update={"load": plan.load.model_copy(update={"rate": rate})})


def found(plan: Plan, cells: Sequence[Cell], measure: Callable[[Plan, Cell], Measurement]) -> float:
    """The share of the least throughput, to two digits. Raises LoadError when a cell answers nothing."""
    share = plan.load.rate_share
    assert share is not None  # noqa: S101  # its caller has checked that the plan gives one
    lowest = math.inf
    for cell in cells:
        seen = measure(closed(plan), cell).evidence
        if seen.problem or not seen.succeeded:
            why = seen.problem or "no request succeeded"
            raise LoadError(f"{cell.slug} answers nothing under a closed load ({why}), so that no rate can be found")
        lowest = min(lowest, seen.succeeded / seen.length_s)
    return two_digits(share * lowest)


def two_digits(rate: float) -> float:
    """Rounded down."""
    step = 10.0 ** (math.floor(math.log10(rate)) - 1)
    return round(math.floor(rate / step + EPSILON) * step, 10)
