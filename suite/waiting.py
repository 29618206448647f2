"""Waiting for something that becomes true by itself: a server that answers, a process that ends."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def is_there(found: object) -> bool:
    """Whether a look found something: neither None nor False."""
    return found is not None and found is not False


def until(
    look: Callable[[], T],
    timeout_s: float,
    every_s: float = 0.05,
    *,
    enough: Callable[[T], bool] = is_there,
    sleep: Callable[[float], object] = time.sleep,
) -> T:
    """Look every `every_s` seconds until what is found is `enough`, once at least; what was found last.

    After `timeout_s` that is not `enough`. Raises whatever `look` raises, at once.
    """
    deadline = time.monotonic() + timeout_s
    while not enough(found := look()) and time.monotonic() <= deadline:
        sleep(every_s)
    return found
