"""Measures the time and memory for the tables and the page of a run with ten million samples."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from bench.analysis import analysis
from bench.analysis.evidence import Evidence
from bench.analysis.recorded import ledger
from bench.analysis.recorded.machine import Machine
from bench.analysis.recorded.windows import Window
from bench.plan import matrix, model
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from bench.plan.placement import Placement
from bench.report import csv_tables
from bench.report.html import writing
from bench.selfbench.figures import Say, TargetRange
from bench.selfbench.setting import Setting
from bench.store import stored
from suite import catalogue
from suite.arrival import Arrival

SAMPLES = 10_000_000
ROUNDS = 5
SERVICES = ["psycopg2_sync", "asyncpg_async", "databases_async", "sqlalchemy_async"]
OPERATIONS = ["create_user", "delete_user", "list_users", "read_user", "update_user"]
WINDOW = Window(1_000_000_000_000, 1_010_000_000_000, 1000)
MOST_S = 10.0
MOST_PAGE_S = 20.0
MOST_PAGE_MIB = 15.0
MOST_GIB = 2.0
MIB, GIB = 2**20, 2**30
MACHINE = Machine({"service": 9.8}, {"service": 90.0}, {0: 0.5, 1: 0.98}, 0.0, 0.0, "", 0.0, 0.0, 0.0, ())


def of_ten_million(setting: Setting, say: Say) -> None:
    """Analyse a synthetic run of five operations on four services in five rounds, in a separate process."""
    folder = setting.new_folder("run")
    made_up(folder, SAMPLES)
    size_mb = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e6
    say(f"{SAMPLES:,} samples ({size_mb:,.0f} MB) in {ROUNDS * len(SERVICES)} files")
    _timed("tables", "summary and comparison", folder, MOST_S, say)
    _timed("page", writing.REPORT, folder, MOST_PAGE_S, say)
    size_mib = (folder / writing.REPORT).stat().st_size / MIB
    say(f"  {size_mib:.2f} MiB; {TargetRange(high=MOST_PAGE_MIB).ruling(size_mib, size_mib)}")


def _timed(what: str, name: str, folder: Path, most_s: float, say: Say) -> None:
    command = [sys.executable, "-m", "bench.selfbench.parts.analysing", what, str(folder)]
    answer = subprocess.run(command, cwd=catalogue.CHECKOUT, check=True, capture_output=True, text=True)
    took_s, peak_gib = (float(text) for text in answer.stdout.split())
    say(f"{name}: {took_s:.2f} s; {TargetRange(high=most_s).ruling(took_s, took_s)}")
    say(f"  {peak_gib:.2f} GiB at most; {TargetRange(high=MOST_GIB).ruling(peak_gib, peak_gib)}")


def made_up(folder: Path, count: int) -> None:
    """Create the folder of a run with this many samples."""
    settings = Plan(
        matrix=model.Matrix(scenarios=["crud"], services=SERVICES), rounds=model.Rounds(count=ROUNDS, ceilings=False)
    )
    cells = matrix.cells(settings)
    (folder / "plan.json").write_text(json.dumps({"plan": settings.model_dump()}))
    chance = np.random.default_rng(1)
    for number in range(1, ROUNDS + 1):
        for cell in cells:
            place = folder / "rounds" / f"{number:02d}" / cell.slug
            place.mkdir(parents=True)
            _measured(place, cell, count // (ROUNDS * len(cells)), chance)


def _measured(place: Path, cell: Cell, count: int, chance: np.random.Generator) -> None:
    took = chance.lognormal(0.0, 0.3, count)
    took_ns = (took * cell.users * WINDOW.length_s * 1e9 / took.sum()).astype(np.int64)  # the time of all users
    ends_ns = np.sort(chance.integers(WINDOW.start_ns, WINDOW.end_ns, count))
    samples = pl.DataFrame(
        {
            "intended_ns": ends_ns - took_ns,
            "start_ns": ends_ns - took_ns,
            "service_time_ns": took_ns,
            "body_bytes": np.full(count, 110, np.uint32),
            "status": np.full(count, 200, np.uint16),
            "operation": pl.Series(OPERATIONS).gather(chance.integers(0, len(OPERATIONS), count)),
            "error": np.full(count, ""),
        }
    )
    samples.write_parquet(place / "samples.parquet")
    counted = ledger.of(samples, WINDOW, cell.users, Arrival.CLOSED)
    seen = Evidence(
        length_s=WINDOW.length_s,
        users_asked=cell.users,
        users=cell.users,
        arrival=Arrival.CLOSED,
        offered_rps=None,
        by_chance=False,
        reconnects=0,
        machine=MACHINE,
        placement=Placement((1,), (0,), (0,)),
        **vars(counted),
    )
    (place / "window.json").write_text(json.dumps({**WINDOW.as_dict(), "evidence": seen.as_dict()}))


def tables(folder: Path) -> None:
    """Write every table except the statistics of single cells."""
    csv_tables.write(folder, model.Load(), analysis.of(stored.outcome(folder)), [])


def main() -> None:
    """Make the named output for the named run, and print seconds and GiB."""
    known: dict[str, Callable[[Path], object]] = {"tables": tables, "page": writing.write}
    make = known[sys.argv[1]]
    began = time.perf_counter()
    make(Path(sys.argv[2]))
    took_s = time.perf_counter() - began
    print(took_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / GIB)


if __name__ == "__main__":
    main()
