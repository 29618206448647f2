"""The kernel's counters: which process one is of, and when a CPU is busy."""

from dataclasses import replace

import pytest

from bench.analysis.recorded.counters import Cpu, Process

WORKER = Process(pid=70, parent=7, name="uvicorn", started=12.5, cpu_s=1.0, reaped_s=0.5, rss_bytes=1_000_000)


def test_a_pid_that_was_given_again_is_another_process() -> None:
    """It began at another time; what it has used since changes nothing."""
    assert WORKER.identity == (70, 12.5)
    assert replace(WORKER, started=13.0).identity != WORKER.identity
    assert replace(WORKER, cpu_s=9.0, rss_bytes=1, stopped=True, cpu=1).identity == WORKER.identity


@pytest.mark.parametrize(("pid", "parent", "of_it"), [(2, 0, True), (15, 2, True), (1, 0, False), (70, 7, False)])
def test_threads_of_the_kernel_are_its_second_process_and_the_children_of_that(
    pid: int, parent: int, *, of_it: bool
) -> None:
    """kthreadd and its children, not init."""
    assert replace(WORKER, pid=pid, parent=parent).of_the_kernel == of_it


def test_a_cpu_is_busy_with_work_interrupts_and_what_the_hypervisor_took() -> None:
    """In all of these nothing else could run on it."""
    assert Cpu(working_s=1.5, interrupts_s=0.25, steal_s=2.0).busy_s == 3.75
