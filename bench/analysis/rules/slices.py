"""Rules: enough of a cell's slices are left, where it took turns with others."""

from collections.abc import Iterable, Mapping

from bench.analysis.evidence import Evidence
from bench.analysis.recorded import foreign
from bench.analysis.slices.figures import LeftOut
from bench.plan.model import Thresholds

LEAST_SHARE = 0.5


def few_slices(seen: Evidence, _: Thresholds) -> str:
    """Fewer than half of the planned slices were not disturbed."""
    if not seen.slices_planned or seen.undisturbed >= LEAST_SHARE * seen.slices_planned:
        return ""
    others = who(seen.slices_left_out)
    by = f": {others}" if others else "".join(f": {one.why}" for one in seen.slices_left_out[:1])
    return f"{seen.undisturbed} of {seen.slices_planned} slices were not disturbed, fewer than half{by}"


def who(left_out: Iterable[LeftOut]) -> str:
    """Who disturbed slices: the busiest, with their seconds in all of them."""
    return foreign.busiest(summed(one.others_s for one in left_out), 0.0)


def summed(each: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The seconds of each program, whatever its process was (`cron (pid 7)`)."""
    total: dict[str, float] = {}
    for used in each:
        for name, used_s in used.items():
            program = name.partition(" (pid ")[0]
            total[program] = total.get(program, 0.0) + used_s
    return total


RULES = (few_slices,)
OUTSIDE = RULES
