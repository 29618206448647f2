"""Resuming a run that was stopped: its measurements, what is missing, and whether the environment is the same."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.analysis.outcome import Outcome
from bench.compare import causes
from bench.compare.causes import RunConditions
from bench.plan import matrix, schedule
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from bench.store import files, kept_scenarios, measurements, runs, stored
from bench.store.kept_scenarios import Again
from bench.store.runs import LATEST, RUN_NAME, Run
from db.address import dsn
from db.address.dsn import Dsn
from suite.errors import DatabaseError, ResultsError, UsageError

# The digest of the code covers this: a commit may change files that do not matter, and a change may be uncommitted.
COVERED_BY_CODE_DIGEST = "git commit"
PRIVATE = "private PostgreSQL"


@dataclass(frozen=True)
class Earlier:
    """A run that did not finish. `order` has the slugs of every planned round.

    `done` has its measurements, by round and slug. `total_s` is how long it took so far; it is None when the run was
    killed before it recorded that.
    """

    run: Run
    plan_name: str
    plan: Plan
    seed: int
    order: tuple[tuple[str, ...], ...]
    state: str
    why: str
    environment: Mapping[str, Any] | None = None
    done: frozenset[tuple[int, str]] = field(default_factory=frozenset)
    total_s: float | None = None
    scenarios: tuple[Again, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    @property
    def after(self) -> str:
        """Its last measurement, in words. Empty if it has none."""
        places = [(number, slug) for number, slugs in enumerate(self.order, 1) for slug in slugs]
        last = max((index for index, place in enumerate(places) if place in self.done), default=None)
        return "" if last is None else f"round {places[last][0]}: {places[last][1]}"

    @property
    def missing(self) -> int:
        """How many measurements are missing."""
        return sum(len(slugs) for slugs in self.order) - len(self.done)


def read(name: str) -> Earlier:
    """Read the run with this name, or with this path directly below results/.

    Raises UsageError when there is no run that can be resumed, and ResultsError when its files cannot be used.
    """
    folder = _folder(name)
    status = files.json_object(folder / "status.json")
    if status is None:
        raise ResultsError(f"cannot read {folder / 'status.json'}: it has no state of the run; start a new run")
    state = str(status.get("state", ""))
    if state == "finished":
        raise UsageError(
            f"the run {folder.name} is finished: nothing is missing. To repeat it:"
            f" bench run --plan results/{folder.name}/plan.toml"
        )
    written = files.json_of(folder / "plan.json")
    try:
        settings, seed = stored.plan_of(written), int(written["seed"])
        order = tuple(tuple(map(str, slugs)) for slugs in written["order"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # pydantic's error is a ValueError
        why = str(error).partition("\n")[0]
        raise ResultsError(f"{folder / 'plan.json'} has no plan that this version can continue: {why}") from None
    scenarios = kept_scenarios.again(folder, written)
    cells = matrix.cells(settings, kept_scenarios.by_name(scenarios))
    _check_order(folder, written, cells, order, seed)
    duration = files.json_object(folder / "duration.json") or {}
    total_s = duration.get("total_s") if state != "running" else None
    return Earlier(
        run=Run(folder),
        plan_name=str(written.get("name", "")),
        plan=settings,
        seed=seed,
        order=order,
        state=state,
        why=str(status.get("why", "")),
        environment=stored.environment(folder) or None,
        done=frozenset(_done(folder, order)),
        total_s=float(total_s) if isinstance(total_s, int | float) else None,
        scenarios=scenarios,
        origins=kept_scenarios.origins(written),
    )


def measured(earlier: Earlier) -> Outcome:
    """The measurements of the run. Raises ResultsError that names the unreadable file and the remedy."""
    try:
        return stored.outcome(earlier.run.folder)
    except ResultsError as error:
        raise ResultsError(
            f"cannot continue {earlier.run.run_id}: {error}. `bench report {earlier.run.run_id}` shows what can be"
            " read; a cell whose folder is moved out of rounds/ is measured again"
        ) from None


def check_database(earlier: Earlier, named: Dsn | None, *, force: bool) -> None:
    """Raise ResultsError, before anything is started, if the run was measured on another database.

    `named` is None for the private server. `force` skips this check.
    """
    now = {"private": named is None, "server": "" if named is None else named.redacted}
    found = other_database((earlier.environment or {}).get("database", {}), now)
    if found is not None and not force:
        before, here = found
        remedy = (
            "leave out --database-url, and unset DATABASE_URL and PG*"
            if before == PRIVATE
            else "use the same --database-url (or DATABASE_URL, or PG*) as before"
        )
        raise ResultsError(
            f"{earlier.run.run_id} was measured on the {before}, and would now continue on the {here}: {remedy};"
            " --force continues anyway, and the report then says so"
        )


def other_database(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, str] | None:
    """The names of the two databases if they differ. None if they are the same, or could be."""
    if before.get("private") is None or now.get("private") is None or (before["private"] and now["private"]):
        return None
    places = [PRIVATE if one.get("private") else _place(str(one.get("server", ""))) for one in (before, now)]
    return None if places[0] == places[1] else (places[0], places[1])


def _place(server: str) -> str:
    """Host, port and database. Another role or other parameters do not make it another database."""
    try:
        found = dsn.parse(server)
    except DatabaseError:
        return f"PostgreSQL at {server}"
    return f"PostgreSQL at {found.host}:{found.port}, database {found.dbname}"


def check_same(earlier: Earlier, now: Mapping[str, Any], *, force: bool) -> tuple[str, ...]:
    """The differences between the run's environment and this one. Empty if the run has measured nothing yet.

    Raises ResultsError that lists every difference, unless `force` is set.
    """
    if not earlier.done:
        return ()
    found = differences(earlier.environment, json.loads(json.dumps(now, default=str)))
    if other := other_database((earlier.environment or {}).get("database", {}), now.get("database", {})):
        found = (f"database: {' -> '.join(other)}", *found)
    if found and not force:
        listed = "".join(f"\n  {line}" for line in found)
        raise ResultsError(
            f"{earlier.run.run_id} was measured in another environment. Start a new run, or use --force to continue"
            f" anyway; the report then says so. These differ:{listed}"
        )
    return found


def differences(before: Mapping[str, Any] | None, now: Mapping[str, Any]) -> tuple[str, ...]:
    """The differences between two environment.json: machine, data, versions, settings, code. Pure."""
    old, new = RunConditions(before, {}), RunConditions(now, {})
    forbidding = causes.obstacles(old, new)
    if before is None:
        return forbidding
    groups = causes.candidates(old, new)
    groups.pop(COVERED_BY_CODE_DIGEST, None)
    explaining = [f"{group}: {line}" for group, lines in groups.items() for line in lines]
    return (*forbidding, *explaining)


def set_aside_unfinished(earlier: Earlier) -> None:
    """Move the files of unfinished measurements aside, and those of a search for a rate that did not finish."""
    for place in sorted((earlier.run.folder / "rounds").glob("[0-9][0-9]/*")):
        if not place.is_dir() or (int(place.parent.name), place.name) in earlier.done:
            continue
        if place.parent.name != "00" or earlier.plan.load.rate_share is not None:
            runs.set_aside_cut_off(place)


def restore_status(earlier: Earlier) -> None:
    """Give a run that could not be resumed its earlier status again."""
    status = files.json_object(earlier.run.folder / "status.json") or {}
    if status.get("state") != earlier.state:
        earlier.run.status(earlier.state, earlier.why)


def _folder(name: str) -> Path:
    given = Path(name)
    folder = runs.RESULTS / given.name
    below = given.name == name or given.parent.resolve() == runs.RESULTS.resolve()
    if folder.is_symlink():
        raise UsageError(f"{name!r} is a link; use the run's own name, as `ls results` shows it")
    if not below or not RUN_NAME.fullmatch(given.name) or given.name == LATEST or not folder.is_dir():
        raise UsageError(f"there is no run {name!r} in results/; those that can be resumed: {_resumable()}")
    return folder


def _resumable() -> str:
    """The newest runs that are not finished."""
    paths = sorted(runs.RESULTS.glob("*/status.json"), key=lambda path: path.stat().st_mtime)
    stopped = [
        path.parent.name
        for path in paths
        if not path.parent.is_symlink() and (files.json_object(path) or {}).get("state") not in {None, "finished"}
    ]
    return ", ".join(stopped[-5:]) or "none"


def _check_order(
    folder: Path, written: Mapping[str, Any], cells: Sequence[Cell], order: Sequence[Sequence[str]], seed: int
) -> None:
    """Raise ResultsError if this version makes other cells, or another order, than plan.json has."""
    mine = json.loads(json.dumps([cell.as_dict() for cell in cells]))
    drawn = [[cell.slug for cell in one] for one in schedule.order(cells, len(order), seed)]
    if written.get("cells") != mine or drawn != [list(slugs) for slugs in order]:
        raise ResultsError(
            f"{folder / 'plan.json'} has other cells, or another order, than this version makes from its plan and seed:"
            f" check out the version that measured it, or start a new run: bench run --plan"
            f" results/{folder.name}/plan.toml"
        )


def _done(folder: Path, order: Sequence[Sequence[str]]) -> list[tuple[int, str]]:
    return [
        (number, slug)
        for number, slugs in enumerate(order, 1)
        for slug in slugs
        if measurements.has_ended(folder / "rounds" / f"{number:02d}" / slug)
    ]
