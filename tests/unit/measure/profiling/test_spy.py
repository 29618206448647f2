"""py-spy beside a real process."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.measure.profiling import spy
from bench.measure.profiling.spy import Spy
from suite import waiting

BUSY = "import time\ndef busy():\n    while True:\n        sum(range(100))\nprint('ready', flush=True)\nbusy()"


@pytest.fixture
def busy() -> Iterator[int]:
    """The pid of a process that is busy in a function of this name."""
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_it_sees_where_a_process_is_busy(busy: int, tmp_path: Path) -> None:
    """With machine code and without."""
    before = spy.threads_s([busy])
    for native in (True, False):
        look = looked(Spy([busy], 1, sorted(os.sched_getaffinity(0))[-1:], tmp_path, "stacks.txt", native=native))
        assert look.problem == ""
        assert sum(look.stacks.values()) > 20
        inside = sum(count for stack, count in look.stacks.items() if "busy (<string>)" in stack)
        assert inside > 0.9 * sum(look.stacks.values())
    assert sum(spy.used_s(before, spy.threads_s([busy])).values()) > 0.5
    assert spy.processes(busy) == [busy]


def looked(one: Spy) -> spy.StacksSeen:
    waiting.until(one.has_ended, 20, 0.05)
    return one.look()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start the process of another user")
def test_a_kernel_that_forbids_it_is_named_with_the_remedy(tmp_path: Path) -> None:
    """A user may not look into another one's process."""
    stranger = 65534
    with (
        tempfile.TemporaryDirectory() as open_to_all,
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process,
    ):
        time.sleep(0.3)
        Path(open_to_all).chmod(0o755)  # the checkout may be in a folder that only root can enter
        program = shutil.copy(spy.PROGRAM, open_to_all)
        command = [program, "record", "--pid", str(process.pid), "--duration", "1", "--output", "/dev/null"]
        answer = subprocess.run(command, user=stranger, group=stranger, capture_output=True, text=True, check=False)
        process.kill()
    assert answer.returncode != 0
    log = answer.stdout + answer.stderr
    scope = tmp_path / "ptrace_scope"
    assert spy.problem(log, "", scope).endswith("in a container, add: --cap-add SYS_PTRACE")
    scope.write_text("3\n")
    assert "ptrace_scope is 3); allow it with: sysctl" in spy.problem(log, "", scope)


def test_a_process_that_has_ended_is_no_traceback(tmp_path: Path) -> None:
    """What py-spy said last is the reason."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    look = looked(Spy([process.pid], 1, (), tmp_path, "stacks.txt", native=False))
    assert look.problem.startswith("py-spy saw nothing: ")
    assert spy.threads_s([process.pid]) == {}
    assert spy.processes(process.pid) == [process.pid]
