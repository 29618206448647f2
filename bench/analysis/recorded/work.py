"""The work that must be done for a load's answers, and what was seen of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from bench.analysis.recorded import windows
from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.windows import END, Window
from bench.plan import costs
from bench.plan.floors import floors_s
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from services.contract.operations import OPERATIONS

OK = pl.col("error") == ""


@dataclass(frozen=True)
class Fastest:
    """The fastest success of an operation, of the whole load, and the time that none can be faster than; seconds."""

    operation: str
    fastest_s: float
    floor_s: float


@dataclass(frozen=True)
class Work:
    """What is known of it; None where nothing is.

    Verification counted from `transactions_least` (if failed requests made none) to `transactions_most` of a request on
    average, by the operations of the window.
    `calls` is how many the external API answered during the load, `calls_needed` how many successes stand for one each.
    """

    transactions_least: float | None = None
    transactions_most: float | None = None
    fastest: tuple[Fastest, ...] = ()
    calls: int | None = None
    calls_needed: int = 0


def of(
    recording: Recording,
    samples: pl.DataFrame,
    window: Window,
    cell: Cell,
    plan: Plan,
    recorded: pl.DataFrame | None = None,
) -> Work:
    """Of a recording and all samples of its load; `recorded` are the same on the clock of the recording, if
    that is another one.

    What a service waits for goes on while it is frozen.
    """
    least, most = verified(recording.verified_transactions, samples, window, cell)
    calling = [name for name, one in OPERATIONS.items() if one.calls_external]
    return Work(
        transactions_least=least,
        transactions_most=most,
        fastest=fastest(samples if recorded is None else recorded, floors_s(cell, plan.matrix)),
        calls=recording.external_calls,
        calls_needed=len(samples.filter(OK & pl.col("operation").is_in(calling))),
    )


def verified(
    counted: Mapping[str, float], samples: pl.DataFrame, window: Window, cell: Cell
) -> tuple[float | None, float | None]:
    """The transactions of a request, by the operations of the requests that ended in the window: least and most.

    A failed request may have made all of its transactions or none. (None, None) for an operation that was not counted,
    and where nothing ended.
    """
    ended = windows.sent(samples).filter(windows.within(END, window))
    if ended.is_empty():
        return None, None
    own = dict(cell.parameters)
    least = most = 0.0
    for operation, requests, successes in ended.group_by("operation").agg(pl.len(), OK.sum().alias("ok")).iter_rows():
        each = costs.transactions(counted, operation, own, cell.setup)
        if each is None:
            return None, None
        least += successes * each
        most += requests * each
    return least / len(ended), most / len(ended)


def fastest(samples: pl.DataFrame, floors: Mapping[str, float]) -> tuple[Fastest, ...]:
    """The fastest success of each operation that has a floor above zero and succeeded."""
    found = []
    for operation, floor_s in floors.items():
        shortest_ns = samples.filter(OK & (pl.col("operation") == operation))["service_time_ns"].min()
        if isinstance(shortest_ns, int) and floor_s:
            found.append(Fastest(operation, shortest_ns / 1e9, floor_s))
    return tuple(found)
