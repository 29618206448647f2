"""A small made-up run in a folder, with hostile text wherever text comes from outside."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from bench.analysis import analysis, parity
from bench.analysis.evidence import Evidence
from bench.analysis.recorded import ledger
from bench.analysis.recorded.machine import Machine
from bench.analysis.recorded.windows import Window
from bench.plan import matrix
from bench.plan.model import Plan
from bench.plan.placement import Placement
from bench.report import csv_tables
from bench.store import stored
from suite import csv_writing
from suite.arrival import Arrival

HOSTILE = "</script><img src=x onerror=alert(1)>"
LENGTH_S, BEFORE_S, COUNT = 4.0, 1.0, 2000
WINDOW = Window(10**12, 10**12 + int(LENGTH_S * 1e9), 10)
MACHINE = Machine(
    cpu_s={"service": 3.8, "database": 1.0, "load": 2.0},
    rss_peak_mb={"service": 80.0},
    cpu_busy={0: 0.65, 1: 0.99},
    steal=0.0,
    strangers=0.0,
    strangers_named="",
    throttled_s=0.0,
    clock_jump_s=0.0,
    suspended_s=0.0,
    changed=(),
)
CLAIM = {
    "id": "one",
    "source": HOSTILE,
    "claim": f"fewer users are faster {HOSTILE}",
    "metric": "throughput_rps",
    "candidate": {"service": "asyncpg_async", "users": 10},
    "baseline": {"service": "asyncpg_async", "users": 100},
    "at_least": 1.0,
}


def write(folder: Path, *, rounds: int = 2) -> None:
    """A service at four numbers of users, in so many rounds; one cell has failures."""
    settings = Plan.model_validate(
        {
            "title": f"Title {HOSTILE}",
            "question": f"Question {HOSTILE}",
            "matrix": {
                "scenarios": ["point_read"],
                "services": ["asyncpg_async"],
                "users": [1, 10, 100, 1000],
            },
            "rounds": {"count": rounds, "ceilings": False},
            "claims": [CLAIM],
        }
    )
    folder.mkdir(parents=True)
    written = {"name": "made-up", "seed": 7, "plan": settings.model_dump()}
    (folder / "plan.json").write_text(json.dumps(written))
    (folder / "status.json").write_text(json.dumps({"state": "partial", "why": HOSTILE, "at": "2026-01-02T03:04:05"}))
    machine = {"cpu": HOSTILE, "cpus": 2}
    (folder / "environment.json").write_text(json.dumps({"machine": machine, "services": {"x": {"title": HOSTILE}}}))
    row = parity.ParityRow("pool_policy", "asyncpg_async", "idiomatic", HOSTILE, "", parity.NOT_ASKED, HOSTILE)
    (folder / "parity.csv").write_text(csv_writing.csv_text(parity.COLUMNS, [vars(row)]))
    chance = np.random.default_rng(1)
    for number in range(1, rounds + 1):
        for place, cell in enumerate(matrix.cells(settings)):
            one = folder / "rounds" / f"{number:02d}" / cell.slug
            one.mkdir(parents=True)
            _measured(one, COUNT + 200 * place + 10 * number, chance, failing=place == 0, users=cell.users)
    found = analysis.of(stored.outcome(folder))
    csv_tables.write(folder, settings.load, found, matrix.cells(settings))


def _measured(place: Path, count: int, chance: np.random.Generator, *, failing: bool, users: int) -> None:
    mean_s = users * (LENGTH_S + BEFORE_S) / count  # as users have it who never wait between two requests
    after_s = 4 * mean_s
    count = round(count * (LENGTH_S + BEFORE_S + after_s) / (LENGTH_S + BEFORE_S))
    took = chance.lognormal(0.0, 0.5, count)
    took_ns = (took / took.mean() * mean_s * 1e9).astype(np.int64)
    first_ns, last_ns = WINDOW.start_ns - round(BEFORE_S * 1e9), WINDOW.end_ns + round(after_s * 1e9)
    ends_ns = np.sort(chance.integers(first_ns, last_ns, count))
    errors = np.full(count, "", object)
    if failing:
        errors[::50] = HOSTILE
    samples = pl.DataFrame(
        {
            "intended_ns": ends_ns - took_ns,
            "start_ns": ends_ns - took_ns,
            "service_time_ns": took_ns,
            "body_bytes": np.full(count, 110, np.uint32),
            "status": np.full(count, 200, np.uint16),
            "operation": np.full(count, "read_user"),
            "error": pl.Series(errors, dtype=pl.String),
        }
    )
    samples.write_parquet(place / "samples.parquet")
    counted = ledger.of(samples, WINDOW, users, Arrival.CLOSED)
    seen = Evidence(
        length_s=LENGTH_S,
        users_asked=users,
        users=users,
        arrival=Arrival.CLOSED,
        offered_rps=None,
        by_chance=False,
        reconnects=0,
        machine=MACHINE,
        placement=Placement((1,), (0,), (0,)),
        **vars(counted),
    )
    (place / "window.json").write_text(json.dumps({**WINDOW.as_dict(), "evidence": seen.as_dict()}))
    (place / "pg_activity.csv").write_text(
        "at_s,connections,active,idle,idle_in_transaction,other,oldest_transaction_s,transactions,waits\n"
        "-1.0,10,0,10,0,0,0,0,\n1.0,10,2,6,2,0,0,10,\n3.9,10,1,9,0,0,0,20,\n"
    )
    (place / "resources.csv").write_text(
        "at_s,subject,cpu_s,steal_s,rss_mb,pool,threads\n-1.0,service,1,,50,,\n1.0,service,2,,50,,\n3.0,service,4,,5,,\n"
    )
    (place / "timeline.csv").write_text(
        "request,intended_s,start_s,held_from_s,held_to_s,end_s,ok\n"
        "1,0,0,0.1,0.5,1,true\n1,0,0,0.6,0.9,1,true\n2,0,0,0.5,,2,false\n3,0,0,,,2,true\n"
    )
