"""Garbage collections of a service, counted."""

import gc
import subprocess
import sys

import pytest

from services import collection
from services.collection import KEPT_S, Collections


class Clocks:
    """CPU time and time of day that pass when the test says so."""

    def __init__(self) -> None:
        self.used_s = self.at_s = 100.0
        self.collections = Collections(lambda: self.used_s, lambda: self.at_s)

    def collect(self, took_s: float, generation: int = 2) -> None:
        self.collections.note("start", {"generation": generation})
        self.used_s += took_s
        self.collections.note("stop", {"generation": generation})


def test_all_take_time_and_those_of_all_generations_are_counted() -> None:
    """Whatever passes between them is not theirs."""
    clocks = Clocks()
    for generation in (0, 0, 1, 2, 0, 2):
        clocks.used_s += 5.0
        clocks.collect(0.25, generation)
    assert (clocks.collections.full, clocks.collections.seconds) == (2, 1.5)
    assert clocks.collections.longest_s() == 0.25


@pytest.mark.parametrize(
    ("after_s", "longest_s"),
    [(0.0, 0.5), (KEPT_S - 0.1, 0.5), (KEPT_S, 0.5), (2 * KEPT_S, 0.0), (100.0, 0.0)],
)
def test_the_longest_is_kept_for_a_while(after_s: float, longest_s: float) -> None:
    """A reader who comes once in KEPT_S seconds misses none; an old one is forgotten."""
    clocks = Clocks()
    clocks.collect(0.5)
    clocks.at_s += after_s
    assert clocks.collections.longest_s() == longest_s


def test_any_number_of_readers_see_the_longest() -> None:
    """Reading takes nothing away, and a shorter one later is not it."""
    clocks = Clocks()
    clocks.collect(0.5)
    for _ in range(4):
        clocks.at_s += KEPT_S / 4
        clocks.collect(0.125)
        assert clocks.collections.longest_s() == 0.5
    for _ in range(4):
        clocks.at_s += KEPT_S / 4
        clocks.collect(0.125)
    clocks.at_s += KEPT_S / 4
    assert clocks.collections.longest_s() == 0.125


def test_a_longer_one_after_a_long_silence_is_the_longest() -> None:
    """Where nobody has read since."""
    clocks = Clocks()
    clocks.collect(0.5)
    clocks.at_s += 3 * KEPT_S
    clocks.collect(0.75)
    assert clocks.collections.longest_s() == 0.75


def test_python_calls_it() -> None:
    """Before and after each collection."""
    collections = Collections()
    collections.begin(freeze=False)
    try:
        gc.collect(0)
        assert collections.full == 0
        before_s = collections.seconds
        gc.collect()
        assert collections.full == 1
        assert collections.seconds > before_s
        assert collections.longest_s() > 0
        assert collection.setting() == "default"
    finally:
        gc.callbacks.remove(collections.note)


def test_freezing_leaves_out_what_there_is() -> None:
    """In a process of its own: there is no way back for this one. The start's own collection is not counted."""
    code = (
        "import gc, sys; from services import collection\n"
        "kept = [[] for _ in range(1000)]\n"
        "collection.COLLECTIONS.begin(freeze=True)\n"
        "frozen, tracked = gc.get_freeze_count(), len(gc.get_objects())\n"
        "print(collection.setting(), collection.COLLECTIONS.full, tracked < 1000 < frozen)\n"
        "gc.disable(); print(collection.setting())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "freeze 0 True\ndisabled\n"
