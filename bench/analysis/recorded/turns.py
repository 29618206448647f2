"""Turns: the stretches of time in which a cell's service ran, while the services of other cells were frozen."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Turn:
    """One turn, on the monotonic clock of the samples (ns): from when the service was let go until it was frozen.

    The slice is the part of it that counts. A turn without one warms up, or waits for the last answers.
    """

    start_ns: int
    end_ns: int
    slice_start_ns: int | None = None
    slice_end_ns: int | None = None
