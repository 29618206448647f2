"""The figures of several workers together."""

import os
import subprocess
import sys
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from suite import catalogue

WORKER = """
import asyncio, sys
from services import metrics
from services.settings import Settings

async def work(full, seconds, longest_s):
    metrics.COLLECTIONS.begin = lambda **_: None  # its figures are these
    metrics.COLLECTIONS.full, metrics.COLLECTIONS.seconds = full, seconds
    metrics.COLLECTIONS.longest_s = lambda: longest_s
    metrics.watch(Settings.from_environment({"DATABASE_URL": ""}))
    for _ in range(2):  # the second time, nothing has been added
        text = metrics.of_all_workers().body.decode()
    print(text, "# EOF", sep="", flush=True)
    sys.stdin.read()

asyncio.run(work(*map(float, sys.argv[1:])))
"""


def worker(folder: Path, *figures: float) -> "subprocess.Popen[str]":
    """One that runs until its input ends, after it has printed everybody's figures."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    command = [sys.executable, "-c", WORKER, *map(str, figures)]
    return subprocess.Popen(
        command, cwd=catalogue.CHECKOUT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def printed(one: "subprocess.Popen[str]") -> dict[str, float]:
    assert one.stdout is not None
    text = "".join(iter(one.stdout.readline, "# EOF\n"))
    return {found.name: found.value for family in text_string_to_metric_families(text) for found in family.samples}


def test_collections_of_several_workers_are_summed_and_the_longest_is_of_all(tmp_path: Path) -> None:
    """Whichever of them answers."""
    with worker(tmp_path, 3, 1.5, 0.25) as one:
        alone = printed(one)
        with worker(tmp_path, 4, 2.5, 0.5) as other:
            both = printed(other)
            other.communicate()
        one.communicate()
    names = ("workers", "gc_full_collections_total", "gc_seconds_total", "gc_longest_pause_seconds")
    assert [alone[name] for name in names] == [1, 3, 1.5, 0.25]
    assert [both[name] for name in names] == [2, 7, 4.0, 0.5]
