"""Waits until a condition becomes true: a server answers, a process ends."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def is_there(found: object) -> bool:
    """Whether the result of a look is neither None nor False."""
    return found is not None and found is not False


def until(
    look: Callable[[], T],
    timeout_s: float,
    every_s: float = 0.05,
    *,
    enough: Callable[[T], bool] = is_there,
    sleep: Callable[[float], object] = time.sleep,
) -> T:
    """Call `look` every `every_s` seconds, at least once, until its result is `enough`. Returns the last result.

    After `timeout_s`, that result is not `enough`. Errors of `look` are raised at once.
    """
    deadline = time.monotonic() + timeout_s
    while not enough(found := look()) and time.monotonic() <= deadline:
        sleep(every_s)
    return found
