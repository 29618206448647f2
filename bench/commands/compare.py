"""`bench compare`: two runs side by side."""

import json
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from bench import comparison, report, results
from bench.commands import options
from bench.comparison import Ratio
from bench.errors import ResultsError, UsageError

EPILOG = """
\b
Examples:
  bench compare                            the last two runs of the plan that was run last
  bench compare first-try second-try       two runs by name
  bench compare results/a results/b        or by path
"""
# What may differ without explaining anything.
UNIMPORTANT = ("database.server", "health.nonce")


@click.command(epilog=EPILOG)
@click.argument("old", required=False)
@click.argument("new", required=False)
def compare(old: str | None, new: str | None) -> None:
    """Show the ratios between two runs.

    Each is new / old; they are also written to compare.csv in the new run's folder.
    """
    console = options.console()
    before, after = _choose(old, new)
    ratios, only = comparison.compare(*(comparison.read_summary(run / "summary.csv") for run in (before, after)))
    if not ratios:
        raise ResultsError(f"{before.name} and {after.name} have no cell in common; compare runs of the same plan")
    console.print(f"old: {before.name}   new: {after.name}", style="bold", highlight=False)
    for line in _differences(before, after):
        console.print(f"differs: {line}", style="yellow", highlight=False, markup=False)
    console.print(_table(ratios))
    for line in only:
        console.print(line, highlight=False, markup=False)
    console.print("Ratios of two runs: a few per cent may be noise.", style="dim")
    results.write_whole(after / "compare.csv", results.csv_text(comparison.COLUMNS, [one.row() for one in ratios]))
    console.print(f"written: {after / 'compare.csv'}", highlight=False, soft_wrap=True)


def _choose(old: str | None, new: str | None) -> tuple[Path, Path]:
    if old is not None and new is not None:
        return results.find(old), results.find(new)
    if old is not None:
        raise UsageError(f"compare {old} with what? Name two runs, or none for the last two of the same plan")
    runs = results.finished()
    if runs:
        plan = _plan_name(runs[-1])
        same = [run for run in runs if _plan_name(run) == plan]
        if len(same) > 1:
            return same[-2], same[-1]
    raise ResultsError("there are no two runs of the same plan in results/ yet; run one twice, or name two runs")


def _plan_name(run: Path) -> str:
    return str(_read_json(run / "plan.json").get("name", ""))


def _differences(before: Path, after: Path) -> list[str]:
    """What the environments say of the machine, the versions and the settings, where it is not the same."""
    old, new = (report.flat(_read_json(run / "environment.json")) for run in (before, after))
    return [
        f"{key}: {old.get(key)} -> {new.get(key)}"
        for key in dict.fromkeys((*old, *new))
        if old.get(key) != new.get(key) and not key.endswith(UNIMPORTANT)
    ]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultsError(f"cannot read {path}: {error}") from None
    return value if isinstance(value, dict) else {}


def _table(ratios: tuple[Ratio, ...]) -> Table:
    table = Table("scenario", "operation", "cell", "metric")
    for heading in ("old", "new", "new / old"):
        table.add_column(heading, justify="right")
    varying = [
        position
        for position, name in enumerate(comparison.KEY)
        if name not in {"scenario", "operation", "service"} and len({one.cell[position] for one in ratios}) > 1
    ]
    last: tuple[str, ...] = ()
    for one in ratios:
        if one.metric == "failure_ratio" and not one.old and not one.new:
            continue
        cell = ", ".join([one.cell[2], *(f"{comparison.KEY[i]} {one.cell[i]}" for i in varying)])
        first = (one.cell[0], one.cell[1], cell) if one.cell != last else ("", "", "")
        table.add_row(
            *first, one.metric, _figure(one.old), _figure(one.new), "" if one.ratio is None else f"{one.ratio:.3f}"
        )
        last = one.cell
    return table


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"
