"""Runs whose verdict and limit are known beforehand: the harness finds them by itself."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.checkout import Checkout, copied, rows

SYNC_READ = "cur.execute(READ_USER, (user_id,))\n        row = cur.fetchone()\n"
ASYNC_READ = "row = await conn.fetchrow(READ_USER, user_id)\n"
PLAN = """\
[matrix]
scenarios = ["point_read"]
services = ["psycopg2_sync", "asyncpg_async"]
pool_size = {pool_size}
users = 120

[load]
warm_up_s = 1.0
measure_s = 2.0

[rounds]
count = {rounds}
ceilings = false
[verdict]
drift = 1.0
strangers = {strangers}
steal = 0.5

[[claims]]
id = "ratio"
source = "somebody"
claim = "four times"
metric = "throughput_rps"
candidate = "psycopg2_sync"
baseline = "asyncpg_async"
expected = [3, 5]
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    """A copy whose reads take 60 ms more: psycopg2 sleeps when it has returned its connection, asyncpg before."""
    stage()
    for made in copied(tmp_path_factory.mktemp("verdicts") / "checkout"):
        sync, async_ = (made.folder / "services" / name / "app.py" for name in ("psycopg2_sync", "asyncpg_async"))
        patch(sync, SYNC_READ, f"{SYNC_READ}    __import__('time').sleep(0.06)\n")
        patch(async_, ASYNC_READ, f"{ASYNC_READ}        await __import__('asyncio').sleep(0.06)\n")
        yield made


def patch(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def run(checkout: Checkout, name: str, *options: str, **plan: object) -> tuple[int, dict[str, dict[str, str]], str]:
    """Exit code, the aggregate rows by slug, what was printed."""
    path = checkout.folder / f"{name}.toml"
    path.write_text(PLAN.format(**{"pool_size": 10, "rounds": 1, "strangers": 0.5, **plan}))
    code, printed = checkout.bench("run", "--plan", str(path), "--name", name, *options)
    cells = [row for row in rows(checkout.results / name / "summary.csv") if row["operation"] == "all"]
    return code, {row["service"]: row for row in cells}, printed


def claims(checkout: Checkout, name: str) -> list[dict[str, str]]:
    """The rows of claims.csv."""
    return rows(checkout.results / name / "claims.csv")


@pytest.mark.slow
def test_threads_and_pool_are_found_to_be_the_limit(checkout: Checkout) -> None:
    """40 threads that sleep 60 ms give 667 requests/s at most; 10 connections held as long give 167."""
    code, cells, printed = run(checkout, "limits")
    assert code == 0, printed
    assert cells["psycopg2_sync"]["bound_by"] == "threads", printed
    assert 500 < float(cells["psycopg2_sync"]["throughput_rps"]) <= 680
    assert cells["asyncpg_async"]["bound_by"] == "pool", printed
    assert 130 < float(cells["asyncpg_async"]["throughput_rps"]) <= 172
    assert "of the threads were busy" in printed
    assert "of the pool's connections were in use" in printed
    assert float(cells["asyncpg_async"]["service_cpu_ms_per_request"]) > 0
    assert float(cells["asyncpg_async"]["service_rss_peak_mb"]) > 20
    [claim] = claims(checkout, "limits")
    assert claim["ruling"] == "not tested"  # the plan's thresholds are looser, so that other work here does not matter
    assert "the plan loosens the thresholds of the verdict: " in claim["why"]
    assert "published claims, as this run bears them out" in printed


@contextmanager
def busy_loops() -> Iterator[None]:
    """One on every CPU that we may use."""
    loops = [
        subprocess.Popen([sys.executable, "-c", f"import os\nos.sched_setaffinity(0, {{{cpu}}})\nwhile True: pass"])
        for cpu in sorted(os.sched_getaffinity(0))
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@pytest.mark.faults
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose work a CPU does")
def test_somebody_elses_work_makes_cells_invalid(checkout: Checkout) -> None:
    """A busy loop on each CPU: INVALID after a second try, with the culprits named; exit code 3."""
    with busy_loops():
        code, cells, printed = run(checkout, "noisy", "--services", "asyncpg_async", "--measure", "1", strangers=0.05)
    assert code == 3, printed
    assert cells["asyncpg_async"]["verdict"] == "INVALID"
    assert "other processes used" in cells["asyncpg_async"]["reasons"]
    assert "(pid " in cells["asyncpg_async"]["reasons"]
    assert "measured again after" in cells["asyncpg_async"]["reasons"]
    assert (checkout.results / "noisy/rounds/01/asyncpg_async/first-attempt/window.json").exists()
    assert "left out, because options remove their cells: the claims " in printed
    assert not (checkout.results / "noisy/claims.csv").exists()
