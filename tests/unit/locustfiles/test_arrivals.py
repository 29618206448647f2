"""Schedules of arrivals."""

import random
from itertools import islice, pairwise

import pytest

from locustfiles._arrivals import Arrivals, batch_ns, offsets_ns
from tests.unit.conftest import InGreenlet


def test_uniform_arrivals_are_evenly_spaced() -> None:
    """At 4 per second, one every 250 ms; two processes with half the rate each interleave."""
    assert list(islice(offsets_ns(4.0, "uniform", random.Random(1)), 3)) == [0, 250_000_000, 500_000_000]
    halves = [list(islice(offsets_ns(2.0, "uniform", random.Random(1), phase=index * 0.5), 2)) for index in (0, 1)]
    assert sorted(halves[0] + halves[1]) == [0, 250_000_000, 500_000_000, 750_000_000]


def test_poisson_arrivals_have_the_rate_and_the_spread_of_an_exponential() -> None:
    """Mean gap 1/rate, and a standard deviation as large as the mean; the same again from the same seed."""
    times = list(islice(offsets_ns(1000.0, "poisson", random.Random(7)), 20_000))
    gaps_ms = [(after - before) / 1e6 for before, after in pairwise(times)]
    mean = sum(gaps_ms) / len(gaps_ms)
    spread = (sum((gap - mean) ** 2 for gap in gaps_ms) / len(gaps_ms)) ** 0.5
    assert mean == pytest.approx(1.0, rel=0.03)
    assert spread == pytest.approx(1.0, rel=0.05)
    assert times == list(islice(offsets_ns(1000.0, "poisson", random.Random(7)), 20_000))


def test_a_batch_has_so_many_arrivals() -> None:
    """All at once without a rate, else at the rate."""
    assert list(batch_ns(3, 0.0, "uniform", random.Random(1))) == [0, 0, 0]
    assert list(batch_ns(3, 10.0, "uniform", random.Random(1))) == [0, 100_000_000, 200_000_000]


def test_arrivals_that_no_user_has_taken_are_counted_from_the_oldest(in_greenlet: InGreenlet) -> None:
    """Three are due at once. The first user takes the oldest."""

    def seen() -> list[tuple[int, bool]]:
        arrivals = Arrivals()
        arrivals.follow(batch_ns(3, 0.0, "uniform", random.Random(1)))
        oldest_ns = arrivals.take()
        left = [(arrivals.waiting()[0], arrivals.waiting()[1] == oldest_ns)]
        arrivals.close()
        return [*left, (arrivals.waiting()[0], arrivals.waiting()[1] == 0)]

    assert in_greenlet(seen) == [(2, True), (0, True)]
