"""Waiting until something is there."""

import pytest

from suite import waiting


def test_what_is_found_is_given_at_once() -> None:
    """A zero or an empty value is something; None and False are not. It looks no more than it has to."""
    slept: list[float] = []
    looks = iter((None, False, 0, 1))
    assert waiting.until(lambda: next(looks), 60, 0.5, sleep=slept.append) == 0
    assert (slept, next(looks)) == ([0.5, 0.5], 1)


def test_the_last_look_is_given_when_time_is_up() -> None:
    """After one look at least."""
    assert waiting.until(lambda: False, 0.02, 0.01) is False
    assert waiting.until(lambda: 7, 0, enough=lambda found: found > 8) == 7
    assert waiting.until(lambda: 9, -1, enough=lambda found: found > 8) == 9


def test_an_error_ends_the_wait() -> None:
    """What looks decides what can still become true."""
    with pytest.raises(ZeroDivisionError):
        waiting.until(lambda: 1 // 0, 60)
