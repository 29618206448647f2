"""The output of a run: tables after each cell; at the end status, page and the last lines on the terminal."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bench.analysis import analysis
from bench.analysis.analysis import Analysis
from bench.analysis.outcome import Outcome
from bench.measure.job import Job
from bench.measure.resuming import Earlier
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from bench.report import csv_tables, stack_files
from bench.report.terminal import claims, layers_table, parity_table, ranking
from bench.store import files, runs
from bench.store.runs import Run
from suite.errors import BenchError


def save(folder: Run, plan: Plan, outcome: Outcome, cells: Sequence[Cell]) -> None:
    """Write the tables of all cells, and the statistics of these in Locust's layout."""
    csv_tables.write(folder.folder, plan.load, analysis.of(outcome), cells)


def conclude(job: Job, folder: Run, outcome: Outcome, console: Console, state: str, why: str, took_s: float) -> None:
    """Print how the run ended, the results, and where they are."""
    total_s = _total_s(job.request.earlier, took_s)
    try:
        folder.status(state, why)
        folder.write_json("duration.json", {"total_s": total_s, "window_s": outcome.window_s})
    except BenchError as error:  # the reason why the run ended matters more
        console.print(str(error), style="yellow", highlight=False, markup=False, soft_wrap=True)
    found = analysis.of(outcome)
    if found.results:
        console.print(Text(f"\n{job.plan.title or job.request.plan_name}", style="bold"), soft_wrap=True)
    rankings = {one.scenario: one for one in found.rankings}
    for scenario in dict.fromkeys(cell.scenario for cell in found.measured):
        console.print()
        console.print(ranking.ranking(rankings[scenario], all_pairs=job.request.all_pairs))
    for scenario in dict.fromkeys(one.scenario for one in found.profiles):
        console.print()
        console.print(layers_table.table(scenario, [one for one in found.profiles if one.scenario == scenario]))
    if found.rulings and found.results:
        console.print()
        console.print(claims.table(found.rulings))
    if found.results:
        console.print()
        for line in parity_table.lines(found.parity):
            console.print(line, highlight=False)
    for sentence in runs.resumed_in_words(files.json_object(folder.folder / "status.json") or {}):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    share = f", {outcome.window_s / total_s:.0%} of it inside windows" if found.results and total_s else ""
    whole = "" if total_s == took_s else f", {total_s:.0f} s in all" if total_s else ", plus the time before the resume"
    because = f": {why}" if state == "interrupted" else ""  # of other states, the error says it
    console.print(f"\n{state} after {took_s:.0f} s{whole}{share}{because}", highlight=False)
    console.print(f"results: {_short(folder.folder)}", highlight=False, soft_wrap=True)
    if state != "interrupted":
        write_pages(folder, found, console)
    elif found.results:  # a user who interrupts a run wants it to end at once
        console.print(f"to write its page, report.html: bench report {folder.run_id}", highlight=False)
    if state != "finished":
        console.print(f"to measure what is missing: bench run --resume {folder.run_id}", highlight=False)


def _total_s(earlier: Earlier | None, took_s: float) -> float | None:
    """The total duration of a run. None when a resumed run did not record how long its first part took."""
    if earlier is None:
        return took_s
    return None if earlier.total_s is None else earlier.total_s + took_s


def write_pages(folder: Run, found: Analysis, console: Console) -> None:
    """Write the run's page and the index of all runs. An error is only printed: the run is over and saved."""
    try:
        from bench.report.html import writing  # noqa: PLC0415  # matplotlib takes a second to load, which no run starts with

        if found.results:
            stack_files.write(folder.folder, found)
            written = writing.write(folder.folder, found)
            console.print(f"report: {_short(written.path)}", highlight=False, soft_wrap=True)
        writing.write_index()
    except Exception as error:  # noqa: BLE001  # no error of the page may lose the measurements
        why = " ".join(str(error).split()) or repr(error)
        console.print(f"no report.html: {why}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
