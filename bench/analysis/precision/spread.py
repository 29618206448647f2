"""Where the noise of a run's ratios comes from, by its rounds and slices, and how long a precision takes. Pure."""

from collections.abc import Callable, Mapping, Sequence

from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Outcome
from bench.analysis.pairing import families
from bench.analysis.pairing.families import Family
from bench.analysis.precision.components import Components, Figures, estimate, log_ratios
from bench.analysis.precision.planning import rounds_expected
from bench.analysis.slices.figures import Slice

Figure = Callable[[Slice], float | None]


def throughput_rps(one: Slice) -> float:
    """Successes of a slice per second."""
    return one.succeeded / one.length_s


def cpu_s_per_request(one: Slice) -> float | None:
    """CPU seconds of the service per completion of a slice; None where they are not known."""
    return None if one.service_cpu_s is None or not one.completed else one.service_cpu_s / one.completed


def of_pairs(
    outcome: Outcome, figure: Figure = throughput_rps, wanted: Sequence[Family] = (Family.BASELINE, Family.ALL)
) -> Mapping[tuple[str, str], Components]:
    """The components of each ratio of slices, by the slugs of baseline and candidate.

    Of the first of the `wanted` families that has any, in each scenario. Empty for a run without slices, and before
    two rounds.
    """
    found: dict[tuple[str, str], Components] = {}
    results = outcome.ordered()
    for scenario in dict.fromkeys(one.cell.scenario for one in results):
        by_family = families.of_scenario([one for one in results if one.cell.scenario == scenario], outcome.baseline)
        for pairs in filter(None, (by_family[family] for family in wanted)):
            for baseline, candidate in pairs:
                old, new = (_figures(outcome.measured[one.cell], figure) for one in (baseline, candidate))
                if (known := estimate(log_ratios(old, new))) is not None:
                    found[baseline.cell.slug, candidate.cell.slug] = known
            break
    return found


def rounds(outcome: Outcome, slices: int, precision: float) -> int | None:
    """About how many rounds in all it takes until the ratios have this precision; None while that is not known."""
    known = of_pairs(outcome)
    if not known or not outcome.first_stage:
        return None
    return rounds_expected(list(known.values()), slices, outcome.first_stage, precision, len(known))


def _figures(measurements: Sequence[Measurement], figure: Figure) -> Figures:
    """Of each round, by the number of the block."""
    return [_by_block(one.evidence.slices, figure) for one in measurements]


def _by_block(slices: Sequence[Slice], figure: Figure) -> list[float | None]:
    known = {one.block: figure(one) for one in slices}
    return [known.get(number) for number in range(1, max(known, default=0) + 1)]
