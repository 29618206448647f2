"""Looks up names that a user gives. For an unknown name, the error suggests the nearest one."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from suite.errors import UsageError

T = TypeVar("T")


def known(kind: str, name: str, having: Mapping[str, T]) -> T:
    """The entry with this name. Raises UsageError that lists the nearest name and all names."""
    if name in having:
        return having[name]
    raise UsageError(f"there is no {kind} {name!r}{nearest(name, having)}; there are: {', '.join(having)}")


def nearest(name: str, names: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)``, or an empty text if no name is similar."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""
