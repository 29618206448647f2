"""The harness is kept off the service's CPUs, and nothing else is."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from bench.measure.watch.apart import kept_off
from bench.plan import placement

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or len(placement.available_cpus()) < 2, reason="needs two CPUs to choose from"
)


@contextmanager
def thread() -> Iterator[int]:
    """The number of a thread that waits for the end of the block."""
    end = threading.Event()
    started = threading.Thread(target=end.wait, args=(30,))
    started.start()
    try:
        yield started.native_id or 0
    finally:
        end.set()
        started.join()


def test_all_threads_leave_the_services_cpus_and_come_back() -> None:
    """One that ran before, the one that asks, and one that is started in the block."""
    ours = os.sched_getaffinity(0)
    service = max(ours)
    with thread() as before, ExitStack() as stack:
        with kept_off({service}):
            inside = stack.enter_context(thread())
            found = [os.sched_getaffinity(number) for number in (0, before, inside)]
        after = [os.sched_getaffinity(number) for number in (0, before, inside)]
    assert found == [ours - {service}] * 3
    assert after == [ours] * 3


@pytest.mark.parametrize("cpus", [set[int](), {10_000}, placement.allowed_cpus()])
def test_nothing_changes_where_there_is_nothing_to_leave_or_nowhere_to_go(cpus: set[int]) -> None:
    """No placement, other CPUs than ours, all of ours."""
    ours = os.sched_getaffinity(0)
    with kept_off(cpus):
        assert os.sched_getaffinity(0) == ours
    assert os.sched_getaffinity(0) == ours


def test_an_error_in_the_block_gives_the_cpus_back() -> None:
    """It goes on to the caller."""
    ours = os.sched_getaffinity(0)
    with pytest.raises(ValueError, match="broken"), kept_off({min(ours)}):
        raise ValueError("broken")
    assert os.sched_getaffinity(0) == ours
