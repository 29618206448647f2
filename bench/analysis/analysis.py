"""What a run's measurements amount to: one frozen value, from which each file, table and page is made. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis import ceilings, notes, pairs, rulings, sweeps
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Ceilings, CellResult, Outcome
from bench.analysis.pairing.families import Family
from bench.analysis.pairs import Pair
from bench.analysis.parity import ParityRow
from bench.analysis.profiling import profile
from bench.analysis.profiling.profile import CellProfile
from bench.analysis.rulings import Ruling
from bench.analysis.sweeps import Curve
from bench.plan.matrix import Cell
from bench.plan.model import Thresholds
from bench.plan.note import Note
from suite.arrival import Arrival


@dataclass(frozen=True)
class Ceiling:
    """A row of ceilings.csv: a cell's throughput beside the same load without a database, and beside pgbench alone.

    Of an INVALID cell there is no share, and an INVALID landmark is no ceiling.
    """

    scenario: str
    service: str
    throughput_rps: float | None
    no_database_rps: float | None
    of_no_database: float | None
    pgbench_connections: int | None
    pgbench_rps: float | None
    of_pgbench: float | None


@dataclass(frozen=True)
class Ranking:
    """One scenario's cells beside each other.

    `results` are all of them, in the plan's order; `ranked` those that may be ranked, the best first: the highest
    throughput, or under an open load the lowest latency of those that answered, then of those that failed requests.
    `paced`: throughput is the rate that was asked for, so that latency is compared. `baseline` is the service that the
    others are compared with; empty where there is none.
    """

    scenario: str
    results: tuple[CellResult, ...]
    ranked: tuple[CellResult, ...]
    paced: bool
    pairs: tuple[Pair, ...]
    curves: tuple[Curve, ...]
    ceilings: tuple[Ceiling, ...]
    notes: tuple[Note, ...] = ()
    baseline: str = ""

    @property
    def summary(self) -> str:
        """What a user of the scenario does. Empty where a stored run names a scenario that is gone."""
        described = self.results[0].cell.described
        return described.summary if described else ""

    @property
    def others(self) -> tuple[CellResult, ...]:
        """The cells that are not ranked, in the plan's order."""
        return tuple(one for one in self.results if one not in self.ranked)

    @property
    def latency(self) -> str:
        """The metric by which latencies are compared."""
        return latency_that_all_know(self.ranked)

    @property
    def landmarks(self) -> tuple[CellResult, ...]:
        """The cells that were measured once, to hold others against, and whose verdict lets them be."""
        return _landmarks(self.results)

    @property
    def shown(self) -> Family:
        """The pairs that a reader sees first: those with the baseline, or all where no ratio with it is known."""
        known = any(one.ratio is not None and one.family is Family.BASELINE for one in self.pairs)
        return Family.BASELINE if known else Family.ALL

    def contrasts(self, family: Family) -> tuple[Pair, ...]:
        """The pairs of whole cells in one family, then the A/A arm, which is beside every family."""
        return tuple(one for one in self.pairs if one.operation == "all" and one.family in {family, Family.TWINS})


@dataclass(frozen=True)
class Analysis:
    """Everything that is said of a run. Cells are in the plan's order, and so are claims; `measured` are
    the measurements that count.

    `parity` are the facts in which the gate compared the services; `unreadable` names the files of a stored run
    that could not be read, and `disagreeing` are the cells whose window.json differs from their recording. `profiles`
    say where the CPU time of each profiled cell went.
    """

    results: tuple[CellResult, ...]
    rankings: tuple[Ranking, ...]
    curves: tuple[Curve, ...]
    ceilings: tuple[Ceiling, ...]
    rulings: tuple[Ruling, ...]
    parity: tuple[ParityRow, ...]
    measured: Mapping[Cell, Sequence[Measurement]]
    unreadable: tuple[str, ...]
    disagreeing: tuple[Note, ...] = ()
    profiles: tuple[CellProfile, ...] = ()

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Of all scenarios."""
        return tuple(pair for one in self.rankings for pair in one.pairs)


def of(outcome: Outcome) -> Analysis:
    """Of all that has been measured so far."""
    results = tuple(outcome.ordered())
    curves, limits = sweeps.curves(results), _ceilings(results, outcome.ceilings)
    scenarios = dict.fromkeys(one.cell.scenario for one in results)
    first, unchecked = next(iter(scenarios), ""), notes.unchecked_of_all(results)
    said = {
        scenario: notes.of_cells(_of_scenario(scenario, results), unchecked, with_shared=scenario == first)
        for scenario in scenarios
    }
    return Analysis(
        results=results,
        rankings=tuple(_ranking(scenario, outcome, results, curves, limits, said[scenario]) for scenario in scenarios),
        curves=curves,
        ceilings=limits,
        rulings=rulings.rule(outcome.claims, outcome.cells, outcome.results, outcome.first_stage),
        parity=outcome.parity,
        measured={cell: tuple(outcome.counting(cell)) for cell in outcome.measured},
        unreadable=tuple(outcome.unreadable),
        disagreeing=tuple(outcome.disagreeing),
        profiles=tuple(one for result in results if (one := _profile(outcome, result)) is not None),
    )


def _profile(outcome: Outcome, result: CellResult) -> CellProfile | None:
    every = enumerate(outcome.measured[result.cell], 1)
    rounds = {number: one.layers for number, one in every if one.layers and number not in result.lost.rounds}
    return profile.of_cell(result.cell.scenario, result.cell.slug, rounds)


def _of_scenario(scenario: str, results: Sequence[CellResult]) -> tuple[CellResult, ...]:
    return tuple(one for one in results if one.cell.scenario == scenario)


def _ranking(
    scenario: str,
    outcome: Outcome,
    results: Sequence[CellResult],
    curves: Sequence[Curve],
    limits: Sequence[Ceiling],
    said: tuple[Note, ...],
) -> Ranking:
    mine = _of_scenario(scenario, results)
    paced = any(one.arrival == Arrival.OPEN for one in mine)
    return Ranking(
        scenario=scenario,
        results=mine,
        ranked=_ranked(mine, outcome.limits, paced=paced),
        paced=paced,
        pairs=pairs.compare(mine, outcome.first_stage, outcome.baseline),
        curves=tuple(one for one in curves if one.scenario == scenario),
        ceilings=tuple(one for one in limits if one.scenario == scenario),
        notes=said,
        baseline=outcome.baseline,
    )


def _ranked(mine: Sequence[CellResult], limits: Thresholds, *, paced: bool) -> tuple[CellResult, ...]:
    found = [one for one in mine if one.verdict.ranks and not one.cell.once and not one.cell.arm]
    if not paced:
        return tuple(sorted(found, key=lambda one: one.rps, reverse=True))
    metric = latency_that_all_know(found)

    def place(one: CellResult) -> tuple[bool, float]:
        value: float | None = getattr(one.total, metric)
        return (one.total.failure_ratio or 0.0) > limits.failures, float("inf") if value is None else value

    return tuple(sorted(found, key=place))


def latency_that_all_know(cells: Sequence[CellResult]) -> str:
    """The p99, or the p50 where one of these cells has too few samples for a p99: a p99 beside a p50 says nothing."""
    known = [one.total for one in cells if one.total.latency_p50_ms is not None]
    return "latency_p99_ms" if all(one.latency_p99_ms is not None for one in known) else "latency_p50_ms"


def _ceilings(results: Sequence[CellResult], known: Ceilings) -> tuple[Ceiling, ...]:
    landmarks = _landmarks(results)
    bare = [one for one in landmarks if ceilings.is_without_database(one.cell)]
    return tuple(_ceiling(one, () if one.cell.once else bare, known) for one in results)


def _landmarks(results: Sequence[CellResult]) -> tuple[CellResult, ...]:
    return tuple(one for one in results if one.cell.once and one.verdict.ranks and one.rps)


def _ceiling(one: CellResult, landmarks: Sequence[CellResult], known: Ceilings) -> Ceiling:
    found = [landmark for landmark in landmarks if ceilings.has_load_of(landmark.cell, one.cell)]
    # More than one with a target, of which is not known how it runs: none of them is its ceiling.
    http_rps = found[0].rps if found and (len(found) == 1 or not one.cell.setup.url) else None
    alone = ceilings.of(one.cell)
    sql_rps = known.pgbench_rps.get(alone) if alone else None
    rps = one.rps if one.verdict.ranks else None
    return Ceiling(
        scenario=one.cell.scenario,
        service=one.cell.slug,
        throughput_rps=one.rps or None,
        no_database_rps=http_rps,
        of_no_database=rps / http_rps if http_rps and rps is not None else None,
        pgbench_connections=alone.connections if alone and sql_rps else None,
        pgbench_rps=sql_rps or None,
        of_pgbench=rps / sql_rps if sql_rps and rps is not None else None,
    )
