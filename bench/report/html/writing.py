"""Writes a run's page and the index of all runs, from stored files."""

import tomllib
from pathlib import Path
from typing import NamedTuple

from polars.exceptions import PolarsError

from bench.analysis import analysis
from bench.analysis.analysis import Analysis
from bench.plan import outside
from bench.plan.model import Plan
from bench.report import answer
from bench.report.html import index, page, picture, repeat, series
from bench.report.html.charts import ratios
from bench.report.html.sections import MOST_CELLS, RunFacts
from bench.store import files, kept_scenarios, runs, stored
from suite.errors import ResultsError

REPORT, INDEX = "report.html", "index.html"


class Written(NamedTuple):
    """A page, and in words the parts that are missing because their files could not be read."""

    path: Path
    missing: tuple[str, ...]


def write(folder: Path, found: Analysis | None = None, chosen_round: int | None = None) -> Written:
    """Make a run's report.html.

    `found` is what the run amounts to where that is at hand; without it, it is read from the folder. Charts over time
    are of `chosen_round`, or of the first in which a cell came to a window that counts. Measurements of a stored run
    that cannot be read are named on the page, which then calls the run partial. Raises ResultsError.
    """
    found = analysis.of(stored.outcome(folder, what_there_is=True)) if found is None else found
    if not found.results:
        raise ResultsError(f"{folder} holds no measurement; there is nothing to report")
    path, lost = folder / REPORT, list(found.unreadable)
    files.write_whole(path, page.page(_facts(folder, found, chosen_round, lost), found))
    return Written(path, tuple(lost))


def write_index() -> Path:
    """Make results/index.html and return its path."""
    path = runs.RESULTS / INDEX
    files.write_whole(path, index.page(index.entries(runs.RESULTS)))
    return path


def write_pictures(folder: Path, found: Analysis) -> list[Path]:
    """Write the chart of each scenario's answer, light and dark. Raises ResultsError where there is none."""
    written = []
    for one in map(answer.of, found.rankings):
        chart = ratios.chart(one)
        if chart is None:
            continue
        for name, dark in (("light", False), ("dark", True)):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{one.scenario}-{name}.svg"
            files.write_whole(path, picture.standalone(chart, dark=dark))
            written.append(path)
    if not written:
        raise ResultsError("no ratio of this run is known, so there is no picture of its answer")
    return written


def _facts(folder: Path, found: Analysis, chosen_round: int | None, lost: list[str]) -> RunFacts:
    """What cannot be read is added to `lost`."""
    written = files.json_of(folder / "plan.json")
    used = stored.plan_of(written)
    over_time, timelines = [], []
    for one in found.results[:MOST_CELLS]:
        rounds = dict(series.places(folder, one.cell.slug))
        counting = [number for number in rounds if number not in one.lost.rounds]
        number = next(iter(counting), None) if chosen_round is None else chosen_round
        if number is None or number not in rounds:
            continue
        try:
            drawn, rows = series.over_time(one.cell.slug, number, rounds[number]), series.timeline(rounds[number])
        except (ResultsError, OSError, PolarsError, AttributeError, KeyError, TypeError, ValueError) as error:
            where, said = rounds[number].relative_to(folder), stored.within(folder, error)
            lost.append(f"no charts of {where}: a file there cannot be read ({said})")
            continue
        over_time += [drawn] if drawn else []
        timelines.append((one.cell.slug, number, rows))
    if chosen_round is not None and not over_time:
        raise ResultsError(f"{folder} has no round {chosen_round} with a window")
    status = stored.readable(folder, lambda: files.json_if_any(folder / "status.json"), lost) or {}
    environment = stored.readable(folder, lambda: stored.environment(folder), lost) or {}
    as_written = stored.readable(folder, lambda: _as_written(folder, used), lost) or used
    private = bool(environment.get("database", {}).get("private", True))
    place = f"results/{folder.resolve().name}"
    origins = stored.readable(folder, lambda: kept_scenarios.origins(written), lost) or {}
    copies = {name: f"{place}/{kept_scenarios.copy(folder, name).relative_to(folder)}" for name in origins}
    return RunFacts(
        run_id=folder.resolve().name,
        plan=used,
        plan_name=str(written.get("name", "")),
        state="partial" if lost else str(status.get("state", "")),
        why="; ".join(lost) or str(status.get("why", "")),
        at=str(status.get("at", ""))[:16].replace("T", " "),
        environment=environment,
        command=repeat.command(
            f"{place}/plan.toml", as_written, used, written.get("seed"), private=private, copies=copies
        ),
        over_time=over_time,
        timelines=timelines,
        resumed=runs.resumed_in_words(status),
    )


def _as_written(folder: Path, used: Plan) -> Plan:
    """The plan's own file; where it is missing, the plan as it was run."""
    path = folder / "plan.toml"
    try:
        if not path.exists():
            return used
        return Plan.model_validate(outside.with_names(tomllib.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError) as error:  # pydantic's, tomllib's and a decoder's errors are ValueErrors
        raise ResultsError(f"cannot read {path}: {error}") from None
