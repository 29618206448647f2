"""`bench run --dry-run`: what would be measured, in which order, for how long, and how precisely."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.analysis.intervals import PLUS_MINUS, half_width_of
from bench.analysis.pairing.families import Family
from bench.analysis.precision import foreseen
from bench.compare import figures
from bench.measure.job import Job
from bench.plan import turns
from bench.plan.matrix import Cell
from bench.report.formats import minutes
from bench.store import csv_reading, runs
from suite.errors import ResultsError


def lines(job: Job) -> Iterator[str]:
    """All of it, a line each."""
    plan = job.plan
    yield plan.title or job.request.plan_name
    if plan.question:
        yield plan.question
    yield ""
    yield f"{len(job.cells)} cells, {_rounds(job)}, about {minutes(job.expected_s(job.rounds))} without preparation"
    yield from turns.alone(job.cells, plan)
    yield f"order, with the seed {job.seed}:"
    for number in range(1, job.rounds + 1):
        if cells := job.missing(number):
            yield f"  round {number}: {'; '.join(_round(job, cells))}"
    if job.too_few:
        yield job.too_few
    yield f"expected precision: {precision(job)}"


def _rounds(job: Job) -> str:
    planned = job.plan.rounds
    rounds = f"{job.rounds} round{'s'[: job.rounds != 1]}"
    most = f" to {planned.most}" if planned.precision else ""
    window = f"{job.plan.load.measure_s:g} s"
    each = f"{planned.slices} slices of each cell ({window})" if planned.slices > 1 else f"{window} of each cell"
    return f"{rounds}{most} with {each}"


def _round(job: Job, cells: Sequence[Cell]) -> Iterator[str]:
    """First the cells that have one window each, then those that take turns."""
    taking = job.heats(cells)
    together = {cell for heat in taking for cell in heat}
    yield from (cell.slug for cell in cells if cell not in together)
    yield from (f"{', '.join(cell.slug for cell in heat)} in turns" for heat in taking)


def precision(job: Job) -> str:
    """The widest interval of a ratio of requests/s, after the newest finished run of the same plan that has any."""
    planned = job.plan.rounds
    if planned.precision:
        return f"{PLUS_MINUS}{planned.precision:.1%}, with as many rounds as that takes, at most {planned.most}"
    count = foreseen.pairs(job.cells, planned.baseline)
    for folder in reversed(runs.finished()):
        found = _widest(folder, job.request.plan_name)
        half = None if found is None else foreseen.expected(found[0], found[1], job.rounds, count)
        if half is not None:
            return f"{PLUS_MINUS}{half:.1%} for ratios of requests/s, by the spread of the run {folder.name}"
    return "not known, because no run of this plan with intervals is in results/"


def _widest(folder: Path, plan: str) -> tuple[float, tuple[int, int]] | None:
    """The half width of the widest interval, with the rounds and pairs; None for other plans and without intervals."""
    columns = ("operation", "metric", "rounds", "ci_low", "ci_high", "family")
    try:
        if figures.plan_name(folder) != plan:
            return None
        rows = csv_reading.read(folder / "comparison.csv", columns, "a comparison.csv", ended=True)
        wanted = [one for one in rows if (one.text("operation"), one.text("metric")) == ("all", "throughput_rps")]
        for family in (Family.BASELINE, Family.ALL):
            mine = [one for one in wanted if one.text("family") == family]
            known = [one for one in mine if one.figure("ci_low") and one.figure("ci_high")]
            if known:
                halves = [half_width_of((one.figure("ci_low") or 1, one.figure("ci_high") or 1)) for one in known]
                rounds = min(int(one.figure("rounds") or 0) for one in known)
                return max(halves), (rounds, len(mine))
    except ResultsError:  # a damaged run says nothing
        pass
    return None
