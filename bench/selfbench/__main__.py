"""`python -m bench.selfbench [PART ...]` measures the performance of the suite itself: the named parts, or all."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.plan import placement
from bench.selfbench.figures import Say
from bench.selfbench.parts import accuracy, agreement, analysing, cost, loading, reach, soak, stall, turns, tutorial
from bench.selfbench.setting import Setting
from suite.errors import BenchError

SERVICES = ("psycopg2_sync", "asyncpg_async", "databases_async", "sqlalchemy_async")
INTERRUPTED = 130

Part = Callable[[Setting, Say], object]

PARTS: dict[str, Part] = {
    "cost": cost.against_fasthttp,
    "recording": cost.of_recording,
    "wrk": accuracy.against_wrk,
    "delay": accuracy.against_delay,
    "stall": stall.in_the_open_model,
    "share": reach.share_of_core,
    "many_users": reach.many_users,
    "analysis": analysing.of_ten_million,
    "loading": loading.of_the_dataset,
    "soak": soak.soak,
    "agreement": lambda _, say: agreement.measure(SERVICES, say),
    "turns": lambda _, say: turns.measure(SERVICES, say),
    "tutorial": lambda _, say: tutorial.measure(tutorial.with_tutorial(), say),
}


def main() -> int:
    """Measure the parts one after the other, each in a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m bench.selfbench", description=__doc__)
    # argparse would check an empty list against `choices` as a whole, so the names are checked here.
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of: {', '.join(PARTS)}")
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are: {', '.join(PARTS)}")
    placed = placement.place(placement.available_cpus(), 1)
    _say(f"placement: {placed}; load average {os.getloadavg()[0]:.2f}")
    for part in parts:
        _say(f"\n== {part} ==")
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="selfbench-") as name:
            PARTS[part](Setting(Path(name), placed), _say)
        _say(f"  ({time.monotonic() - started:.0f} s)")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
