"""One run of a plan, from the first check to the last file. Only this module knows the order of the steps."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from bench.analysis import parity
from bench.analysis.outcome import Ceilings, Outcome
from bench.analysis.verdict import Judgement
from bench.measure import database, environment, fingerprint, output, preflight, resuming, rounds, targets
from bench.measure.database import Database
from bench.measure.fleet import invited, orphans, variables
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.gate import first_look, gate
from bench.measure.gate.gate import Verification
from bench.measure.job import Job, RunRequest, decide
from bench.measure.named import moving
from bench.measure.progress import Display
from bench.measure.resuming import Earlier
from bench.measure.watch import busy
from bench.plan import placement, turns
from bench.plan.model import Target
from bench.plan.note import Note
from bench.report.terminal import parity_table
from bench.store import kept_scenarios, runs, space, stored
from bench.store.runs import Run
from db.data import dataset
from suite import csv_writing
from suite.errors import BenchError, StoppedError, TerminatedError

STOPPED_BY: Mapping[type[BaseException], str] = {
    KeyboardInterrupt: "Ctrl-C was pressed",
    TerminatedError: "the process was told to end (SIGTERM)",
}
NOT_STARTED = {StoppedError.exit_code: BenchError.exit_code}  # for a run that measured nothing


def run(request: RunRequest, console: Console) -> int:
    """Measure a plan. Returns the exit code: 0, or 3 when a cell is INVALID.

    Raises BenchError when it could not start or was stopped part-way, and KeyboardInterrupt or TerminatedError when
    it was interrupted. By then all measurements are saved, and all processes have ended. A run that measured nothing
    leaves no folder.
    """
    began = time.monotonic()
    job, earlier = decide(request), request.earlier
    if earlier is not None:
        resuming.check_database(earlier, database.named(request.database_url), force=request.force)
        if earlier.done and not request.force:
            kept_scenarios.check_unchanged(earlier.run.run_id, earlier.scenarios)
    with runs.lock():
        orphans.end(console)
        moving.put_back_left(console)
        orphans.close_runs(console, going_on=earlier.run if earlier else None)
        preflight.check(request.plan, job.cells, request.bind_host, request.trust.pem)
        folder, outcome = _begin(job) if earlier is None else (earlier.run, resuming.measured(earlier))
        had, state, why = outcome.count, "failed", ""
        try:
            with space.stopping_when_full():
                folder.reserve()
                measure(job, folder, outcome, console)
            state, why = "finished", _invalid(outcome)
            folder.make_latest()
        except (KeyboardInterrupt, TerminatedError) as stop:
            state, why = "interrupted", STOPPED_BY[type(stop)]
            raise
        except BenchError as error:
            why = str(error)
            if earlier is None and not stored.something_measured(folder.folder):
                error.exit_code = NOT_STARTED.get(error.exit_code, error.exit_code)
            elif outcome.count > had or isinstance(error, StoppedError):
                state, error.exit_code = "partial", 2
            elif earlier is not None:
                state = ""
            raise
        except BaseException as bug:
            why = repr(bug)
            raise
        finally:
            folder.release()
            if earlier is None and not stored.something_measured(folder.folder):
                folder.discard()  # its name is free again; there is nothing to resume
                console.print("nothing was measured, and no folder was left in results/", highlight=False)
            elif state:
                output.conclude(job, folder, outcome, console, state, why, time.monotonic() - began)
            elif earlier is not None:
                resuming.restore_status(earlier)
        return 3 if why else 0


def _begin(job: Job) -> tuple[Run, Outcome]:
    """Create the folder of a new run, and an empty outcome."""
    request = job.request
    folder = runs.create(request.name, request.plan_name, datetime.now(UTC))
    folder.status("running")
    folder.write("plan.toml", request.plan_path.read_text(encoding="utf-8"))
    kept_scenarios.keep(folder.folder, request.outside.values())
    folder.write_json("plan.json", job.as_dict(job.rounds))
    plan, rounds = job.plan, job.plan.rounds
    return folder, Outcome(
        plan.verdict, job.cells, claims=plan.claims, first_stage=rounds.first_stage, baseline=rounds.baseline
    )


def measure(job: Job, folder: Run, outcome: Outcome, console: Console) -> None:
    """Open the database, verify the services, then measure the rounds. Each cell is saved before the next begins."""
    scale, setups = job.plan.database.scale, list(dict.fromkeys(cell.setup for cell in job.cells if not cell.setup.url))
    users = dataset.size(scale).users
    with (
        Display(console, job.expected_s(job.rounds)) as display,
        database.opened(job.request.database_url, job.placed.database, [setup.described for setup in setups]) as server,
        Fleet(
            FleetSettings(
                server.dsn.url,
                users,
                job.placed.service,
                job.placed.database,
                job.placed.load,
                bind_host=job.request.bind_host,
                trust=job.request.trust,
                profiled=job.plan.rounds.profile,
                loop_lag=job.plan.load.loop_lag,
            ),
            traced=job.plan.load.timeline,
            calls=any(cell.calls_external for cell in job.cells),
        ) as fleet,
    ):
        _warn(display, preflight.check_pooler(server, job.plan.matrix.pooler))
        watch = busy.Watch(_ours(job, server))
        job = replace(
            job,
            placed=placement.as_it_is(job.placed, database_placed=server.placed, database_movable=server.movable),
        )
        _warn(display, [*placement.notes(job.placed), *variables.notes()])
        for text in turns.alone(job.cells, job.plan):
            display.note(text)
        if job.too_few:
            display.note(job.too_few)
        database.check_connections(server, preflight.most_connections(setups, in_turns=job.plan.rounds.slices > 1))
        _warn(display, database.notes(server))
        display.step(f"dataset of scale {scale:g}, in the {server}")
        loaded = database.loaded(server, scale, display.sharing("loading"))
        elsewhere = tuple(job.request.outside.values())
        recorded = environment.record(server, loaded, job.placed, elsewhere)
        verify_targets(job, fleet, server, folder.folder / "verification", display)
        passed = Verification()
        if setups:
            display.step("verifying that all services give the same answers")
            passed = gate.check(fleet.settings, server, setups, folder.folder / "verification")
        if passed.unchecked:
            display.step(f"not checked: {passed.unchecked}")
        outcome.counted = not passed.unchecked
        outcome.parity = parity.rows(passed.facts)
        others = watch.seen()
        _warn(display, others.notes("while this run was prepared"))
        named = {one.name: _noted(one) for one in job.plan.targets}
        recorded |= {"counted": outcome.counted, "busy": others.as_dict(), "services": _described(passed)}
        recorded |= {"targets": named} if named else {}
        if job.request.earlier is not None:
            continue_run(job.request.earlier, recorded, force=job.request.force, display=display)
        folder.write("parity.csv", csv_writing.csv_text(parity.COLUMNS, map(asdict, outcome.parity)))
        for line in parity_table.lines(outcome.parity):
            display.say(line)
        if not job.done:  # the environment of the first measurements is kept
            folder.write_json("environment.json", recorded)
            kept_scenarios.keep(folder.folder, elsewhere)  # the files may have changed since the run was begun
        stage = rounds.Stage(fleet, server, folder, outcome, display, passed.transactions())
        outcome.ceilings = Ceilings(rounds.ceilings_of(job, stage))
        if job.plan.load.expect_workers:
            display.show(invited.invitation(job))
        if job.plan.load.rate_share is not None:
            job = job.at_rate(rounds.find_rate(job, stage))
            folder.write_json("plan.json", job.as_dict(job.rounds))
        first = fingerprint.take(server.dsn, elsewhere)
        for number in rounds.numbers(job, stage):
            fingerprint.check(first, fingerprint.take(server.dsn, elsewhere))
            rounds.measure(job, number, stage)


def _ours(job: Job, server: Database) -> list[int]:
    """Processes that belong to the run and are not started by it."""
    targeted = [pid for one in job.plan.targets for pid in targets.processes(one.url)]
    return [*targeted, *server.pids]


def _noted(target: Target) -> dict[str, str]:
    started = {"command": target.command} if target.command else {}
    return {"url": target.url, "title": target.title, **started}


def _warn(display: Display, notes: Iterable[Note]) -> None:
    for note in notes:
        display.say(Text(str(note), style="yellow"))


def verify_targets(job: Job, fleet: Fleet, server: Database, logs: Path, display: Display) -> None:
    """Check that every target answers the operations of the scenarios, and print the notes about it.

    Those with a command are started for it, and ended: each round has new processes. So is the external API, whose port
    is then free for the services that verification starts.
    """
    operations = frozenset(name for cell in job.cells for name in cell.operations)
    setups = list(dict.fromkeys(replace(cell.setup, arm="") for cell in job.cells if cell.setup.url))
    if any(cell.calls_external and cell.setup.url for cell in job.cells):
        fleet.external.start(logs)
    if started := {setup: logs / f"{setup.service}.log" for setup in setups if setup.is_started}:
        display.step(f"starting {', '.join(setup.service for setup in started)}")
        fleet.start(started)
        for setup in started:
            first_look.check(setup, operations, fleet.settings.trust.pem)
    for setup in setups:
        display.step(f"verifying target {setup.service}")
        display.say(Text(gate.check_target(fleet.settings, server, setup, operations)))
        if not setup.is_started:
            _warn(display, targets.notes(setup, fleet.settings.cpus))
    fleet.stop()


def continue_run(earlier: Earlier, recorded: Mapping[str, Any], *, force: bool, display: Display) -> None:
    """Continue a run that was stopped. Raises ResultsError before it changes any of the run's files."""
    other = resuming.check_same(earlier, recorded, force=force)
    resuming.set_aside_unfinished(earlier)
    earlier.run.resumed(earlier.after, other)
    after = f"after {earlier.after}" if earlier.after else "from the beginning"
    display.show(f"continuing {earlier.run.run_id} {after}: {len(earlier.done)} measured, {earlier.missing} missing")
    for line in other:
        display.show(f"although this differs: {line}")


def _invalid(outcome: Outcome) -> str:
    results = outcome.results.values()
    slugs = [result.cell.slug for result in results if result.verdict.name is Judgement.INVALID]
    return f"INVALID: {', '.join(slugs)}" if slugs else ""


def _described(passed: Verification) -> dict[str, object]:
    """The /health of each service and the costs of its operations, for its first setup."""
    described: dict[str, object] = {}
    for setup, health in passed.health.items():
        costs = {operation: asdict(cost) for operation, cost in passed.costs.get(setup, {}).items()}
        encryption = passed.facts[setup].encryption if setup in passed.facts else None
        described.setdefault(
            setup.service, {**asdict(setup), "health": health, "costs": costs, "encryption": encryption}
        )
    return described
