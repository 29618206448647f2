"""The ledger of a window: what became of everything that began or was due, and whether it adds up. Pure."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import stdtr  # ufuncs; scipy.stats takes far longer to import

from bench.analysis.recorded import turns, windows
from bench.analysis.recorded.turns import Times
from bench.analysis.recorded.windows import END, Window
from suite.arrival import Arrival
from suite.records import MISSED

SLICES = 10
LEAST_SLICES = 3  # a line through two has no residuals


@dataclass(frozen=True)
class Drift:
    """How much throughput changed over the window, as a share of its mean, and the p value of that."""

    share: float
    p: float


@dataclass(frozen=True)
class Ledger:
    """What became of everything that began or was due in a window, and what was completed in it.

    `requests` were sent, `failures` are those without a good answer, `unfinished` ones included; `missed` were due and
    never sent. `completed` and `succeeded` ended in the window, whenever they began. `backlog_start` and `backlog_end`
    are the arrivals of an open load that were due and not answered at its two ends. `starved` is how many users of a
    closed load had no answer in all of the window. `little` is mean latency x throughput / mean number of requests in
    the service. `accounted`, `drift` and `little` are None where the model has no such figure.
    """

    requests: int
    failures: int
    missed: int
    accounted: float | None
    drift: Drift | None
    unfinished: int = 0
    completed: int = 0
    succeeded: int = 0
    backlog_start: int = 0
    backlog_end: int = 0
    starved: int = 0
    little: float | None = None


def of(samples: pl.DataFrame, window: Window, users: int, arrival: Arrival) -> Ledger:
    """Of all samples of a load with so many users asked for."""
    mine = windows.classified(samples, window)
    begun, completed = mine.filter("begun"), mine.filter("completed")
    closed, open_ = arrival == Arrival.CLOSED, arrival == Arrival.OPEN
    share = accounted(samples, window, users) if closed else None
    missed = int(begun["missed"].sum())
    return Ledger(
        requests=len(begun) - missed,
        failures=int((~begun["ok"]).sum()) - missed,
        missed=missed,
        accounted=share,
        drift=None if arrival == Arrival.BATCH else drift(completed, window),
        unfinished=int(begun["unfinished"].sum()),
        completed=len(completed),
        succeeded=int(completed["ok"].sum()),
        backlog_start=backlog(samples, window.start_ns) if open_ else 0,
        backlog_end=backlog(samples, window.end_ns) if open_ else 0,
        starved=starved(samples, window) if closed else 0,
        little=little(begun, len(completed), users * share * window.length_s) if share else None,
    )


def backlog(samples: pl.DataFrame, at_ns: int) -> int:
    """How many arrivals were due at a moment and had no answer yet."""
    answered = (at_ns >= END) & (pl.col("error") != MISSED)
    return int(samples.select(((pl.col("intended_ns") <= at_ns) & ~answered).sum()).item() or 0)


def starved(samples: pl.DataFrame, window: Window) -> int:
    """How many users had no answer in all of the window: those with one request that lasts longer, on both sides."""
    return int(samples.select(((pl.col("start_ns") < window.start_ns) & (window.end_ns <= END)).sum()).item() or 0)


def little(begun: pl.DataFrame, completed: int, in_service_s: float) -> float | None:
    """Mean latency x throughput / mean number of requests in the service. 1 for a steady state that is fully seen.

    `begun` are the requests that began in the window, `in_service_s` the time that all requests spent in it (s).
    Requests that are missing from either side, or a state that is not steady, move it away from 1. Source: Little's
    law, L = lambda W (Little, "A proof for the queuing formula", Operations Research 9, 1961).
    """
    mean_ns = begun["latency_ns"].mean()
    return None if mean_ns is None else float(mean_ns) / 1e9 * completed / in_service_s  # type: ignore[arg-type]  # numeric


def accounted(samples: pl.DataFrame, window: Window, users: int) -> float:
    """The share of the users' time in the window that requests account for, those cut by its edges in part.

    The sum over all requests of their overlap with the window, divided by users x window. 1 for users who never wait
    between two requests. `samples` must hold requests that began before the window or ended after it, too.
    """
    start_ns = pl.col("start_ns")
    if window.slices:
        ends, starts = (samples.select(one).to_series().to_numpy() for one in (END, start_ns))
        overlap_ns = int((turns.spent(ends, window.slices) - turns.spent(starts, window.slices)).sum())
        return overlap_ns / (users * window.length_s * 1e9)
    overlap = pl.min_horizontal(END, pl.lit(window.end_ns)) - pl.max_horizontal(start_ns, pl.lit(window.start_ns))
    total_ns = samples.select(overlap.clip(lower_bound=0).sum()).item() or 0
    return float(total_ns / (users * (window.end_ns - window.start_ns)))


def drift(completed: pl.DataFrame, window: Window) -> Drift | None:
    """Whether throughput rose or fell over the window. None without successes.

    A straight line is fitted by least squares to the rate of successes in each part of the window; its rise over the
    window is divided by the mean. The parts are its slices, or if there are fewer than three, SLICES equal parts. p:
    two-sided t test of the slope with two degrees of freedom less than there are parts. Source: any textbook, for
    example NIST/SEMATECH e-Handbook of Statistical Methods, 4.1.4.1.
    """
    good = completed.filter(pl.col("ok"))
    at, rates = _rates(good.select(END).to_series().to_numpy(), window)
    if not rates.any():
        return None
    x = at - at.mean()
    slope = float((x * rates).sum() / (x * x).sum())
    residuals = rates - rates.mean() - slope * x
    freedom = len(x) - 2
    error = math.sqrt(float((residuals**2).sum()) / freedom / float((x * x).sum()))
    p = 2 * float(stdtr(freedom, -abs(slope) / error)) if error else float(slope == 0)
    return Drift(slope * len(x) / float(rates.mean()), p)


def _rates(ends_ns: Times, window: Window) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The place of each part of the window, as a share of it times their number, and the successes in each.

    Of slices, successes a second.
    """
    if len(window.slices) < LEAST_SLICES:
        spent_ns = turns.spent(ends_ns, window.spans) if window.slices else ends_ns
        reach = (0, round(window.length_s * 1e9)) if window.slices else (window.start_ns, window.end_ns)
        counts, _ = np.histogram(spent_ns, bins=SLICES, range=reach)
        return np.arange(SLICES, dtype=float), counts.astype(float)
    starts, ends = (np.array([span[end] for span in window.slices], dtype=np.int64) for end in (0, 1))
    in_order = np.sort(ends_ns)
    counts = np.searchsorted(in_order, ends, side="left") - np.searchsorted(in_order, starts, side="left")
    middles = ((starts - starts[0]) + (ends - starts[0])) / 2
    return middles / (window.end_ns - window.start_ns) * len(starts), counts / ((ends - starts) / 1e9)
