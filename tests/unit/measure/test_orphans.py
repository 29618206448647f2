"""What a killed harness leaves running."""

import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from bench.measure.fleet import orphans, ownership
from suite import catalogue, waiting

NO_HARNESS = "1 0"  # process 1 has another start time, or none that can be read


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A stopped process with the mark of a harness that has ended, and of a checkout that no other test has."""
    monkeypatch.setattr(catalogue, "CHECKOUT", tmp_path)
    marked = os.environ | {ownership.MARK: f"{NO_HARNESS} {tmp_path}"}
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=marked) as child:
        try:
            child.send_signal(signal.SIGSTOP)
            assert waiting.until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED, 10)
            yield child
        finally:
            child.kill()


def test_a_stopped_process_is_named_and_left_alone(frozen: subprocess.Popen[bytes]) -> None:
    """Whoever asks is told what it is."""
    [said] = orphans.named()
    assert said.endswith(f"(pid {frozen.pid}, stopped) of a killed run (pid 1)")
    assert frozen.poll() is None


def test_a_stopped_process_is_ended(frozen: subprocess.Popen[bytes]) -> None:
    """It cannot end by itself, and would hold its port and its memory."""
    printed = io.StringIO()
    orphans.end(Console(file=printed, width=200))
    assert frozen.wait(10) == -signal.SIGKILL
    assert printed.getvalue() == f"ended processes that a killed run (pid 1) had left: {frozen.pid}\n"
    assert orphans.named() == []


def test_processes_of_a_living_harness_are_no_orphans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are those of another checkout."""
    mine = ownership.mark().replace(str(catalogue.CHECKOUT), str(tmp_path))
    monkeypatch.setattr(catalogue, "CHECKOUT", tmp_path)
    for mark in (mine, f"{NO_HARNESS} /elsewhere"):
        with subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"], env=os.environ | {ownership.MARK: mark}
        ) as child:
            try:
                assert psutil.Process(child.pid).environ()[ownership.MARK] == mark
                assert orphans.named() == []
            finally:
                child.kill()
