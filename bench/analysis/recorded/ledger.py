"""What a window's samples add up to: requests, failures, the users' time, a steady rate. Pure."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import stdtr  # ufuncs; scipy.stats takes far longer to import

from bench.analysis.recorded import windows
from bench.analysis.recorded.windows import Window
from suite.arrival import Arrival

SLICES = 10


@dataclass(frozen=True)
class Drift:
    """How much throughput changed over the window, as a share of its mean, and the p value of that."""

    share: float
    p: float


@dataclass(frozen=True)
class Ledger:
    """`accounted` and `drift` are None where the model has no such figure."""

    requests: int
    failures: int
    missed: int
    accounted: float | None
    drift: Drift | None


def of(samples: pl.DataFrame, window: Window, users: int, arrival: Arrival) -> Ledger:
    """Of all samples of a load with so many users asked for."""
    due = windows.cut(samples, window, arrival)
    sent = windows.sent(due)
    return Ledger(
        requests=len(sent),
        failures=int((~sent["ok"]).sum()),
        missed=len(due) - len(sent),
        accounted=accounted(samples, window, users) if arrival == Arrival.CLOSED else None,
        drift=drift(sent, window) if arrival != Arrival.BATCH else None,
    )


def accounted(samples: pl.DataFrame, window: Window, users: int) -> float:
    """The share of the users' time in the window that requests account for, those cut by its edges in part.

    The sum over all requests of their overlap with the window, divided by users x window. 1 for users who never wait
    between two requests. `samples` must hold requests that began before the window or ended after it, too.
    """
    start, end = pl.col("start_ns"), pl.col("start_ns") + pl.col("service_time_ns")
    overlap = pl.min_horizontal(end, pl.lit(window.end_ns)) - pl.max_horizontal(start, pl.lit(window.start_ns))
    total_ns = samples.select(overlap.clip(lower_bound=0).sum()).item() or 0
    return float(total_ns / (users * (window.end_ns - window.start_ns)))


def drift(sent: pl.DataFrame, window: Window) -> Drift | None:
    """Whether throughput rose or fell over the window. None without successes.

    A straight line is fitted by least squares to the successes that ended in each of SLICES equal parts of the window;
    its rise over the window is divided by the mean. p: two-sided t test of the slope with SLICES - 2 degrees of
    freedom. Source: any textbook, for example NIST/SEMATECH e-Handbook of Statistical Methods, 4.1.4.1.
    """
    ends_ns = sent.filter(pl.col("ok")).select(pl.col("start_ns") + pl.col("service_time_ns")).to_series().to_numpy()
    counts, _ = np.histogram(ends_ns, bins=SLICES, range=(window.start_ns, window.end_ns))
    if not counts.any():
        return None
    x = np.arange(SLICES) - (SLICES - 1) / 2
    slope = float((x * counts).sum() / (x * x).sum())
    residuals = counts - counts.mean() - slope * x
    error = math.sqrt(float((residuals**2).sum()) / (SLICES - 2) / float((x * x).sum()))
    p = 2 * float(stdtr(SLICES - 2, -abs(slope) / error)) if error else float(slope == 0)
    return Drift(slope * SLICES / float(counts.mean()), p)
