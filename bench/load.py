"""Locust as a subprocess: one cell's users, headless, with Locust's own CSV and JSON and our samples kept."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import catalogue
from bench.errors import LoadError
from bench.plan import Cell, Load
from bench.processes import Child

STOP_TIMEOUT_S = 35.0  # longer than a service waits for a connection, so that the slowest requests are still logged
SPARE_TIME_S = 60.0  # for spawning and stopping, before the load is called hung
BATCH_DRAIN_S = 10.0  # a guess: how long depends on the service
POLL_EVERY_S = 0.1
SAMPLE_STREAM = "samples.bin"


@dataclass(frozen=True)
class Target:
    """What a cell's users send to, and how the users are made."""

    url: str
    dataset_users: int
    seed: int
    cpus: tuple[int, ...]


def start(command: list[str], folder: Path, cpus: tuple[int, ...]) -> Child:
    """Start Locust in a folder where no locust.conf or pyproject.toml of the user's is found."""
    return Child(command, log=folder / "locust.log", cwd=folder, environment={"HOME": str(folder)}, cpus=cpus)


def follow(child: Child, longest_s: float, on_tick: Callable[[float], None], every_s: float = POLL_EVERY_S) -> None:
    """Wait until Locust ends, and end it in any case. Raises LoadError when it ended badly or takes too long."""
    started = time.monotonic()
    try:
        while child.exit_code() is None:
            on_tick(time.monotonic() - started)
            child.wait(every_s)
            if time.monotonic() - started > longest_s:
                raise LoadError(f"Locust did not end in time; the end of {child.log}:\n{child.log_tail()}")
        if child.exit_code() != 0:
            code = child.exit_code()
            raise LoadError(f"Locust ended with exit code {code}; the end of {child.log}:\n{child.log_tail()}")
    finally:
        child.stop()


def command(cell: Cell, load: Load, target: Target, folder: Path) -> list[str]:
    """The command line of a cell's load."""
    parameters = [text for name, value in cell.parameters for text in (f"--{name.replace('_', '-')}", str(value))]
    service = [] if cell.setup.url else ["--service", cell.service]
    return [
        sys.executable, "-m", "locust", "-f", str(catalogue.scenario(cell.scenario).path), "--headless",
        "--users", str(cell.users), "--spawn-rate", str(load.spawn_rate), "--stop-timeout", str(int(STOP_TIMEOUT_S)),
        "--run-time", f"{int(expected_s(cell, load) + SPARE_TIME_S)}s",
        "--csv", str(folder / "locust"), "--json-file", str(folder / "locust"), "--only-summary",
        "--exit-code-on-error", "0", "--loglevel", "INFO",
        "--host", target.url, *service, "--dataset-users", str(target.dataset_users),
        "--load-seed", str(target.seed), "--samples", str(folder / SAMPLE_STREAM),
        "--warm-up-s", str(load.warm_up_s), "--measure-s", str(load.measure_s), "--timeout-s", str(load.timeout_s),
        "--start-over-s", str(load.start_over_s),
        *arrival(cell, load), *parameters,
    ]  # fmt: skip


def arrival(cell: Cell, load: Load) -> list[str]:
    """The options that say how requests arrive."""
    if load.arrival == "open":
        return ["--arrival", "open", "--rate", str(load.rate), "--spacing", load.spacing]
    if load.arrival == "batch":
        paced = ["--batch-rate", str(load.rate or 0.0), "--spacing", load.spacing]
        return ["--arrival", "batch", "--arrivals", str(arrivals(cell, load)), *paced]
    return ["--arrival", "closed"]


def arrivals(cell: Cell, load: Load) -> int:
    """How many requests a batch has: one for each user where the plan does not say."""
    return load.arrivals or cell.users


def longest_s(cell: Cell, load: Load) -> float:
    """After how long a cell's load is called hung."""
    return expected_s(cell, load) + STOP_TIMEOUT_S + SPARE_TIME_S


def expected_s(cell: Cell, load: Load) -> float:
    """How long a cell's load takes when nothing holds it up: start, ramp-up, warm-up, window, stop."""
    ramp_up_s = 2.0 + cell.users / load.spawn_rate
    if load.arrival == "batch":
        return ramp_up_s + arrivals(cell, load) / (load.rate or float("inf")) + BATCH_DRAIN_S
    return ramp_up_s + load.warm_up_s + load.measure_s
