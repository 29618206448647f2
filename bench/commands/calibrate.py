"""`bench calibrate`: what this machine can do as a load generator."""

import tempfile
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from bench.commands import options
from bench.plan import placement
from bench.selfbench import calibration
from bench.selfbench.calibration import Figure
from bench.selfbench.setting import Setting

JUDGED = {True: Text("good", style="green"), False: Text("poor", style="red"), None: Text("")}


@click.command()
def calibrate() -> None:
    """Measure this machine's load generator, clock and noise, in about two minutes.

    Sends requests to a small separate server on loopback. Starts no database and no service.

    \b
    Example:
      bench calibrate
    """
    console = options.console()
    placed = placement.place(placement.available_cpus(), 1)
    with tempfile.TemporaryDirectory(prefix="bench-calibrate-") as folder, console.status("") as status:
        setting = Setting(Path(folder), placed)

        def say(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                console.print(text, highlight=False)

        say("interruptions of each CPU")
        figures: list[Figure] = list(calibration.jitter())
        say("requests/s of one load process")
        figures.append(calibration.capacity(setting))
        say("error of latencies against a known delay")
        figures += calibration.latency_error(setting)
        figures.append(calibration.most_users(setting, say))
    table = Table("what", "here", "", "how it was found", title=f"Calibration ({placed})", title_justify="left")
    for figure in figures:
        table.add_row(figure.what, figure.value, JUDGED[figure.good], figure.meaning)
    console.print(table)
    if any(figure.good is False for figure in figures):
        console.print("poor: stop other work on this machine, or expect latencies to be off by that much")
