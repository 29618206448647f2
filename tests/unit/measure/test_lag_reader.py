"""What is read of the lag that a service's processes wrote."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.measure.watch import loop_lag
from bench.measure.watch.loop_lag import LagReader
from services.loop_lag import EVERY_NS
from suite.errors import ResultsError

HERE, MS = os.getpid(), 1_000_000


def ended() -> int:
    """The number of a process that has ended."""
    one = subprocess.Popen([sys.executable, "-c", ""])
    one.wait()
    return one.pid


def test_only_what_ran_since_the_beginning_is_read(tmp_path: Path) -> None:
    """Process by process; what was due before and ran since is part of it, and an incomplete last line is not."""
    path, gone = tmp_path / "lag", ended()
    reader = LagReader(path)
    now_ns = time.perf_counter_ns()
    path.write_text(
        f"{HERE} {now_ns - 1000 * MS} 5\n{HERE} {now_ns - 900 * MS} {950 * MS}\n"
        f"{gone} {now_ns + MS} 0\n{HERE} {now_ns + 50 * MS}"
    )
    mine, other = reader.until(now_ns + 60 * MS)
    assert (mine.process, mine.due_ns, mine.late_ns) == (HERE, (now_ns - 900 * MS,), (950 * MS,))
    assert (other.process, other.due_ns, other.every_ns) == (gone, (now_ns + MS,), EVERY_NS)


def test_a_timer_that_has_not_run_counts_with_its_age(tmp_path: Path) -> None:
    """Of a process that runs, also where its last line is older than the reader. One that has ended owes nothing."""
    path, gone = tmp_path / "lag", ended()
    old_ns = time.perf_counter_ns() - 300 * MS
    path.write_text(f"{HERE} {old_ns} {12 * MS}\n{gone} {old_ns} 0\n")
    reader = LagReader(path)
    end_ns = time.perf_counter_ns() + 2000 * MS
    mine, other = reader.until(end_ns)
    assert (mine.due_ns, mine.late_ns) == ((old_ns + 20 * MS,), (end_ns - old_ns - 20 * MS,))
    assert other.due_ns == ()


def test_a_blocked_loop_gets_a_while_to_run_its_timer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not counts nevertheless."""
    monkeypatch.setattr(loop_lag, "GRACE_S", 0.2)
    path = tmp_path / "lag"
    due_ns = time.perf_counter_ns() - 2 * EVERY_NS  # and it was due once more since
    path.write_text(f"{HERE} {due_ns} 0\n")
    [found] = LagReader(path).until_now()
    waited_ns = time.perf_counter_ns() - due_ns
    assert 200 * MS < found.late_ns[-1] < waited_ns


def test_nothing_is_read_where_nothing_is_written(tmp_path: Path) -> None:
    """Neither without a file; something else is an error that names it."""
    assert (LagReader(None).until_now(), LagReader(None).until(0)) == ((), ())
    assert LagReader(tmp_path / "none").until_now() == ()
    (tmp_path / "other").write_text("what is this\n")
    with pytest.raises(ResultsError, match="cannot read the lag of the event loop"):
        LagReader(tmp_path / "other").until(0)
