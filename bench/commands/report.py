"""`bench report`: a run's page, written again from its stored files."""

import click

from bench.commands import options
from bench.store import stored
from bench.store.runs import find, finished
from suite.errors import ResultsError

EPILOG = """
\b
Examples:
  bench report                     the newest run
  bench report first-try           a run by name
  bench report results/first-try   or by path
  bench report --round 3           show the third round in the charts over time
"""


@click.command(epilog=EPILOG)
@click.argument("run", required=False)
@click.option("--round", "chosen_round", type=click.IntRange(1, 99), help="Which round the charts over time show.")
def report(run: str | None, chosen_round: int | None) -> None:
    """Write report.html into the folder of RUN, and results/index.html."""
    from bench.report.html import writing  # noqa: PLC0415  # matplotlib takes seconds to load, which `--help` does not need

    console = options.console()
    runs = finished()
    if run is None and not runs:
        raise ResultsError("there is no run in results/ yet; start one with: bench run")
    folder = runs[-1] if run is None else find(run)
    found = stored.outcome(folder, what_there_is=True)
    path = writing.write(folder, found, chosen_round)
    for problem in found.unreadable:
        console.print(f"not on the page: {problem}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    console.print(f"written: {path}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"written: {writing.write_index()}", highlight=False, markup=False, soft_wrap=True)
