"""Cells that take turns: one service runs at a time, in the order of the plan's blocks, and no request is lost."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.roles import IDLE, SERVICE
from bench.analysis.recorded.turns import Turn
from bench.store import recordings
from tests.integration.checkout import Checkout, copied, rows, wait_for

SERVICES = ("asyncpg_async", "psycopg2_sync")
ARMS = ("asyncpg_async", "asyncpg_async-aa", "psycopg2_sync")
SLICE_S, SLICES = 0.5, 4
PLAN = f"""\
[matrix]
scenarios = ["point_read"]
services = ["{SERVICES[0]}", "{SERVICES[1]}"]
users = 40
[load]
warm_up_s = 0.5
measure_s = {SLICE_S * SLICES}
loop_lag = true
[rounds]
count = 2
slices = {SLICES}
aa = true
seed = 2
ceilings = false
[database]
scale = 0.001
"""
READ_NS = 250_000_000
BOTH = (0, 3)  # on a busy machine a cell may be INVALID, and these facts still hold


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, stage: Callable[..., None]) -> Iterator[Checkout]:
    stage()
    for made in copied(tmp_path_factory.mktemp("turns") / "checkout"):
        (made.folder / "turns.toml").write_text(PLAN)
        yield made


@pytest.fixture(scope="module")
def finished(checkout: Checkout) -> Path:
    """A run of two services and an A/A arm, in two rounds."""
    code, printed = checkout.bench("run", "--plan", "turns.toml", "--name", "turns", timeout_s=150)
    assert code in BOTH, printed
    assert "one window a round" not in printed
    return checkout.results / "turns"


def recorded(run: Path, number: int, slug: str) -> Recording:
    return recordings.read(run / "rounds" / f"{number:02d}" / slug)


def slices(recording: Recording) -> list[tuple[int, int]]:
    return [
        (one.slice_start_ns, one.slice_end_ns)
        for one in recording.turns
        if one.slice_start_ns is not None and one.slice_end_ns is not None
    ]


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2])
def test_one_service_runs_at_a_time(finished: Path, number: int) -> None:
    """No turn overlaps another one. In a slice, hardly any other service uses CPU time; no other user is answered."""
    found = {slug: recorded(finished, number, slug) for slug in ARMS}
    turns: list[Turn] = sorted((one for each in found.values() for one in each.turns), key=lambda one: one.start_ns)
    assert all(one.end_ns <= later.start_ns for one, later in pairwise(turns))
    for slug, recording in found.items():
        samples = pl.read_parquet(finished / "rounds" / f"{number:02d}" / slug / "samples.parquet")
        ended = (samples["start_ns"] + samples["service_time_ns"]).to_numpy()
        for start_ns, end_ns in slices(recording):
            assert end_ns - start_ns == pytest.approx(SLICE_S * 1e9, rel=0.3)
            assert ((start_ns <= ended) & (ended < end_ns)).sum() > 20
        for one, later in pairwise(recording.turns):  # a busy load reads late what was sent before
            assert not ((one.end_ns + READ_NS < ended) & (ended < later.start_ns)).any()
        used_s = {role: used(recording, role) for role in (SERVICE, IDLE)}
        assert used_s[SERVICE] > 5 * used_s[IDLE], used_s


def used(recording: Recording, role: str) -> float:
    """CPU seconds of a role, over all slices."""
    at = {one.at_ns: one.roles[role].cpu_s for one in recording.readings if role in one.roles}
    return sum(at[end_ns] - at[start_ns] for start_ns, end_ns in slices(recording))


@pytest.mark.slow
def test_blocks_are_in_the_order_that_was_drawn(finished: Path) -> None:
    """plan.json has it before, and the recordings show it. Disturbed slices come again after all of them."""
    [heat] = json.loads((finished / "plan.json").read_text())["blocks"][0]
    assert [sorted(block) for block in heat] == [sorted(ARMS)] * SLICES
    seen = sorted((start, slug) for slug in ARMS for start, _ in slices(recorded(finished, 1, slug)))
    assert [slug for _, slug in seen][: len(ARMS) * SLICES] == [slug for block in heat for slug in block]
    assert json.loads((finished / "plan.json").read_text())["blocks"][1] != [heat]


@pytest.mark.slow
def test_the_lag_of_a_frozen_loop_is_not_its_own(finished: Path) -> None:
    """summary.csv has it for each cell. A service stood still for longer than the longest lag, again and again."""
    for row in rows(finished / "summary.csv"):
        figures = [row[f"loop_lag_{name}_ms"] for name in ("mean", "p99", "max")]
        if row["operation"] != "all":
            assert figures == ["", "", ""]
            continue
        mean_ms, p99_ms, max_ms = map(float, figures)
        assert 0 < mean_ms < p99_ms < max_ms < SLICE_S * 1e3
        [lag, *others] = recorded(finished, 1, row["slug"]).loop_lags
        assert others == []
        assert max(lag.late_ns) > SLICE_S * 1e9


@pytest.mark.slow
def test_throughput_is_that_of_the_slices(finished: Path) -> None:
    """Successes that ended in a counting slice / their length; frozen time is in no latency."""
    summary = {row["parameters"].count("arm=aa") * "aa" + row["service"]: row for row in rows(finished / "summary.csv")}
    assert len(summary) == len(ARMS)
    for row in summary.values():
        if row["verdict"] == "INVALID":
            continue
        throughput, mean_ms = float(row["throughput_rps"]), float(row["latency_mean_ms"])
        assert throughput * mean_ms / 1e3 == pytest.approx(40, rel=0.06)  # Little's law


@pytest.mark.slow
@pytest.mark.parametrize("slug", ARMS)
def test_users_begin_while_their_service_runs(finished: Path, slug: str) -> None:
    """Else it would get the first requests of all users at once, and serve them in waves from then on."""
    samples = pl.read_parquet(finished / "rounds" / "01" / slug / "samples.parquet")
    before = (samples["start_ns"].to_numpy() < recorded(finished, 1, slug).turns[0].start_ns).sum()
    assert before == 0


@pytest.mark.slow
def test_a_service_that_is_killed_in_its_turn_is_measured_again(checkout: Checkout) -> None:
    """The other cells lose nothing, and the run goes on."""
    process = checkout.start("run", "--plan", "turns.toml", "--name", "killed", "--rounds", "1")
    place = checkout.results / "killed" / "rounds" / "01" / "psycopg2_sync"
    try:
        assert wait_for(
            lambda: (place / "samples.bin").exists() and b"measuring" in (place / "samples.bin").read_bytes(), 60
        )
        [pid] = [
            int(line.split()[0])
            for line in commands()
            if "psycopg2_sync.app:app" in line and str(os.getpid()) not in line.split()[0]
        ][:1]
        os.kill(pid, signal.SIGKILL)
        printed, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode in BOTH, printed
    assert "measuring psycopg2_sync again: psycopg2_sync ended with exit code" in printed
    assert (place / "first-attempt").is_dir()
    assert (place / "window.json").exists()
    assert not (place.parent / "asyncpg_async" / "first-attempt").exists()


def commands() -> list[str]:
    """A line for each process: its pid and its words."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found.append(f"{folder.name} {(folder / 'cmdline').read_text().replace(chr(0), ' ')}")
            except OSError:
                continue
    return found
