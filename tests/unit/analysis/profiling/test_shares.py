"""The share of each layer in a service's user time."""

import pytest

from bench.analysis.profiling import shares, stacks
from bench.analysis.profiling.layers import Layer
from bench.analysis.recorded.profiled import Profiled
from tests.unit.analysis.profiling.stacks_of import APP, ENDPOINT, GREENLET, LIBC, PROTOCOL

OWN, DRIVER, SERVER = Layer("service's own code", "endpoint"), Layer("driver", "C"), Layer("HTTP server", "uvicorn")
ORM = Layer("ORM / query builder", "session")


def user(one: Profiled) -> dict[Layer, float]:
    return shares.user(shares.stacks(one), one.threads_s)


def seen(text: str, **more: object) -> Profiled:
    return Profiled(0, 1, stacks.read(text), **more)  # type: ignore[arg-type]  # fields by name


def test_samples_in_system_calls_count_for_nothing() -> None:
    """A thread that waits is seen there as often as one that works."""
    found = seen(f"{ENDPOINT} 3\n{ENDPOINT};{PROTOCOL} 1\n{ENDPOINT};poll ({LIBC}) 96\n")
    assert user(found) == {OWN: 0.75, DRIVER: 0.25}
    assert shares.counted(found) == 4
    assert user(seen(f"{ENDPOINT};poll ({LIBC}) 96\n")) == {}


def test_threads_without_python_have_their_part_of_the_time() -> None:
    """Which no sample shows, since the profiler follows only threads that run Python code."""
    found = user(seen(f"{ENDPOINT} 3\n{APP} 1\n", threads_s={"gunicorn": 3.0, "tokio-runtime-w": 1.0}))
    assert found == {OWN: 0.5625, SERVER: 0.1875, Layer("driver", "Rust"): 0.25}


def test_lost_samples_are_weighed_by_a_second_look() -> None:
    """Of 60 samples in greenlets, two thirds could not be read; those outside of them have all been."""
    stack = f"{GREENLET};compile (/x/site-packages/sqlalchemy/sql/_cache_key_cy.cpython-311-x86_64-linux-gnu.so)"
    first = f"{ENDPOINT} 40\n{GREENLET} 10\n{stack} 10\n"
    second = stacks.read(f"{ENDPOINT} 40\n{GREENLET} 60\n")
    found = user(seen(first, lost=40, python_stacks=second))
    assert found == pytest.approx({OWN: 0.4, ORM: 0.3, Layer("ORM / query builder", "SQL and its cache"): 0.3})
    assert shares.lost(seen(first, lost=40)) == 0.4
    assert user(seen(first, lost=40))[OWN] == pytest.approx(2 / 3)  # without a second look


def test_a_kind_that_was_lost_altogether_is_that_of_the_second_look() -> None:
    """Then only its Python frames are known."""
    second = stacks.read(f"{ENDPOINT} 40\n{GREENLET} 60\n")
    found = user(seen(f"{ENDPOINT} 40\n", lost=60, python_stacks=second))
    assert found == pytest.approx({OWN: 0.4, ORM: 0.6})
