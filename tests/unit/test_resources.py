"""Readings of processes and CPUs: the kernel's own figures of real processes."""

import os
import signal
import subprocess
import sys
import time

import pytest

from bench import resources
from bench.resources import Sampler, grown, parse_stat

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BUSY = "import time\nuntil = time.process_time() + 0.4\nwhile time.process_time() < until: pass\n"


def test_a_line_of_stat_is_read_behind_the_name() -> None:
    """A name may hold spaces and brackets."""
    behind = "S 17 17 17 0 -1 4194304 5 0 0 0 250 50 30 20 20 0 4 0 1234 1000000 500 18446744073709551615 1 1 0"
    line = f"4242 (a) b (c)) {behind}\n"
    process = parse_stat(line, 100, 4096)
    assert (process.pid, process.parent, process.name) == (4242, 17, "a) b (c)")
    assert (process.cpu_s, process.reaped_s, process.started, process.rss_bytes) == (3.0, 0.5, 12.34, 500 * 4096)


@linux
def test_cpu_time_goes_to_the_role_of_the_nearest_root() -> None:
    """A child of ours works 0.4 s and a grandchild as much: all of it is the child's role, none of it ours."""
    program = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY!r}])\n{BUSY}\nimport time; time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as child:
        try:
            sampler = Sampler({os.getpid(): "harness", child.pid: "load"})
            deadline = time.monotonic() + 30
            while sampler.readings[-1].roles["load"].cpu_s < 0.8 and time.monotonic() < deadline:
                time.sleep(0.05)
                sampler.look()
            first, last = sampler.readings[0], sampler.readings[-1]
            assert last.roles["load"].cpu_s == pytest.approx(0.85, abs=0.15)
            assert last.roles["harness"].cpu_s - first.roles["harness"].cpu_s < 0.3
            assert 5e6 < last.roles["load"].rss_bytes < 1e8
            assert not any(f"(pid {child.pid})" in name for name in last.strangers)
            grew = grown(sampler.readings, first.at_ns, last.at_ns)
            assert grew["cpu load"] == pytest.approx(last.roles["load"].cpu_s - first.roles["load"].cpu_s)
            assert sum(grew[f"busy {number}"] for number in last.cpus) > 0.5
        finally:
            child.kill()


@linux
def test_a_process_of_somebody_else_is_a_stranger() -> None:
    """One that is no descendant of a root, by name and pid; all its CPU time counts."""
    with subprocess.Popen([sys.executable, "-c", BUSY + "time.sleep(60)"]) as stranger:
        try:
            sampler = Sampler({stranger.pid + 1_000_000: "service"})
            deadline = time.monotonic() + 30
            used_s = 0.0
            while used_s < 0.35 and time.monotonic() < deadline:
                time.sleep(0.05)
                sampler.look()
                strangers = sampler.readings[-1].strangers
                used_s = sum(used for name, used in strangers.items() if name.endswith(f" (pid {stranger.pid})"))
            assert used_s >= 0.35
        finally:
            stranger.send_signal(signal.SIGKILL)


@linux
def test_a_reading_costs_little() -> None:
    """Every half second, under 1% of a CPU: less than 5 ms each."""
    sampler = Sampler({os.getpid(): "harness"})
    before = time.process_time()
    for _ in range(20):
        sampler.look()
    assert (time.process_time() - before) / 20 < 0.005


def test_cpus_are_all_there() -> None:
    """With figures that grow."""
    before = resources.cpus()
    assert set(before) == set(range(os.cpu_count() or 1))
    assert all(cpu.working_s >= 0 and cpu.steal_s >= 0 for cpu in before.values())
