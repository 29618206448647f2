"""What a run leaves: the tables after each cell; at its end its status, its page and the last lines on the terminal."""

from pathlib import Path

import polars as pl
from rich.console import Console
from rich.text import Text

from bench.analysis import sweeps
from bench.analysis.outcome import Outcome
from bench.analysis.rows import SUMMARY, summary_rows
from bench.measure.job import Job
from bench.measure.resuming import Earlier
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from bench.report import csv_tables
from bench.report.terminal import claims, parity_table, ranking
from bench.store import files, runs
from bench.store.runs import Run
from suite import csv_writing
from suite.errors import BenchError


def save(folder: Run, plan: Plan, outcome: Outcome, cell: Cell) -> None:
    """Write the tables of all cells, and the cell's own statistics in Locust's layout."""
    found = outcome.ordered()
    tables = {
        "summary.csv": (SUMMARY, summary_rows(folder.run_id, plan.load, found)),
        "comparison.csv": (csv_tables.COMPARISON, csv_tables.comparison_rows(found)),
        "sweeps.csv": (sweeps.COLUMNS, list(sweeps.rows(found))),
        "ceilings.csv": (csv_tables.CEILINGS, csv_tables.ceiling_rows(found, outcome.ceilings)),
    }
    if outcome.claims:
        tables["claims.csv"] = (claims.CLAIMS, claims.claim_rows(outcome))
    for name, (columns, table) in tables.items():
        if name == "sweeps.csv" and not table:
            continue
        folder.write(name, csv_writing.csv_text(columns, table))
    whole = [one for one in outcome.measured[cell] if one.length_s]
    if whole:
        pooled = pl.concat([one.samples for one in whole])
        rows = csv_tables.locust_rows(pooled, sum(one.length_s for one in whole))
        folder.write(f"{cell.slug}_stats.csv", csv_writing.csv_text(csv_tables.LOCUST_COLUMNS, rows))


def conclude(job: Job, folder: Run, outcome: Outcome, console: Console, state: str, why: str, took_s: float) -> None:
    """Say how the run ended, show what was measured, and where it is."""
    total_s = _total_s(job.request.earlier, took_s)
    try:
        folder.status(state, why)
        folder.write_json("duration.json", {"total_s": total_s, "window_s": outcome.window_s})
    except BenchError as error:  # why the run ended is the message that matters
        console.print(str(error), style="yellow", highlight=False, markup=False, soft_wrap=True)
    if outcome.results:
        console.print(Text(f"\n{job.plan.title or job.request.plan_name}", style="bold"), soft_wrap=True)
    for scenario in dict.fromkeys(cell.scenario for cell in outcome.results):
        console.print()
        console.print(ranking.ranking(outcome.ordered(), scenario, outcome.ceilings))
    if outcome.claims and outcome.results:
        console.print()
        console.print(claims.table(outcome))
    if outcome.results:
        console.print()
        for line in parity_table.lines(outcome.parity):
            console.print(line, highlight=False)
    for sentence in runs.resumed_in_words(files.json_object(folder.folder / "status.json") or {}):
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    share = f", {outcome.window_s / total_s:.0%} of it inside windows" if outcome.results and total_s else ""
    whole = "" if total_s == took_s else f", {total_s:.0f} s in all" if total_s else ", plus the time before the resume"
    console.print(f"\n{state} after {took_s:.0f} s{whole}{share}", highlight=False)
    console.print(f"results: {_short(folder.folder)}", highlight=False, soft_wrap=True)
    if state != "interrupted":
        write_pages(folder, outcome, console)
    elif outcome.results:  # who interrupts a run wants it to end at once
        console.print(f"to write its page, report.html: bench report {folder.run_id}", highlight=False)
    if state != "finished":
        console.print(f"to measure what is missing: bench run --resume {folder.run_id}", highlight=False)


def _total_s(earlier: Earlier | None, took_s: float) -> float | None:
    """How long a run took in all; None where one that is resumed could not say how long it had taken."""
    if earlier is None:
        return took_s
    return None if earlier.total_s is None else earlier.total_s + took_s


def write_pages(folder: Run, outcome: Outcome, console: Console) -> None:
    """Leave the run's page and the index of all runs. What goes wrong is said in a line: the run is over and saved."""
    try:
        from bench.report.html import writing  # noqa: PLC0415  # matplotlib takes a second to load, which no run starts with

        if outcome.results:
            page = writing.write(folder.folder, outcome)
            console.print(f"report: {_short(page)}", highlight=False, soft_wrap=True)
        writing.write_index()
    except Exception as error:  # noqa: BLE001  # whatever it is, what was measured must not be lost over a page
        said = " ".join(str(error).split()) or repr(error)
        console.print(f"no report.html: {said}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
