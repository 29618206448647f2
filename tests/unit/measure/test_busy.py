"""How busy the machine is with others: shares from two readings, in words, and of a real process."""

import os
import subprocess
import sys
import time

import pytest

from bench.analysis.recorded.counters import KERNEL_THREADS_PARENT, Cpu, Process
from bench.measure.watch import busy, kernel
from bench.measure.watch.busy import Busy, Reading, Stranger, Watch
from bench.plan.note import Kind

US, SERVICE, DATABASE, KERNEL = 100, 101, 102, 7
ROOTS = (US, DATABASE)
LOOP = "import time\nuntil = time.monotonic() + 60\nwhile time.monotonic() < until: pass\n"


def process(pid: int, parent: int, cpu_s: float, name: str = "", reaped_s: float = 0.0, cpu: int = 0) -> Process:
    """A process with these figures."""
    return Process(pid, parent, name or f"p{pid}", 1.0, cpu_s, reaped_s, 1, cpu=cpu)


def reading(*processes: Process, working_s: float, steal_s: float = 0.0) -> Reading:
    """On two CPUs, which have worked this long together."""
    cpus = {0: Cpu(working_s, 0.0, steal_s), 1: Cpu(0.0, 0.0, 0.0)}
    return {one.pid: one for one in processes}, cpus


BEFORE = reading(
    process(US, 1, 10.0, reaped_s=5.0),
    process(SERVICE, US, 2.0),
    process(DATABASE, 1, 1.0),
    process(KERNEL, KERNEL_THREADS_PARENT, 1.0),
    process(500, 1, 50.0, "firefox"),
    working_s=100.0,
)


def test_ours_and_the_kernels_are_no_strangers() -> None:
    """A service that has ended counts with its parent, and only for what it used since the first reading."""
    now = reading(
        process(US, 1, 11.0, reaped_s=10.0),  # the service ended after 5 s in all, 3 s of them now
        process(DATABASE, 1, 1.5),
        process(KERNEL, KERNEL_THREADS_PARENT, 1.5),
        process(500, 1, 52.0, "firefox"),
        process(501, 500, 1.0, "tab"),
        process(502, 1, 0.0, "asleep"),
        working_s=100.0 + 1 + 3 + 0.5 + 0.5 + 2 + 1,
    )
    found = busy.busy(BEFORE, now, ROOTS, 10.0)
    assert found.strangers == (Stranger("firefox", 500, 0.2), Stranger("tab", 501, 0.1))
    assert (found.cpus, found.unseen) == (2, 0.0)
    assert found.others == pytest.approx(0.3)
    named = "firefox (pid 500) 0.20 CPU, tab (pid 501) 0.10 CPU"
    assert found.words("now") == f"other processes used 0.30 of 2 CPUs now: {named}: {busy.REMEDY}"


def test_what_cannot_be_seen_is_counted_by_the_cpus() -> None:
    """Other containers' processes, those that ended meanwhile, and what the hypervisor gave away."""
    now = reading(*BEFORE[0].values(), working_s=104.0, steal_s=1.0)
    found = busy.busy(BEFORE, now, ROOTS, 10.0)
    assert not found.strangers
    assert [found.unseen, found.steal] == pytest.approx([0.4, 0.1])
    assert found.words("now") == (
        "other processes used 0.40 of 2 CPUs now: some that ended or cannot be seen here 0.40 CPU;"
        " the hypervisor gave 0.10 CPU to other machines"
    )


def test_a_pid_that_another_process_got_and_cpus_that_are_not_ours() -> None:
    """A process that is new has used all of its time now. One on a CPU that we may not use takes nothing from us."""
    other = Process(500, 1, "cron", 9.0, 1.0, 0.0, 1, cpu=1)
    now = reading(other, process(600, 1, 5.0, cpu=7), working_s=100.0)
    assert busy.busy(BEFORE, now, ROOTS, 10.0).strangers == (Stranger("cron", 500, 0.1),)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Busy(2, 2, (Stranger("a", 1, 0.04),)), ""),
        (Busy(2, 2, (Stranger("a", 1, 0.03),), unseen=0.019), ""),
        (
            Busy(2, 2, (Stranger("a", 1, 0.03),), unseen=0.03),
            "0.06 of 2 CPUs meanwhile: a (pid 1) 0.03 CPU, some that ended or cannot be seen here 0.03 CPU: close",
        ),
        (
            Busy(2, 4, tuple(Stranger(name, 1, 0.2) for name in "abcdef")),
            "1.20 of 4 CPUs meanwhile: " + "".join(f"{name} (pid 1) 0.20 CPU, " for name in "abcd") + "2 more: close",
        ),
        (Busy(2, 2, steal=0.5), "0.00 of 2 CPUs meanwhile; the hypervisor gave 0.50 CPU to other machines"),
    ],
)
def test_a_note_names_whom_to_close(found: Busy, text: str) -> None:
    """Below 5% of one CPU in all there is none. What the hypervisor runs cannot be closed."""
    assert found.quiet is not bool(text)
    notes = [one.text for one in found.notes("meanwhile")]
    assert all(one.kind == Kind.BUSY for one in found.notes(""))
    wanted = text.replace(": close", f": {busy.REMEDY}")
    assert notes == ([f"other processes used {wanted}"] if text else [])


def test_the_figures_are_kept() -> None:
    """Rounded, and with the busiest processes only."""
    found = Busy(2.00001, 2, tuple(Stranger(name, 1, 0.20004) for name in "abcdef"), 0.10004, 0.00004)
    assert found.as_dict() == {
        "seconds": 2.0,
        "others": 1.3,
        "unseen": 0.1,
        "steal": 0.0,
        "processes": [{"name": name, "cpus": 0.2} for name in "abcd"],
    }


@pytest.mark.skipif(sys.platform != "linux", reason="places a process")
def test_a_busy_process_is_named_unless_it_is_ours() -> None:
    """A real loop on one CPU, once as a stranger and once as a root."""
    cpu = min(os.sched_getaffinity(0))
    with subprocess.Popen([sys.executable, "-c", f"import os\nos.sched_setaffinity(0, {{{cpu}}})\n{LOOP}"]) as loop:
        try:
            before = Watch(())._began
            # Our children are ours, so this looks as another process would.
            began, others = time.monotonic(), [1 << 40]
            time.sleep(2)
            now = kernel.processes(), kernel.cpus()
            length_s = time.monotonic() - began
            seen = {one.pid: one.cpus for one in busy.busy(before, now, others, length_s).strangers}
            assert 0.05 < seen[loop.pid] < 1.1
            ours = busy.busy(before, now, [loop.pid], length_s)
            assert loop.pid not in {one.pid for one in ours.strangers}
        finally:
            loop.kill()


def test_a_watch_waits_until_it_has_seen_enough() -> None:
    """No longer, and not at all when enough time has passed."""
    slept: list[float] = []
    watch = Watch(())
    watch.seen(5.0, sleep=slept.append)
    watch.seen(0.0, sleep=slept.append)
    assert 4.0 < slept[0] <= 5.0
    assert slept[1] == 0.0
