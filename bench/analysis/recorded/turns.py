"""Turns: the stretches of time in which a cell's service ran, while the services of other cells were frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from suite.errors import ResultsError

Times = npt.NDArray[np.int64]
Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Turn:
    """One turn, on the monotonic clock of the samples (ns): from when the service was let go until it was frozen.

    The slice is the part of it that counts. A turn without one warms up, or waits for the last answers.
    """

    start_ns: int
    end_ns: int
    slice_start_ns: int | None = None
    slice_end_ns: int | None = None

    @property
    def span(self) -> tuple[int, int] | None:
        """The slice; None where there is none."""
        if self.slice_start_ns is None or self.slice_end_ns is None:
            return None
        return self.slice_start_ns, self.slice_end_ns


class ActiveClock:
    """The time of a cell (ns): stands still between two of its turns, while the service is frozen.

    Before the first turn it is the clock of the samples, and after the last one it goes on.
    """

    def __init__(self, turns: Sequence[Turn]) -> None:
        """Raise ResultsError for turns that overlap or are not in order, and for a slice outside its turn."""
        check(turns)
        self._frozen_ns = np.array([one.end_ns for one in turns[:-1]], dtype=np.int64)
        self._let_go_ns = np.array([one.start_ns for one in turns[1:]], dtype=np.int64)
        self._lost_ns = np.concatenate(([0], np.cumsum(self._let_go_ns - self._frozen_ns))).astype(np.int64)

    def of(self, times_ns: Times) -> Times:
        """Times of the monotonic clock on this one."""
        if not len(self._frozen_ns):
            return times_ns
        begun = np.searchsorted(self._frozen_ns, times_ns, side="right")
        last = np.maximum(begun - 1, 0)
        still_ns = np.clip(times_ns - self._frozen_ns[last], 0, self._let_go_ns[last] - self._frozen_ns[last])
        return np.asarray(times_ns - self._lost_ns[last] - still_ns, dtype=np.int64)

    def at(self, time_ns: int) -> int:
        """One time."""
        return int(self.of(np.array([time_ns], dtype=np.int64))[0])


def check(turns: Sequence[Turn]) -> None:
    """Raise ResultsError for turns that overlap or are not in order, and for a slice outside its turn."""
    for one in turns:
        start_ns, end_ns = one.span or (one.start_ns, one.end_ns)
        if not one.start_ns <= start_ns <= end_ns <= one.end_ns or (one.span and start_ns == end_ns):
            raise ResultsError(f"a turn from {one.start_ns} to {one.end_ns} cannot have a slice {start_ns} to {end_ns}")
    for before, after in pairwise(turns):
        if before.end_ns > after.start_ns:
            raise ResultsError(f"a turn begins at {after.start_ns}, before the last one ended at {before.end_ns}")


def spent(times_ns: Times, spans: Spans) -> Times:
    """How much of these spans (in order, apart from each other) had passed by each of these times (ns)."""
    starts, ends = (np.array([span[end] for span in spans], dtype=np.int64) for end in (0, 1))
    before_ns = np.concatenate(([0], np.cumsum(ends - starts))).astype(np.int64)
    last = np.maximum(np.searchsorted(starts, times_ns, side="right") - 1, 0)
    return np.asarray(before_ns[last] + np.clip(times_ns - starts[last], 0, (ends - starts)[last]), dtype=np.int64)
