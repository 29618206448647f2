"""Monotonic clocks of several processes."""

from locustfiles import _clock
from locustfiles._clock import ClockReading


def test_processes_of_one_machine_share_the_clock() -> None:
    """Whatever the wall clocks say, nothing is added."""
    ours = ClockReading(monotonic_ns=1_000, wall_ns=5_000, boot="a")
    assert _clock.offset_ns(ClockReading(monotonic_ns=900, wall_ns=9_999, boot="a"), ours) == 0
    assert _clock.offset_ns(_clock.reading()) == 0 or _clock.boot() == ""


def test_another_machines_clock_is_brought_to_ours_by_the_wall_clocks() -> None:
    """An event that both saw at the same wall time has the same time afterwards."""
    ours = ClockReading(monotonic_ns=1_000, wall_ns=50_000, boot="a")
    theirs = ClockReading(monotonic_ns=700_000, wall_ns=50_200, boot="b")
    offset = _clock.offset_ns(theirs, ours)
    seen_there_at = 700_000 - 200  # when its wall clock said 50,000
    assert seen_there_at + offset == 1_000


def test_unknown_machines_are_not_taken_for_one() -> None:
    """Without a boot id (macOS), the wall clocks decide."""
    ours = ClockReading(monotonic_ns=0, wall_ns=100, boot="")
    assert _clock.offset_ns(ClockReading(monotonic_ns=0, wall_ns=160, boot=""), ours) == 60
