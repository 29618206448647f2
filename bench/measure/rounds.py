"""The rounds of a run: each measures every cell in new service processes. Each cell is saved before the next begins."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.analysis import pairs, rate, verdict
from bench.analysis.ceilings import Alone
from bench.analysis.measurement import Measurement
from bench.analysis.outcome import Outcome
from bench.analysis.precision import spread
from bench.measure import load, output, pgbench
from bench.measure.cell import Attempt, ProgressListener
from bench.measure.cell import measure as measure_cell
from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet
from bench.measure.job import Job
from bench.measure.progress import Display
from bench.measure.turns.heat import measure as measure_heat
from bench.plan import turns
from bench.plan.matrix import Cell, Setup
from bench.plan.model import Plan, Rounds
from bench.plan.note import Note
from bench.plan.turns import Heat
from bench.report.formats import minutes
from bench.store import runs, space
from bench.store.runs import Run
from db.ports import LOOPBACK
from suite import catalogue

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"


@dataclass(frozen=True)
class Stage:
    """The parts of a run that measuring uses: services, database, folder, outcome, display.

    `verified` has the transactions of each operation as verification counted them, by service and how it runs.
    """

    fleet: Fleet
    server: Database
    folder: Run
    outcome: Outcome
    display: Display
    verified: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)

    @property
    def listener(self) -> ProgressListener:
        """Shows the progress of a measurement."""
        return ProgressListener(self.display.tick, self.display.step, self.display.show, self.display.note)

    def attempt(self, job: Job, plan: Plan, number: int, cell: Cell, place: Path) -> Attempt:
        """One measurement of a cell, to be made."""
        settings = self.fleet.settings
        url = cell.setup.url or catalogue.service(cell.service).url.replace(LOOPBACK, settings.bind_host)
        target = load.LoadTarget(
            url, settings.dataset_users, job.seed + number, job.placed.load, settings.bind_host, settings.trust.file
        )
        verified = {} if cell.setup.url else self.verified.get((cell.service, cell.setup.runs_as), {})
        return Attempt(plan, cell, target, job.placed, place, verified)

    def measure(self, job: Job, plan: Plan, number: int, cell: Cell, place: Path) -> Measurement:
        """Measure one cell once, alone."""
        return measure_cell(self.attempt(job, plan, number, cell, place), self.fleet, self.server, self.listener)


def ceilings_of(job: Job, stage: Stage) -> dict[Alone, float]:
    """Requests/s of pgbench with the SQL of each service."""
    found, users = {}, stage.fleet.settings.dataset_users
    for number, alone in enumerate(job.alone()):
        place = stage.folder.folder / "pgbench" / f"{number:02d}"
        rps = pgbench.measured(alone, place)
        if rps is None:
            stage.display.step(f"pgbench: the SQL of {alone.scenario} on {alone.connections} connections")
            pooler = stage.server.pooler
            prepared = pooler is None or not pooler.shares
            rps = pgbench.measure(alone, stage.server.dsn, users, job.placed.service, place, prepared=prepared)
        if rps:
            found[alone] = rps
    return found


def find_rate(job: Job, stage: Stage) -> float:
    """Find the rate that the plan gives as a share of the slowest cell's throughput."""

    def briefly(plan: Plan, cell: Cell) -> Measurement:
        stage.display.step(f"finding the rate: {cell.slug} under a closed load")
        return stage.measure(job, plan, 0, cell, stage.folder.cell_folder(0, cell))

    found = rate.found(job.plan, [cell for cell in job.cells if not cell.once and not cell.arm], briefly)
    stage.display.note(f"the rate: {found:,.0f} requests/s, {job.plan.load.rate_share:.0%} of the slowest cell's")
    return found


def numbers(job: Job, stage: Stage) -> Iterator[int]:
    """The numbers of the rounds: as many as the plan has, or as its precision needs.

    The spread of the first rounds decides that, once: with a new decision after each round, intervals would be wrong
    too often.
    """
    first = stage.outcome.first_stage
    for number in range(1, job.rounds + 1):
        yield number
        if first is not None and 1 < number < first:
            _say_how_long(job, stage)
    if first is None or job.rounds > first:  # then it was decided before the run was stopped
        return
    rounds = decided(job.plan.rounds, stage)
    if rounds > first:
        stage.display.expect(job.expected_s(rounds))
        stage.display.note(f"{rounds - first} more rounds, about {_minutes(job, first, rounds)}")
        stage.folder.write_json("plan.json", job.as_dict(rounds))
        yield from range(first + 1, rounds + 1)


def _say_how_long(job: Job, stage: Stage) -> None:
    """How long the precision takes, by the spread so far. It decides nothing."""
    planned = job.plan.rounds
    expected = spread.rounds(stage.outcome, planned.slices, planned.precision or 0.0)
    if expected is not None and expected > planned.count:
        rounds = min(expected, planned.most)
        text = f"by the spread so far, {PLUS_MINUS}{planned.precision:.1%} takes about {expected} rounds"
        stage.display.note(f"{text}: {_minutes(job, planned.count, rounds)} more than planned")


def _minutes(job: Job, first: int, rounds: int) -> str:
    return minutes(job.expected_s(rounds) - job.expected_s(first))


def decided(planned: Rounds, stage: Stage) -> int:
    """How many rounds there are in all, from the spread of the first ones; in words, too."""
    first = stage.outcome.beginning().ordered()
    needed = pairs.rounds_needed(first, planned.precision or 0.0, planned.count, planned.baseline)
    if needed is None or needed <= planned.count:
        return planned.count
    wanted = f"{needed} rounds for intervals of {PLUS_MINUS}{planned.precision:.1%}"
    if needed > planned.most:
        stage.display.note(f"it would take about {wanted}; the plan allows {planned.most}")
    else:
        stage.display.note(f"about {wanted}")
    return min(needed, planned.most)


def measure(job: Job, number: int, stage: Stage) -> None:
    """Measure every cell once, in new service processes. The services of a round run side by side."""
    cells = job.missing(number)
    if not cells:
        return
    title = f"round {number} of {job.rounds}" if number <= job.rounds else f"round {number}"
    stage.fleet.stop()
    if alone := [cell for cell in cells if turns.obstacle(cell, job.plan)]:
        _measure_alone(job, number, alone, stage, title)
    for place, heat in enumerate(job.heats(cells)):
        _take_turns(job, number, heat, stage, job.seed_of(number, place), title)


def _take_turns(job: Job, number: int, heat: Heat, stage: Stage, seed: str, title: str) -> None:
    """Measure cells in slices, in turns. One that something outside ended is measured once more, alone."""
    folder, display = stage.folder, stage.display
    space.check_room()
    display.measuring(f"{title}: {', '.join(cell.slug for cell in heat)}")
    found = dict(zip(heat, _heat(job, number, heat, stage, seed, title), strict=True))
    display.finished(job.round_s(heat))
    remarks = {cell: list[Note]() for cell in heat}
    for cell in heat:
        if not (why := found[cell].evidence.problem) or not verdict.disturbance(found[cell].evidence, job.plan.verdict):
            continue
        _set_aside(stage, number, cell, why)
        [found[cell]] = _heat(job, number, (cell,), stage, f"{seed}/{cell.slug}", title)
        remarks[cell] = [verdict.remade(why)]
    for cell in heat:
        stage.outcome.add(cell, found[cell], *remarks[cell])
    output.save(folder, job.plan, stage.outcome, heat)


def _heat(job: Job, number: int, heat: Heat, stage: Stage, seed: str, title: str) -> list[Measurement]:
    attempts = [stage.attempt(job, job.plan, number, cell, stage.folder.cell_folder(number, cell)) for cell in heat]
    listener = replace(stage.listener, step=lambda text: stage.display.step(f"{title}: {text}"))
    return measure_heat(attempts, stage.fleet, stage.server, seed, listener)


def _measure_alone(job: Job, number: int, cells: Sequence[Cell], stage: Stage, title: str) -> None:
    """Measure cells one after the other, each in one window."""
    folder, display = stage.folder, stage.display
    display.step(f"{title}: starting the services")
    # Services whose cells are already done start, too: in every round, the others share the machine with them.
    firsts = _one_each(cell.setup for cell in (*cells, *job.order[number - 1]) if cell.setup.is_started)
    cells_by_setup = {setup: _cell_of(cells, setup) for setup in firsts}
    stage.fleet.start(
        {
            setup: (folder.cell_folder(number, cell) if cell else folder.idle_folder(number, setup.service))
            / "service.log"
            for setup, cell in cells_by_setup.items()
        }
    )
    for cell in cells:
        space.check_room()
        display.measuring(f"{title}: {cell.slug}")
        measurement, remarks = _undisturbed(job, number, cell, stage)
        stage.outcome.add(cell, measurement, *remarks)
        display.finished(job.cell_s(cell))
        output.save(folder, job.plan, stage.outcome, [cell])


def _undisturbed(job: Job, number: int, cell: Cell, stage: Stage) -> tuple[Measurement, list[Note]]:
    """Measure a cell, and again if something outside disturbed the first measurement. Returns a note on that, too."""
    place = stage.folder.cell_folder(number, cell)
    first = stage.measure(job, job.plan, number, cell, place)
    disturbance = verdict.disturbance(first.evidence, job.plan.verdict)
    if not disturbance:
        return first, []
    _set_aside(stage, number, cell, disturbance)
    return stage.measure(job, job.plan, number, cell, place), [verdict.remade(disturbance)]


def _set_aside(stage: Stage, number: int, cell: Cell, why: str) -> None:
    """Make room for another measurement of a cell, and say why there is one."""
    stage.display.note(f"measuring {cell.slug} again: {why}")
    runs.set_aside(stage.folder.cell_folder(number, cell))
    space.check_room()  # only now: a first attempt that stayed in its place would count as the measurement


def _one_each(setups: Iterable[Setup]) -> list[Setup]:
    """The first setup of each service: its port allows only one."""
    first: dict[str, Setup] = {}
    for setup in setups:
        first.setdefault(setup.service, setup)
    return list(first.values())


def _cell_of(cells: Sequence[Cell], setup: Setup) -> Cell | None:
    return next((cell for cell in cells if cell.setup == setup), None)
