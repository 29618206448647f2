"""Names that a user gives: looked up, and the nearest one named where there is none."""

import difflib
from collections.abc import Iterable, Mapping
from typing import TypeVar

from suite.errors import UsageError

T = TypeVar("T")


def known(kind: str, name: str, having: Mapping[str, T]) -> T:
    """The entry of this name, or a UsageError that names the nearest one and all there are."""
    if name in having:
        return having[name]
    raise UsageError(f"there is no {kind} {name!r}{nearest(name, having)}; there are: {', '.join(having)}")


def nearest(name: str, names: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)``, or nothing where no name is near."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""
