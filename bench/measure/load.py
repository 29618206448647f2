"""Runs Locust as subprocesses: headless, for one cell. Keeps Locust's CSV and JSON, and our samples."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measure.fleet.processes import Child, stop_all
from bench.plan.matrix import Cell
from bench.plan.model import Load
from bench.store import samples
from db.ports import LOOPBACK
from suite import catalogue
from suite.arrival import Arrival
from suite.errors import LoadError, WorkersError

STOP_TIMEOUT_S = 35.0  # longer than a service waits for a connection, so the slowest requests are still logged
SPARE_TIME_S = 60.0  # for spawning and stopping, before the load counts as hung
POLL_EVERY_S = 0.1
JOIN_S = 2.0  # an estimate: workers join and leave their master, which looks once a second
JOIN_HERE_TIMEOUT_S = 30.0
JOIN_TIMEOUT_S = 300.0  # Locust's own workers look for their master as long
USERS_TIMEOUT_S = 20  # for workers to report that their users run; Locust's default is one second
LEAVE_TIMEOUT_S = 3.0
OVERTIME_FROM_S = 6.0  # a load that starts slowly is no news
MASTER_PORT = 5557  # Locust's own


@dataclass(frozen=True)
class LoadTarget:
    """Where a cell's users send their requests, and how the users are created."""

    url: str
    dataset_users: int
    seed: int
    cpus: tuple[int, ...]
    master_host: str = LOOPBACK
    ca_file: str = ""


@dataclass(frozen=True)
class InTurns:
    """A load whose cell takes turns with others: how many they are, and the time within which all of them end.

    Time-outs go on while a service is frozen. So they are as many times as long as there are cells.
    """

    cells: int
    within_s: float


def start(
    command: list[str], folder: Path, cpus: tuple[int, ...], log: str = "locust.log", *, commanded: bool = False
) -> Child:
    """Start Locust in a folder where it finds no locust.conf or pyproject.toml of the user."""
    environment = {"HOME": str(folder), "LOCUST_WAIT_FOR_WORKERS_REPORT_AFTER_RAMP_UP": str(USERS_TIMEOUT_S)}
    return Child(command, log=folder / log, cwd=folder, environment=environment, cpus=cpus, commanded=commanded)


def start_workers(cell: Cell, load: Load, target: LoadTarget, folder: Path) -> list[Child]:
    """Start the workers of this machine, if the load has several processes. They wait for their master.

    Locust's `--processes` is not used: its forks have no separate logs, they would outlive a killed harness, and they
    leave no place for workers of other machines.
    """
    scenario = cell.outside or catalogue.scenario(cell.scenario)
    command = [sys.executable, "-m", scenario.program, *worker_command(str(scenario.path), target.master_host)[1:]]
    numbers = range(load.workers_here if load.distributed else 0)
    return [start(command, folder, target.cpus, f"locust-worker-{number}.log") for number in numbers]


def follow(
    child: Child,
    longest_s: float,
    on_tick: Callable[[float], None],
    every_s: float = POLL_EVERY_S,
    workers: Sequence[Child] = (),
) -> None:
    """Wait until Locust ends. Always ends it and its workers.

    Raises LoadError when Locust fails or takes too long, and whatever `on_tick` raises.
    """
    started = time.monotonic()
    try:
        while child.exit_code() is None:
            on_tick(time.monotonic() - started)
            child.wait(every_s)
            if time.monotonic() - started > longest_s:
                raise LoadError(f"Locust did not end in time; the end of {child.log}:\n{child.log_tail()}")
        if child.exit_code() != 0:
            raise ended(child)
        deadline = time.monotonic() + LEAVE_TIMEOUT_S
        for worker in workers:  # they end when their master does
            worker.wait(max(0.0, deadline - time.monotonic()))
    finally:
        stop_all([child, *workers])


def ended(child: Child) -> LoadError:
    """Locust has ended by itself before it should."""
    return LoadError(f"Locust ended with exit code {child.exit_code()}; the end of {child.log}:\n{child.log_tail()}")


class WorkerArrival:
    """Checks that all workers of a distributed load join their master."""

    def __init__(self, load: Load, stream: Path, workers: Sequence[Child], say: Callable[[str], None]) -> None:
        self._load, self._stream, self._workers, self._say = load, stream, workers, say
        self._joined = 0 if load.distributed else load.all_workers

    def tick(self, elapsed_s: float) -> None:
        """Report each change of the number of workers, until all have joined.

        Raises LoadError when a worker of this machine ends or takes too long, and WorkersError when workers of other
        machines do not join.
        """
        wanted = self._load.all_workers
        if self._joined >= wanted:
            return
        joined = samples.joined(self._stream)
        if joined != self._joined:
            self._joined = joined
            self._say(f"{joined} of {wanted} load workers joined")
        if joined >= wanted:
            return
        for worker in self._workers:
            if worker.exit_code() is not None:
                raise LoadError(f"a load worker ended before it began; the end of {worker.log}:\n{worker.log_tail()}")
        if elapsed_s > self.timeout_s:
            missing = f"{joined} of {wanted} load workers joined within {self.timeout_s:.0f} s"
            if not self._load.expect_workers:
                raise LoadError(missing)
            raise WorkersError(
                f"{missing}; start the command that was printed on the other machines (see that they reach port"
                f" {MASTER_PORT} of this one, --bind-host), or expect fewer: --expect-workers"
            )

    @property
    def timeout_s(self) -> float:
        """How long workers may take to join."""
        return JOIN_TIMEOUT_S if self._load.expect_workers else JOIN_HERE_TIMEOUT_S


class Overtime:
    """Says once that a load takes longer than planned, and how long it may."""

    def __init__(self, cell: Cell, load: Load, say: Callable[[str], None]) -> None:
        self._said, self._say = load.arrival == Arrival.BATCH, say
        self._from_s = expected_s(cell, load) + OVERTIME_FROM_S
        self._text = f"{cell.slug} answers slowly: a longer warm-up, or last requests"
        self._most_s = expected_s(cell, load) + waits_s(load)

    def tick(self, elapsed_s: float) -> None:
        """Say it when it is time to. `elapsed_s` counts from the start of the load."""
        if not self._said and elapsed_s > self._from_s:
            self._said = True
            self._say(f"{self._text} (at most {self._most_s - elapsed_s:.0f} s)")


def worker_command(locustfile: str, master_host: str) -> list[str]:
    """The command line of a plain worker. Its master sends it the options, and the locustfile if that is `-`."""
    return [
        "locust", "--worker", "-f", locustfile, "--master-host", master_host, "--master-port", str(MASTER_PORT),
        "--exit-code-on-error", "0",
    ]  # fmt: skip


def command(cell: Cell, load: Load, target: LoadTarget, folder: Path, in_turns: InTurns | None = None) -> list[str]:
    """The command line of a cell's load. `in_turns`: it waits for commands (`suite/load_commands.py`)."""
    stop_s, most_s, timeout_s, spawn_rate = STOP_TIMEOUT_S, _most_s(cell, load), load.timeout_s, load.spawn_rate
    turns = list[str]()
    if in_turns is not None:
        # What is still open at its end belongs to no window.
        stop_s, most_s, timeout_s, turns = 0.0, in_turns.within_s, load.timeout_s * in_turns.cells, ["--turns"]
        spawn_rate = max(spawn_rate, cell.users)  # no user sends before all are connected
    parameters = [text for name, value in cell.parameters for text in (f"--{name.replace('_', '-')}", str(value))]
    service = [] if cell.setup.url else ["--service", cell.service]
    trusting = ["--ca-file", target.ca_file] if target.ca_file and cell.setup.url else []
    scenario = cell.outside or catalogue.scenario(cell.scenario)
    return [
        sys.executable, "-m", scenario.program, "-f", str(scenario.path), "--headless",
        "--users", str(cell.users), "--spawn-rate", str(spawn_rate), "--stop-timeout", str(int(stop_s)),
        "--run-time", f"{int(most_s)}s",
        "--csv", str(folder / "locust"), "--json-file", str(folder / "locust"), "--only-summary",
        "--exit-code-on-error", "0", "--loglevel", "INFO",
        "--host", target.url, *trusting, *service, "--dataset-users", str(target.dataset_users),
        "--load-seed", str(target.seed), "--samples", str(folder / samples.SAMPLE_STREAM),
        "--warm-up-s", str(load.warm_up_s), "--warm-up-most-s", str(load.warm_up_most_s),
        "--measure-s", str(load.measure_s), "--drain-s", str(load.drain_s), "--timeout-s", str(timeout_s),
        "--start-over-s", str(load.start_over_s), *turns,
        *arrival(cell, load), *parameters, *_master(load, target),
    ]  # fmt: skip


def _most_s(cell: Cell, load: Load) -> float:
    return expected_s(cell, load) + waits_s(load) + SPARE_TIME_S


def _master(load: Load, target: LoadTarget) -> list[str]:
    if not load.distributed:
        return []
    bind = ["--master-bind-host", target.master_host, "--master-bind-port", str(MASTER_PORT)]
    return ["--master", *bind, "--expect-workers", str(load.all_workers)]


def arrival(cell: Cell, load: Load) -> list[str]:
    """The options for the arrival of requests."""
    if load.arrival == Arrival.OPEN:
        return ["--arrival", Arrival.OPEN, "--rate", str(load.rate), "--spacing", load.spacing]
    if load.arrival == Arrival.BATCH:
        paced = ["--batch-rate", str(load.rate or 0.0), "--spacing", load.spacing]
        return ["--arrival", Arrival.BATCH, "--arrivals", str(arrivals(cell, load)), *paced]
    return ["--arrival", Arrival.CLOSED]


def arrivals(cell: Cell, load: Load) -> int:
    """How many requests a batch has: the plan's number, or one for each user."""
    return load.arrivals or cell.users


def longest_s(cell: Cell, load: Load) -> float:
    """The time after which a cell's load counts as hung."""
    joining_s = JOIN_TIMEOUT_S if load.expect_workers else JOIN_HERE_TIMEOUT_S if load.distributed else 0.0
    return joining_s + expected_s(cell, load) + waits_s(load) + STOP_TIMEOUT_S + SPARE_TIME_S


def waits_s(load: Load) -> float:
    """How much longer than planned a load may take because of its response time: to warm up, and after its window."""
    if load.arrival == Arrival.BATCH:
        return 0.0
    return max(0.0, load.warm_up_most_s - load.warm_up_s) + load.drain_s


def expected_s(cell: Cell, load: Load) -> float:
    """How long a cell's load takes without delays: start, ramp-up, warm-up, window, stop."""
    if load.arrival == Arrival.BATCH:
        return ramp_up_s(cell, load) + arrivals(cell, load) / (load.rate or float("inf")) + load.batch_s
    return ramp_up_s(cell, load) + load.warm_up_s + load.measure_s


def ramp_up_s(cell: Cell, load: Load) -> float:
    """How long it takes until all users are there."""
    return 2.0 + cell.users / load.spawn_rate + (JOIN_S if load.distributed else 0.0)
