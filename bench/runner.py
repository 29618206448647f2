"""One run of a plan, from the first check to the last file: the only module that knows the order of things."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.text import Text

from bench import (
    catalogue,
    ceilings,
    database,
    environment,
    fingerprint,
    gate,
    leftovers,
    load,
    pairs,
    parity,
    preflight,
    rate,
    report,
    results,
    resuming,
    rulings,
    stored,
    sweeps,
    targets,
    verdict,
)
from bench import (
    job as jobs,
)
from bench.analysis import Measurement
from bench.ceilings import Alone
from bench.cell import Told
from bench.cell import measure as measure_cell
from bench.database import Database
from bench.errors import BenchError, StoppedError, TerminatedError
from bench.gate import Passed
from bench.job import Job, Request
from bench.outcome import Ceilings, Outcome
from bench.plan import Cell, Plan, Setup
from bench.progress import Display
from bench.results import Run
from bench.resuming import Earlier
from bench.services import Fleet, Surroundings
from bench.serving import LOOPBACK
from db import dataset

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"


def run(request: Request, console: Console) -> int:
    """Measure a plan. Returns the exit code of DESIGN: 0, or 3 when a cell is INVALID.

    Raises BenchError when it could not start or was stopped part-way, and KeyboardInterrupt or TerminatedError when
    it was interrupted; by then everything measured is saved, and everything started has ended.
    """
    began = time.monotonic()
    job, earlier = jobs.decide(request), request.earlier
    with results.lock():
        leftovers.end(console)
        leftovers.close_runs(console, going_on=earlier.run if earlier else None)
        preflight.check(request.plan, job.cells, request.bind_host)
        folder, outcome = _begin(job) if earlier is None else (earlier.run, stored.outcome(earlier.run.folder))
        had, state, why = outcome.count, "failed", ""
        try:
            with results.stopping_when_full():
                folder.reserve()
                measure(job, folder, outcome, console)
            state, why = "finished", _invalid(outcome)
            folder.make_latest()
        except (KeyboardInterrupt, TerminatedError) as stop:
            state, why = "interrupted", type(stop).__name__
            raise
        except BenchError as error:
            why = str(error)
            if outcome.count > had or isinstance(error, StoppedError):
                state, error.exit_code = "partial", 2
            elif earlier is not None:
                state = ""
            raise
        except BaseException as bug:
            why = repr(bug)
            raise
        finally:
            folder.release()
            if state:
                conclude(job, folder, outcome, console, state, why, time.monotonic() - began)
            elif earlier is not None:
                resuming.leave(earlier)
        return 3 if why else 0


def _begin(job: Job) -> tuple[Run, Outcome]:
    """The folder of a new run, and nothing measured yet."""
    request = job.request
    folder = results.create(request.name, request.plan_name, datetime.now(UTC))
    folder.status("running")
    folder.write("plan.toml", request.plan_path.read_text(encoding="utf-8"))
    folder.write_json("plan.json", job.as_dict(job.rounds))
    return folder, Outcome(job.plan.verdict, job.cells, claims=job.plan.claims)


def measure(job: Job, folder: Run, outcome: Outcome, console: Console) -> None:
    """Have the database, verify the services, then every cell of every round; each is saved before the next begins."""
    scale, setups = job.plan.database.scale, list(dict.fromkeys(cell.setup for cell in job.cells if not cell.setup.url))
    users = dataset.size(scale).users
    with (
        Display(console, job.expected_s(job.rounds)) as display,
        database.opened(job.request.database_url, job.placed.database) as server,
        Fleet(
            Surroundings(
                server.dsn.url,
                users,
                job.placed.service,
                job.placed.database,
                job.placed.load,
                bind_host=job.request.bind_host,
            ),
            traced=job.plan.load.timeline,
            calls=any("synchronize_note" in catalogue.scenario(name).operations for name in job.plan.matrix.scenarios),
        ) as fleet,
    ):
        database.check_connections(server, preflight.most_connections(setups))
        display.step(f"dataset of scale {scale:g}, in the {server}")
        loaded = database.loaded(server, scale, display.sharing("loading"))
        recorded = environment.record(server, loaded, job.placed)
        verify_targets(job, fleet.surroundings, server, display)
        passed = Passed()
        if setups:
            display.step("verifying that all services answer alike")
            passed = gate.check(fleet.surroundings, server, setups, folder.folder / "verification")
        if passed.unchecked:
            display.step(f"not checked: {passed.unchecked}")
        outcome.counted = not passed.unchecked
        outcome.parity = parity.rows(passed.facts, catalogue.services())
        named = {one.name: {"url": one.url, "title": one.title} for one in job.plan.targets}
        recorded |= {"counted": outcome.counted, "services": _described(passed)} | ({"targets": named} if named else {})
        if job.request.earlier is not None:
            go_on(job.request.earlier, recorded, force=job.request.force, display=display)
        folder.write("parity.csv", results.csv_text(parity.COLUMNS, map(asdict, outcome.parity)))
        for line in parity.lines(outcome.parity):
            display.say(line)
        if not job.done:  # else it is that of what was measured first
            folder.write_json("environment.json", recorded)
        stage = Stage(fleet, server, folder, outcome, display)
        outcome.ceilings = Ceilings(measure_ceilings(job, stage))
        if job.plan.load.expect_workers:
            display.show(invitation(job))
        if job.plan.load.rate_share is not None:
            job = job.at_rate(find_rate(job, stage))
            folder.write_json("plan.json", job.as_dict(job.rounds))
        first = fingerprint.take(server.dsn)
        for number in rounds(job, stage):
            fingerprint.check(first, fingerprint.take(server.dsn))
            measure_round(job, number, stage)


def verify_targets(job: Job, around: Surroundings, server: Database, display: Display) -> None:
    """Whether every target answers what its scenarios ask; what should be known of each is said."""
    asked = frozenset(name for one in job.plan.matrix.scenarios for name in catalogue.scenario(one).operations)
    for setup in dict.fromkeys(replace(cell.setup, arm="") for cell in job.cells if cell.setup.url):
        display.step(f"verifying target {setup.service}")
        display.say(Text(gate.check_target(around, server, setup, asked)))
        for note in targets.notes(setup, around.cpus):
            display.say(Text(note, style="yellow"))


def go_on(earlier: Earlier, recorded: Mapping[str, Any], *, force: bool, display: Display) -> None:
    """Have a run that was stopped go on here, or raise ResultsError: from here on, it is not as it was."""
    other = resuming.check_same(earlier, recorded, force=force)
    resuming.make_room(earlier)
    earlier.run.resumed(earlier.after, other)
    after = f"after {earlier.after}" if earlier.after else "from the beginning"
    display.show(f"going on with {earlier.run.run_id} {after}: {len(earlier.done)} measured, {earlier.missing} missing")
    for line in other:
        display.show(f"in spite of {line}")


def invitation(job: Job) -> str:
    """What to do on the other machines of a load."""
    count, host = job.plan.load.expect_workers or 0, job.request.bind_host
    where = (
        f"nothing listens beyond {host}: for workers on other machines end this and give --bind-host ADDRESS"
        if host == LOOPBACK
        else f"the services and Locust's master listen on {host}, for whoever reaches it, without a password"
    )
    return (
        f"waiting for {count} load worker{'s'[: count > 1]}. In the same version of this checkout on each other machine"
        f" (make setup), once for each worker:\n\n    {load.loop_for_workers(host)}\n\n"
        f"It serves every cell of this run, and ends five minutes after it or with Ctrl-C; {where}.\n"
    )


@dataclass(frozen=True)
class Stage:
    """Where measuring happens, and what it leaves."""

    fleet: Fleet
    server: Database
    folder: Run
    outcome: Outcome
    display: Display

    def measure(self, job: Job, plan: Plan, number: int, cell: Cell, place: Path) -> Measurement:
        """One cell once."""
        around, display = self.fleet.surroundings, self.display
        url = cell.setup.url or catalogue.service(cell.service).url.replace(LOOPBACK, around.bind_host)
        target = load.Target(url, around.dataset_users, job.seed + number, job.placed.load, around.bind_host)
        told = Told(display.tick, display.step, display.show)
        return measure_cell(plan, cell, target, self.fleet, self.server, job.placed, place, told)


def measure_ceilings(job: Job, stage: Stage) -> dict[Alone, float]:
    """What pgbench does in the service's place."""
    found, users = {}, stage.fleet.surroundings.dataset_users
    for number, alone in enumerate(job.alone()):
        place = stage.folder.folder / "pgbench" / f"{number:02d}"
        rps = ceilings.measured(alone, place)
        if rps is None:
            stage.display.step(f"pgbench: the SQL of {alone.scenario} on {alone.connections} connections")
            rps = ceilings.measure(alone, stage.server.dsn, users, job.placed.service, place)
        if rps:
            found[alone] = rps
    return found


def find_rate(job: Job, stage: Stage) -> float:
    """The rate that the plan gives as a share."""

    def briefly(plan: Plan, cell: Cell) -> Measurement:
        stage.display.step(f"finding the rate: {cell.slug} under a closed load")
        return stage.measure(job, plan, 0, cell, stage.folder.cell_folder(0, cell))

    found = rate.found(job.plan, [cell for cell in job.cells if not cell.once and not cell.arm], briefly)
    stage.display.step(f"the rate: {found:,.0f} requests/s, {job.plan.load.rate_share:.0%} of the slowest cell's")
    return found


def rounds(job: Job, stage: Stage) -> Iterator[int]:
    """The numbers of the rounds, as many as the plan says or its precision needs."""
    planned = job.plan.rounds
    yield from range(1, job.rounds + 1)
    done = job.rounds
    while planned.precision is not None:
        needed = pairs.rounds_needed(stage.outcome.ordered(), planned.precision)
        if needed is None or needed <= done:
            return
        wanted = f"{needed} rounds for intervals of {PLUS_MINUS}{planned.precision:.1%}"
        if done >= planned.most:
            stage.display.step(f"it would take about {wanted}; {planned.most} are the most")
            return
        done += 1
        stage.display.step(f"about {wanted}: going on with round {done}")
        stage.display.expect(job.expected_s(min(needed, planned.most)))
        stage.folder.write_json("plan.json", job.as_dict(done))
        yield done


def measure_round(job: Job, number: int, stage: Stage) -> None:
    """Every cell once, in fresh service processes; the services of a round run side by side."""
    cells, folder, display = job.missing(number), stage.folder, stage.display
    if not cells:
        return
    title = f"round {number} of {max(number, job.plan.rounds.count)}"
    display.step(f"{title}: starting the services")
    stage.fleet.stop()
    # Those whose cells a resumed run has already run, too: the others are not to have the machine to themselves.
    firsts = _one_each(cell.setup for cell in (*cells, *job.order[number - 1]) if not cell.setup.url)
    homes = {setup: _cell_of(cells, setup) for setup in firsts}
    stage.fleet.start(
        {
            setup: (folder.cell_folder(number, cell) if cell else folder.idle_folder(number, setup.service))
            / "service.log"
            for setup, cell in homes.items()
        }
    )
    for cell in cells:
        results.check_room()
        display.measuring(f"{title}: {cell.slug}")
        stage.outcome.add(cell, *_undisturbed(job, number, cell, stage))
        display.finished(job.cell_s(cell))
        save(folder, job.plan, stage.outcome, cell)


def _undisturbed(job: Job, number: int, cell: Cell, stage: Stage) -> tuple[Measurement, str]:
    """One measurement; a second one where something from outside disturbed the first, and why."""
    place = stage.folder.cell_folder(number, cell)
    first = stage.measure(job, job.plan, number, cell, place)
    disturbance = verdict.disturbance(first.evidence, job.plan.verdict)
    if not disturbance:
        return first, ""
    stage.display.step(f"measuring {cell.slug} again: {disturbance}")
    results.set_aside(place)
    results.check_room()  # only now: a first attempt that stayed would be taken for the measurement
    return stage.measure(job, job.plan, number, cell, place), f"measured again after: {disturbance}"


def save(folder: Run, plan: Plan, outcome: Outcome, cell: Cell) -> None:
    """Write the tables of all cells, and the cell's own statistics in Locust's layout."""
    found = outcome.ordered()
    tables = {
        "summary.csv": (report.SUMMARY, report.summary_rows(folder.run_id, plan.load, found)),
        "comparison.csv": (report.COMPARISON, report.comparison_rows(found)),
        "sweeps.csv": (sweeps.COLUMNS, list(sweeps.rows(found))),
        "ceilings.csv": (report.CEILINGS, report.ceiling_rows(found, outcome.ceilings)),
    }
    if outcome.claims:
        tables["claims.csv"] = (rulings.CLAIMS, rulings.claim_rows(outcome))
    for name, (columns, table) in tables.items():
        if name == "sweeps.csv" and not table:
            continue
        folder.write(name, results.csv_text(columns, table))
    whole = [one for one in outcome.measured[cell] if one.length_s]
    if whole:
        pooled = pl.concat([one.samples for one in whole])
        rows = report.locust_rows(pooled, sum(one.length_s for one in whole))
        folder.write(f"{cell.slug}_stats.csv", results.csv_text(report.LOCUST_COLUMNS, rows))


def conclude(job: Job, folder: Run, outcome: Outcome, console: Console, state: str, why: str, took_s: float) -> None:
    """Say how the run ended, show what was measured, and where it is."""
    total_s = _total_s(job.request.earlier, took_s)
    try:
        folder.status(state, why)
        folder.write_json("duration.json", {"total_s": total_s, "window_s": outcome.window_s})
    except BenchError as error:  # why the run ended is the message that matters
        console.print(str(error), style="yellow", highlight=False, markup=False, soft_wrap=True)
    for scenario in dict.fromkeys(cell.scenario for cell in outcome.results):
        console.print()
        console.print(report.ranking(outcome.ordered(), scenario, outcome.ceilings))
    if outcome.claims and outcome.results:
        console.print()
        console.print(rulings.table(outcome))
    if outcome.results:
        console.print()
        for line in parity.lines(outcome.parity):
            console.print(line, highlight=False)
    for sentence in resuming.said(results.json_object(folder.folder / "status.json") or {}):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    share = f", {outcome.window_s / total_s:.0%} of it inside windows" if outcome.results and total_s else ""
    whole = "" if total_s == took_s else f", {total_s:.0f} s in all" if total_s else ", and what went before"
    console.print(f"\n{state} after {took_s:.0f} s{whole}{share}", highlight=False)
    console.print(f"results: {_short(folder.folder)}", highlight=False, soft_wrap=True)
    if state != "interrupted":
        write_pages(folder, outcome, console)
    elif outcome.results:  # who interrupts a run wants it to end at once
        console.print(f"its page, report.html, is made by: bench report {folder.run_id}", highlight=False)
    if state != "finished":
        console.print(f"what is missing is measured by: bench run --resume {folder.run_id}", highlight=False)


def _total_s(earlier: Earlier | None, took_s: float) -> float | None:
    """How long a run took in all; None where one that is resumed could not say how long it had taken."""
    if earlier is None:
        return took_s
    return None if earlier.total_s is None else earlier.total_s + took_s


def write_pages(folder: Run, outcome: Outcome, console: Console) -> None:
    """Leave the run's page and the index of all runs. What goes wrong is said in a line: the run is over and saved."""
    try:
        from bench.html import writing  # noqa: PLC0415  # matplotlib takes a second to load, which no run starts with

        if outcome.results:
            page = writing.write(folder.folder, outcome)
            console.print(f"report: {_short(page)}", highlight=False, soft_wrap=True)
        writing.write_index()
    except Exception as error:  # noqa: BLE001  # whatever it is, what was measured must not be lost over a page
        said = " ".join(str(error).split()) or repr(error)
        console.print(f"no report.html: {said}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _invalid(outcome: Outcome) -> str:
    slugs = [result.cell.slug for result in outcome.results.values() if not result.verdict.ranks]
    return f"INVALID: {', '.join(slugs)}" if slugs else ""


def _one_each(setups: Iterable[Setup]) -> list[Setup]:
    """The first setup of each service: only one of a service fits on its port."""
    first: dict[str, Setup] = {}
    for setup in setups:
        first.setdefault(setup.service, setup)
    return list(first.values())


def _cell_of(cells: Sequence[Cell], setup: Setup) -> Cell | None:
    return next((cell for cell in cells if cell.setup == setup), None)


def _described(passed: Passed) -> dict[str, object]:
    """What each service said of itself, and what its operations cost; the first setup of each."""
    described: dict[str, object] = {}
    for setup, health in passed.health.items():
        costs = {operation: asdict(cost) for operation, cost in passed.costs.get(setup, {}).items()}
        described.setdefault(setup.service, {**asdict(setup), "health": health, "costs": costs})
    return described
