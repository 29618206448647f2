"""Results that are kept as long as the value that they were computed from."""

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

V = TypeVar("V")
P = ParamSpec("P")
R = TypeVar("R")


def once(compute: Callable[Concatenate[V, P], R]) -> Callable[Concatenate[V, P], R]:
    """`compute`, which runs once for each value and its other arguments (positional, hashable).

    The value must never change. Two values are the same only if they are one object, or equal by their own hash.
    """
    known: WeakKeyDictionary[V, dict[tuple[Hashable, ...], R]] = WeakKeyDictionary()

    @wraps(compute)
    def kept(value: V, /, *others: P.args, **named: P.kwargs) -> R:
        results = known.setdefault(value, {})
        if others not in results:
            results[others] = compute(value, *others, **named)
        return results[others]

    return kept
