"""`bench report`: a run's page and tables, written again from its stored files."""

from pathlib import Path

import click

from bench.analysis import analysis
from bench.commands import options
from bench.report import csv_tables, stack_files
from bench.report.terminal import ratios
from bench.store import files, stored
from bench.store.runs import find, finished
from suite.errors import ResultsError

EPILOG = """
\b
Examples:
  bench report                     the newest run
  bench report first-try           a run by name
  bench report results/first-try   or by path
  bench report --round 3           show the third round in the charts over time
  bench report --all-pairs         print the ratios of all pairs
  bench report --pictures docs     the chart of the answer as files of its own, light and dark
"""


@click.command(epilog=EPILOG)
@click.argument("run", required=False)
@click.option("--round", "chosen_round", type=click.IntRange(1, 99), help="Which round the charts over time show.")
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the chart of each scenario's answer there, as <scenario>-light.svg and -dark.svg.",
)
@options.all_pairs
def report(run: str | None, chosen_round: int | None, pictures: Path | None, *, all_pairs: bool) -> None:
    """Write report.html and the CSVs of RUN again, from its stored samples, and results/index.html.

    The CSVs stay as they are where not everything that they were made of can be read any more.
    """
    from bench.report.html import writing  # noqa: PLC0415  # matplotlib takes seconds to load, which `--help` does not need

    console = options.console()
    runs = finished()
    if run is None and not runs:
        raise ResultsError("there is no run in results/ yet; start one with: bench run")
    folder = runs[-1] if run is None else find(run)
    found = analysis.of(stored.outcome(folder, what_there_is=True))
    written = writing.write(folder, found, chosen_round)
    for problem in written.missing:
        console.print(f"not on the page: {problem}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    for remark in found.disagreeing:
        console.print(str(remark), style="yellow", highlight=False, markup=False, soft_wrap=True)
    console.print(f"written: {written.path}", highlight=False, markup=False, soft_wrap=True)
    if why := csv_tables.obstacle(folder, found):
        console.print(f"the CSVs stay as they are: {why}", style="yellow", highlight=False, soft_wrap=True)
    else:
        load = stored.plan_of(files.json_of(folder / "plan.json")).load
        csv_tables.write(folder, load, found, found.measured)
        stack_files.write(folder, found)
        console.print(f"written: {folder / 'summary.csv'} and the other CSVs", highlight=False, soft_wrap=True)
    for path in [] if pictures is None else writing.write_pictures(pictures, found):
        console.print(f"written: {path}", highlight=False, markup=False, soft_wrap=True)
    for part in (one for each in found.rankings for one in ratios.every(each) if all_pairs):
        console.print(part)
    console.print(f"written: {writing.write_index()}", highlight=False, markup=False, soft_wrap=True)
