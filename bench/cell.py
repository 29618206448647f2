"""One cell measured once: the data restored, the load run, its samples kept and cut to the window."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl

from bench import load, results, samples
from bench.analysis import Measurement
from bench.database import Database
from bench.errors import LoadError, ResultsError, ServiceError
from bench.plan import Cell, Plan
from bench.records import MISSED
from bench.services import Fleet
from db import restore


def measure(
    plan: Plan,
    cell: Cell,
    target: load.Target,
    fleet: Fleet,
    server: Database,
    folder: Path,
    on_tick: Callable[[float], None],
) -> Measurement:
    """Measure; everything that was recorded stays in `folder`, even when the cell cannot count."""
    try:
        fleet.ensure(cell.setup, folder / "service.log")
        restore.restore(server.dsn)
        try:
            load.run(cell, plan.load, target, folder, on_tick)
        finally:
            kept, marks = samples.keep(folder / load.SAMPLE_STREAM, folder / "samples.parquet")
        fleet.check_alive(cell.setup)
        if plan.load.arrival == "batch":
            window = samples.batch_window(kept, marks)
        else:
            window = samples.window_of(marks, plan.load.warm_up_s, plan.load.measure_s)
    except (LoadError, ServiceError, ResultsError) as error:
        results.write_whole(folder / "problem.txt", f"{error}\n")
        return Measurement(pl.DataFrame(), 0.0, 0, str(error).partition("\n")[0])
    reconnects = marks[-1].reconnects
    facts = {**window.as_dict(), "reconnects": reconnects}
    results.write_whole(folder / "window.json", json.dumps(facts, indent=2) + "\n")
    due = samples.cut(kept, window, plan.load.arrival)
    sent = due.filter(pl.col("error") != MISSED)
    counted = sent.select("operation", "error", "body_bytes", "latency_ns", "ok")
    return Measurement(counted, window.length_s, window.users, missed=len(due) - len(sent), reconnects=reconnects)
