"""Readings of processes and CPUs: the kernel's own figures of real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bench.analysis.recorded import machine
from bench.analysis.recorded.machine import Machine
from bench.analysis.recorded.readings import Reading, grown
from bench.analysis.recorded.windows import Window
from bench.measure.watch import kernel
from bench.measure.watch.kernel import parse_stat
from bench.measure.watch.resources import Sampler
from bench.plan import placement
from bench.plan.placement import Placement

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

BUSY = "import time\nuntil = time.process_time() + 0.4\nwhile time.process_time() < until: pass\n"


def test_a_line_of_stat_is_read_behind_the_name() -> None:
    """A name may hold spaces and brackets."""
    first = "S 17 17 17 0 -1 4194304 5 0 0 0 250 50 30 20 20 0 4 0 1234 1000000 500 18446744073709551615"
    behind = f"{first} 1 1 0 0 0 0 0 0 0 0 0 0 17 3 0 0"
    line = f"4242 (a) b (c)) {behind}\n"
    process = parse_stat(line, 100, 4096)
    assert (process.pid, process.parent, process.name) == (4242, 17, "a) b (c)")
    assert (process.cpu_s, process.reaped_s, process.started, process.rss_bytes) == (3.0, 0.5, 12.34, 500 * 4096)
    assert process.cpu == 3


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
            assert not any(f"(pid {child.pid})" in name for one in sampler.readings for name in one.strangers)
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
            while used_s(sampler.readings, stranger.pid) < 0.35 and time.monotonic() < deadline:
                time.sleep(0.05)
                sampler.look()
            assert used_s(sampler.readings, stranger.pid) >= 0.35
        finally:
            stranger.send_signal(signal.SIGKILL)


def used_s(readings: list[Reading], pid: int) -> float:
    """What a process was seen to use since the first reading."""
    return sum(used for one in readings for name, used in one.strangers.items() if name.endswith(f" (pid {pid})"))


def machine_of(readings: list[Reading]) -> Machine:
    """What these readings say of the time between the first and the last."""
    seen = machine.of(readings, [], Window(readings[0].at_ns, readings[-1].at_ns, 1), Placement())
    assert seen is not None
    return seen


def worked(readings: list[Reading]) -> float:
    """The share of our CPUs that was busy meanwhile, with whatever."""
    grew = grown(readings, readings[0].at_ns, readings[-1].at_ns)
    cpus = readings[0].cpus
    busy_s = sum(grew[f"working {number}"] + grew[f"interrupts {number}"] for number in cpus)
    return busy_s / (readings[-1].at_ns - readings[0].at_ns) * 1e9 / len(cpus)


WORKED_BEFORE = r"""
import subprocess, sys, time
busy = "import time\nwhile time.process_time() < 1.5: pass\nprint(flush=True)\ninput()"
child = subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
print(flush=True)
input()
child.communicate(b"\n")
print(flush=True)
time.sleep(60)
"""


@linux
def test_what_a_strangers_child_used_before_is_not_counted_when_it_ends() -> None:
    """1.5 s before the first reading; its parent is credited with them when it ends, a moment later."""
    program = [sys.executable, "-c", WORKED_BEFORE]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stranger:
        assert stranger.stdin is not None
        assert stranger.stdout is not None
        try:
            stranger.stdout.readline()
            sampler = Sampler({stranger.pid + 1_000_000: "service"})
            time.sleep(0.2)
            sampler.look()
            stranger.stdin.write(b"\n")
            stranger.stdin.flush()
            stranger.stdout.readline()
            time.sleep(0.2)
            sampler.look()
        finally:
            stranger.kill()
    seen = machine_of(sampler.readings)
    assert seen.strangers is not None
    assert seen.strangers <= worked(sampler.readings) + 0.01
    assert used_s(sampler.readings, stranger.pid) < 0.3


def watched(loops: Sequence[subprocess.Popen[bytes]], roots: Mapping[int, str], looks: int) -> Sampler:
    """Look so often at processes that compute, four times a second, and end them."""
    try:
        sampler = Sampler(roots)
        for _ in range(looks):
            time.sleep(0.25)
            sampler.look()
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    return sampler


@linux
def test_a_stranger_on_all_cpus_is_caught_and_named() -> None:
    """A loop on each: most of the CPUs' time, never more than all of it."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in placement.available_cpus()]
    sampler = watched(loops, {loops[0].pid + 1_000_000: "service"}, looks=4)
    seen = machine_of(sampler.readings)
    assert seen.strangers is not None
    assert worked(sampler.readings) - 0.1 < seen.strangers <= 1.0
    assert seen.strangers > 0.5  # the hypervisor may have had the rest
    assert any(f"(pid {loop.pid})" in name for loop in loops for one in sampler.readings for name in one.strangers)
    assert "(pid " in seen.strangers_named


@linux
def test_what_strangers_idle_services_and_the_service_used_is_seen_by_cpu_and_process() -> None:
    """One loop each on our last CPU: both of the first two there, and the service's by pid."""
    last = placement.allowed_cpus()[-1]
    program = f"import os\nos.sched_setaffinity(0, [{last}])\nwhile True: pass"
    stranger, idle, service = loops = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    sampler = watched(loops, {idle.pid: "others", service.pid: "service"}, looks=6)
    begun, ended = sampler.readings[1], sampler.readings[-1]  # each has placed itself before the second
    used_s = {who: ended.seen_on[who][last] - begun.seen_on[who][last] for who in ("strangers", "others")}
    assert min(used_s.values()) > 0.1, used_s
    idle_s = {cpu: ended.seen_on["others"][cpu] - before_s for cpu, before_s in begun.seen_on["others"].items()}
    assert [cpu for cpu, other_s in idle_s.items() if other_s] == [last]
    assert any(
        one.ran_on.get(name) == last for one in sampler.readings for name in one.strangers if f"{stranger.pid})" in name
    )
    own = [one.roles["service"].by_process for one in (begun, ended)]
    assert own[0].keys() == own[1].keys() == {service.pid}
    assert own[1][service.pid] - own[0][service.pid] > 0.1
    assert ended.roles["others"].by_process == {}


def test_the_group_that_was_held_up_most_counts_between_two_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the one that had been held up most since it was made; one that is unreadable for a while is unknown."""
    ours, above = Path("ours"), Path("above")
    first = {ours: 1.0, above: 100.0}
    told: list[dict[Path, float] | None] = [first, first, {ours: 3.0, above: 100.5}, None, {ours: 3.0, above: 101.0}]
    monkeypatch.setattr(kernel, "throttled_s", lambda: told.pop(0))
    sampler = Sampler({})
    for _ in range(3):
        sampler.look()
    assert [one.throttled_s for one in sampler.readings] == [0.0, 2.0, None, 2.5]


@linux
def test_a_pid_that_was_given_to_another_process_has_no_role() -> None:
    """It is known by its start, too."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        try:
            sampler = Sampler({child.pid: "service"})
            assert "service" in sampler.readings[-1].roles
            sampler._roots_started[child.pid] -= 1.0
            sampler.look()
            assert "service" not in sampler.readings[-1].roles
        finally:
            child.kill()


@linux
def test_a_reading_costs_little() -> None:
    """Every half second, under 1% of a CPU: less than 5 ms each, in the best of five batches."""
    sampler, batches_s = Sampler({os.getpid(): "harness"}), []
    for _ in range(5):
        before_s = time.process_time()
        for _ in range(20):
            sampler.look()
        batches_s.append(time.process_time() - before_s)
    assert min(batches_s) / 20 < 0.005


def test_cpus_are_all_there() -> None:
    """With figures that grow."""
    before = kernel.cpus()
    assert set(before) == set(range(os.cpu_count() or 1))
    assert all(cpu.working_s >= 0 and cpu.steal_s >= 0 for cpu in before.values())
