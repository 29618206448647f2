"""`bench compare`: what changed between two runs, and what is noise."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from bench.commands import options, printing
from bench.compare import causes, cells, changes, documents, figures, locust_csv, losses, regressions
from bench.compare.cells import OperationFigures
from bench.compare.changes import Change, SharedChange
from bench.compare.figures import StoredRun
from bench.report import markdown
from bench.report.html import change_page, writing
from bench.report.terminal import change_table
from bench.store import files
from bench.store.csv_foreign import STANDARD_INPUT
from bench.store.runs import find, finished
from suite import csv_writing
from suite.errors import ResultsError, UsageError

NameOf = Callable[[tuple[str, ...]], str]
REGRESSED = 4
MOST_NAMED = 5
EPILOG = """
\b
Examples:
  bench compare                                   the last two runs of the most recent plan
  bench compare first-try second-try              two runs by name, or by path
  bench compare --fail-on-regression 5%           exit with 4 if anything is shown to be over 5% worse
  bench compare --format markdown old new         a table for a pull request
  bench compare a_stats.csv b_stats.csv           two files that Locust wrote, of any version since 0.11
  bench compare a_stats.csv b_stats.csv --format csv    all their names, not only those that changed most
  gunzip -c b.gz | bench compare a_stats.csv -    one of them from standard input

\b
Exit codes: 0 compared; 1 not comparable, or bad input; 4 found a regression (--fail-on-regression): a whole interval is
worse, of one cell beside the others or of all cells together, a cell became INVALID or is no longer there, or more
requests failed.
"""


@click.command(epilog=EPILOG)
@click.argument("old", required=False)
@click.argument("new", required=False)
@click.option("--format", "form", type=click.Choice(["table", "markdown", "csv"]), default="table", show_default=True)
@click.option(
    "--fail-on-regression",
    "limit",
    type=options.SHARE,
    help="Exit with 4 if a whole interval is worse by more than this share, e.g. 5%, or if a cell was lost.",
)
@click.option("--force", is_flag=True, help="Compare runs of different machines, plans or data; mark the result.")
def compare(old: str | None, new: str | None, form: str, limit: float | None, *, force: bool) -> int:
    """Show what changed between two runs, and whether it is more than noise.

    Ratios are new / old, with intervals over the rounds. Where three services or more were measured, each cell is
    judged by its net change: beside the others, so that a faster machine is no better service. All is also written to
    compare.csv and compare.html in the new run's folder. Two CSV files of Locust can be compared too, without
    intervals.
    """
    if old is not None and new is not None and _is_file(old) and _is_file(new):
        if limit is not None:
            raise UsageError("--fail-on-regression needs intervals over rounds, which Locust's own files do not have")
        _compare_files(old, new, form)
        return 0
    folders = _choose(old, new)
    before, after = (figures.read(folder) for folder in folders)
    obstacles = causes.obstacles(before.facts, after.facts)
    if obstacles and not force:
        listed = "".join(f"\n  {line}" for line in obstacles)
        raise ResultsError(f"{before.name} and {after.name} differ; --force compares them anyway:{listed}")
    changed, name_of = changes.compare(before.figures, after.figures), _names(before, after)
    shared = changes.shared(before.figures, after.figures)
    if not changed:
        raise ResultsError(f"{before.name} and {after.name} have no cell in common; compare runs of the same plan")
    document = documents.of_runs(
        (before.name, after.name),
        changed,
        shared=shared,
        obstacles=obstacles,
        remarks=(*before.remarks, *after.remarks),
        lost=losses.lines(losses.found(before.figures, after.figures), name_of),
        alone=_alone(before, after, name_of),
        causes=causes.candidates(before.facts, after.facts),
    )
    written = _write(folders[1], changed, change_page.page(document, _links(*folders)))
    if form == "csv":
        printing.write(written[0].read_text(encoding="utf-8"))
    else:
        _show(document, form)
    if form == "table":
        for path in written:
            options.console().print(f"written: {path}", highlight=False, markup=False, soft_wrap=True)
    if limit is None:
        return 0
    lost = losses.lines(losses.found(before.figures, after.figures, limit), name_of)
    return _judge(changed, shared, limit, lost)


def _is_file(name: str) -> bool:
    """Whether it is no run: a run is a folder."""
    return name == STANDARD_INPUT or name.lower().endswith((".csv", ".csv.gz", ".tsv")) or Path(name).is_file()


def _compare_files(old: str, new: str, form: str) -> None:
    if old == new == STANDARD_INPUT:
        raise UsageError("only one of the two files can come from standard input (-); name the other")
    found, alone = locust_csv.compare(old, new)
    if form == "csv":
        printing.write(csv_writing.csv_text(locust_csv.COLUMNS, [one.row() for one in (*found, *alone)]))
    else:
        _show(documents.of_files(old, new, found, alone), form)


def _choose(old: str | None, new: str | None) -> tuple[Path, Path]:
    if old is not None and new is not None:
        for name in (old, new):
            if _is_file(name):
                raise UsageError(f"{name} is a file and the other is not; compare two runs, or two files of Locust")
        return find(old), find(new)
    if old is not None:
        raise UsageError(f"{old} is only one run; name two, or none to compare the last two of the same plan")
    runs = finished()
    if runs:
        plan = figures.plan_name(runs[-1])
        same = [run for run in runs if figures.plan_name(run) == plan]
        if len(same) > 1:
            return same[-2], same[-1]
        others = ", ".join(f"{run.name} ({figures.plan_name(run)})" for run in runs[-MOST_NAMED - 1 : -1])
        there = f"; others are {others}" if others else ""
        raise ResultsError(
            f"the newest run, {runs[-1].name}, is the only one of the plan {plan} in results/{there}. Run the plan once"
            " more, or name two runs: bench compare OLD NEW"
        )
    raise ResultsError("there is no run in results/ yet; measure a plan twice: bench run")


def _names(before: StoredRun, after: StoredRun) -> NameOf:
    return cells.named(one.identity for one in (*before.figures, *after.figures))


def _links(old: Path, new: Path) -> dict[str, str]:
    """From the newer run's folder to the pages of both, where they are."""
    pages = {one.resolve().name: one.resolve() / writing.REPORT for one in (old, new)}
    return {name: os.path.relpath(page, new.resolve()) for name, page in pages.items() if page.exists()}


def _alone(before: StoredRun, after: StoredRun, name_of: NameOf) -> list[str]:
    only_old, only_new = cells.only(before.figures, after.figures)

    def lines(which: str, alone: Sequence[OperationFigures]) -> list[str]:
        return [f"only in the {which} run: {name_of(one.identity)}" for one in alone]

    return lines("old", only_old) + lines("new", only_new)


def _write(folder: Path, changed: Sequence[Change], page: str) -> tuple[Path, Path]:
    table, shown = folder / "compare.csv", folder / "compare.html"
    files.write_whole(table, csv_writing.csv_text(changes.COLUMNS, [one.row() for one in changed]))
    files.write_whole(shown, page)
    return table, shown


def _show(document: documents.Document, form: str) -> None:
    if form == "markdown":
        printing.write(markdown.markdown(document))
    else:
        options.console().print(change_table.terminal(document))


def _judge(changed: Sequence[Change], shared: Sequence[SharedChange], limit: float, lost: Sequence[str]) -> int:
    """Name the regressions, where Markdown on standard output is not disturbed. Returns the exit code."""
    worse, together = regressions.regressed(changed, limit), regressions.regressed_together(shared, limit)
    for line in lost:
        printing.write(f"regression: {line}\n", is_error=True)
    for all_cells in together:
        printing.write(f"{documents.regression_together(all_cells, limit)}\n", is_error=True)
    name_of = cells.named(one.identity for one in changed)
    for one in worse:
        printing.write(f"{documents.regression(one, limit, name_of(one.identity))}\n", is_error=True)
    whole = [one for one in changed if one.operation == "all"]
    unknown = sum(one.ci_low is None and one.ci_high is None for one in whole)
    if unknown:
        printing.write(
            f"{unknown} of {len(whole)} figures have no interval and cannot show a regression\n", is_error=True
        )
    return REGRESSED if worse or together or lost else 0
