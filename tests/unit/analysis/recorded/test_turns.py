"""The active clock: stands still while a service is frozen, and never goes back."""

import time
from itertools import pairwise

import numpy as np
import pytest

from bench.analysis.recorded import turns
from bench.analysis.recorded.turns import ActiveClock, Turn
from suite.errors import ResultsError

TURNS = (Turn(100, 200), Turn(350, 450, 370, 440), Turn(1000, 1100))


def test_frozen_time_does_not_pass() -> None:
    """Before the first turn and after the last one the clock goes on; between two it stands still."""
    raw = np.array([0, 100, 150, 200, 201, 349, 350, 400, 450, 999, 1000, 1050, 1100, 5000])
    active = [0, 100, 150, 200, 200, 200, 200, 250, 300, 300, 300, 350, 400, 4300]
    clock = ActiveClock(TURNS)
    assert clock.of(raw).tolist() == active
    assert [clock.at(int(one)) for one in raw] == active
    assert ActiveClock(TURNS[:1]).of(raw).tolist() == ActiveClock(()).of(raw).tolist() == raw.tolist()


def test_the_clock_is_exact_and_fast_where_times_are_large() -> None:
    """Nanoseconds of a machine that has run for a year, a million of them: no float can hold them."""
    base = 31_536_000_000_000_001
    many = tuple(Turn(base + number * 4_000, base + number * 4_000 + 1_000) for number in range(200))
    raw = np.random.default_rng(1).integers(base - 500, base + 900_000, 1_000_000)
    began = time.perf_counter()
    active = ActiveClock(many).of(raw)
    assert time.perf_counter() - began < 2
    some = range(0, 1_000_000, 50_000)
    gaps = [(one.end_ns, later.start_ns) for one, later in pairwise(many)]
    slow = [int(raw[i]) - sum(min(max(int(raw[i]) - a, 0), b - a) for a, b in gaps) for i in some]
    assert [int(active[i]) for i in some] == slow
    assert (np.diff(active[np.argsort(raw)]) >= 0).all()


@pytest.mark.parametrize(
    "wrong",
    [
        (Turn(100, 200), Turn(150, 300)),
        (Turn(300, 400), Turn(100, 200)),
        (Turn(200, 100),),
        (Turn(100, 200, 50, 150),),
        (Turn(100, 200, 150, 201),),
        (Turn(100, 200, 150, 150),),
    ],
)
def test_turns_that_cannot_be_are_refused(wrong: tuple[Turn, ...]) -> None:
    """A changed file must not give a wrong figure."""
    with pytest.raises(ResultsError, match="a turn"):
        ActiveClock(wrong)


def test_time_spent_in_spans_adds_up() -> None:
    """Before the first none of it, after the last all of it."""
    spans = ((10, 20), (20, 25), (100, 130))
    at = np.array([0, 10, 15, 20, 22, 25, 60, 100, 110, 130, 999])
    assert turns.spent(at, spans).tolist() == [0, 0, 5, 10, 12, 15, 15, 15, 25, 45, 45]


def test_a_slice_needs_both_ends() -> None:
    """Otherwise the turn has none."""
    assert [one.span for one in (*TURNS, Turn(1, 5, 2, None))] == [None, (370, 440), None, None]
