"""Compares our load with wrk in slices: two processes of one service take turns, one serves us, the other one wrk."""

import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from bench.analysis import summary
from bench.measure import cell, database, load
from bench.measure.fleet import variables
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.fleet.processes import launch_command
from bench.measure.turns.entrant import Entrant
from bench.plan import matrix, model, placement
from bench.plan.matrix import Setup
from bench.selfbench import figures, wrk
from db.data import dataset
from suite import waiting
from suite.errors import PreflightError
from suite.load_commands import END, WARM_UP

ROUNDS = 8
SLICES, SLICE_S = 10, 1.0
USERS = 1000
SCALE = 0.01
WARM_UP_S = 3.0
LONGEST_S = 120


@dataclass(frozen=True)
class RoundFigures:
    """Of one client in one round: requests/s, and CPU time of the service per request (ms)."""

    throughput_rps: float
    cpu_ms: float


def measure(services: Sequence[str], say: Callable[[str], None], rounds: int = ROUNDS) -> None:
    """For each service, measure rounds of slices with both clients, and print ours / wrk."""
    if shutil.which("wrk") is None:
        raise PreflightError("wrk is not installed; on Debian: apt-get install wrk")
    placed, users = placement.place(placement.available_cpus(), 1), dataset.size(SCALE).users
    with tempfile.TemporaryDirectory() as name, database.opened(None, placed.database) as server:
        database.loaded(server, SCALE)
        for service in services:
            setup = matrix.default_setup(service)
            say(f"{service}: {rounds} rounds of {SLICES} slices of {SLICE_S:g} s with each client, {USERS} connections")
            seen = []
            with Fleet(FleetSettings(server.dsn.url, users, placed.service), calls=False) as fleet:
                for number in range(rounds):
                    folder = Path(name) / f"{service}-{number}"
                    folder.mkdir()
                    fleet.stop()
                    seen.append(_round(setup, fleet, server, placed, folder, number))
            for metric in ("throughput_rps", "cpu_ms"):
                ratios = [getattr(ours, metric) / getattr(theirs, metric) for ours, theirs in seen]
                say(figures.ratio(f"{metric}: ours / wrk", ratios))


def _round(
    setup: Setup, fleet: Fleet, server: database.Database, placed: placement.Placement, folder: Path, number: int
) -> tuple[RoundFigures, RoundFigures]:
    twin, users = replace(setup, arm=matrix.AA), fleet.settings.dataset_users
    fleet.have_in_turns({setup: folder / "ours.log", twin: folder / "wrk.log"})
    plan = model.Plan(
        matrix=model.Matrix(scenarios=["point_read"], services=[setup.service]),
        load=model.Load(warm_up_s=WARM_UP_S, measure_s=SLICES * SLICE_S),
        rounds=model.Rounds(slices=SLICES),
    )
    [one] = matrix.cells(plan)
    target = load.LoadTarget(fleet.url(setup), users, number, placed.load)
    ours = Entrant(cell.Attempt(plan, one, target, placed, folder), fleet, load.InTurns(2, LONGEST_S))
    try:
        with _running(fleet.url(twin), users, placed.load, folder) as theirs:
            assert waiting.until(lambda: ours.said("connected"), 30.0)  # noqa: S101  # else there is nothing to compare
            waiting.until(lambda: theirs.connections() >= USERS, 10.0)
            ours.observe(cell.roots(one, fleet, server), placement.allowed_cpus(), None)
            for running in (setup, twin):
                fleet.freeze(running)
            slices = _take_turns(ours, theirs, fleet, twin, random.Random(number))  # noqa: S311  # an order
        ours.leave()
    finally:
        ours.close()
    measured = cell.concluded(ours.attempt, fleet, ours.recorded)
    assert not measured.evidence.problem, measured.evidence.problem  # noqa: S101  # else nothing to compare
    total = summary.summarise([measured])[0]
    requests = sum(read for _, read, _ in slices) / theirs.bytes_per_answer()
    return (
        RoundFigures(total.throughput_rps or float("nan"), total.service_cpu_ms_per_request or float("nan")),
        RoundFigures(requests / sum(s for s, _, _ in slices), sum(cpu_s for *_, cpu_s in slices) * 1e3 / requests),
    )


def _take_turns(
    ours: Entrant, theirs: "_Wrk", fleet: Fleet, twin: Setup, chance: random.Random
) -> list[tuple[float, int, float]]:
    """All turns. Returns the slices of wrk: seconds, bytes that it read, CPU seconds of its service."""
    pid = next(pid for pid, setup in fleet.pids().items() if setup == twin)
    found = []

    def theirs_for(seconds: float) -> tuple[float, int, float]:
        fleet.thaw(twin)
        before_s, read, used_s = time.perf_counter(), theirs.read_bytes(), _cpu_s(pid)
        time.sleep(seconds)
        after = time.perf_counter() - before_s, theirs.read_bytes() - read, _cpu_s(pid) - used_s
        fleet.freeze(twin)
        return after

    ours.turn(lambda _: ours.said("measuring"), lambda: None, counts=False, command=WARM_UP)
    theirs_for(WARM_UP_S)
    for _ in range(SLICES):
        for who in chance.sample(("ours", "theirs"), 2):
            if who == "ours":
                ours.turn(lambda elapsed_s: elapsed_s >= SLICE_S, lambda: None, counts=True)
            else:
                found.append(theirs_for(SLICE_S))
    ours.turn(lambda _: ours.said("stopping"), lambda: None, counts=False, command=END)
    return found


def _cpu_s(pid: int) -> float:
    """CPU seconds of a service's processes."""
    process = psutil.Process(pid)
    return sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))


class _Wrk:
    """A running wrk. What it has read is counted by the kernel: wrk itself does not know when its service is frozen."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.printed = process, ""

    def read_bytes(self) -> int:
        """All bytes that it has read so far (rchar of proc_pid_io(5))."""
        return int(Path(f"/proc/{self.process.pid}/io").read_text().split()[1])

    def connections(self) -> int:
        """How many sockets it has."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))  # noqa: PTH208  # a thousand names, no paths

    def bytes_per_answer(self) -> float:
        """From its own count of requests and bytes."""
        found = re.search(r"(\d+) requests in [\d.]+\w+, ([\d.]+)(KB|MB|GB) read", self.printed)
        assert found, self.printed  # noqa: S101  # wrk's own layout
        return float(found[2]) * {"KB": 2**10, "MB": 2**20, "GB": 2**30}[found[3]] / int(found[1])


@contextmanager
def _running(url: str, users: int, cpus: tuple[int, ...], folder: Path) -> Iterator[_Wrk]:
    script = wrk.script_in(folder, url, users)
    command = ["wrk", "-t1", f"-c{USERS}", f"-d{LONGEST_S}", "--timeout", f"{LONGEST_S}s", "-s", str(script), url]
    process = subprocess.Popen(
        launch_command(command, cpus),
        env=variables.clean(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    one = _Wrk(process)
    try:
        yield one
        process.send_signal(signal.SIGINT)  # it then prints what it has counted
        one.printed, _ = process.communicate(timeout=20)
    finally:
        process.kill()
