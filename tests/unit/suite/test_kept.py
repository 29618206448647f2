"""Results that are kept as long as the value that they were computed from."""

import gc
import weakref

import pytest

from suite.kept import once


class Value:
    """Anything that can be referred to weakly."""


def test_a_result_is_computed_once_for_each_value_and_its_arguments() -> None:
    """Not again after another value, and never taken from one."""
    computed: list[tuple[Value, int]] = []

    @once
    def doubled(value: Value, number: int) -> int:
        computed.append((value, number))
        return 2 * number

    first, second = Value(), Value()
    assert [doubled(one, number) for one in (first, second, first) for number in (1, 2, 1)] == [2, 4, 2] * 3
    assert computed == [(first, 1), (first, 2), (second, 1), (second, 2)]


def test_what_fails_is_not_kept_and_a_value_may_go() -> None:
    """Samples of an earlier run must not stay in memory."""

    @once
    def failing(_: Value) -> None:
        raise LookupError

    value = Value()
    for _ in range(2):
        with pytest.raises(LookupError):
            failing(value)
    gone = weakref.ref(value)
    del value
    gc.collect()
    assert gone() is None
