"""What one measurement of a cell showed: figures for the verdict and for what the cell was bound by. Pure.

It follows from what was recorded, while measuring and whenever a stored run is read: a corrected formula reaches runs
that were measured before.
"""

import statistics
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import polars as pl

from bench.analysis.recorded import gauges, ledger, load_workers, loop_lag, windows, work
from bench.analysis.recorded.gauges import Collected
from bench.analysis.recorded.ledger import Ledger
from bench.analysis.recorded.load_workers import LoadWorker
from bench.analysis.recorded.loop_lag import Lag
from bench.analysis.recorded.machine import Machine
from bench.analysis.recorded.pings import inside, unanswered
from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.roles import LOAD
from bench.analysis.recorded.windows import Window
from bench.analysis.recorded.work import Work
from bench.analysis.slices import connections, cut
from bench.analysis.slices.cut import Cut
from bench.analysis.slices.figures import LeftOut, Slice
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from bench.plan.placement import Placement
from services.contract.operations import OPERATIONS
from suite.arrival import Arrival

EXTENDED_BY_S = 0.5  # a busy load may be that late


@dataclass(frozen=True, kw_only=True)
class Evidence(Ledger):
    """All that is known of one measurement: its ledger, and what was seen beside it.

    `begun` is how many requests the load counted when it sent them, `sampled` how many samples it left, both from its
    beginning to its end; `begun` is None in old runs.
    `warm_up_s` is how long the load ran before the window, `extended` whether the response time made it longer than
    planned; None where that is not known, and of a batch.
    `connections_peak` is the most database connections that the service had at any reading of pg_stat_activity,
    `transactions` how many ended in the window, as far as pg_stat_database tells; `transactions_unknown` says in words
    why it does not tell, where that is a matter of the turns.
    `miscounted` says in words where Locust's own count differs from the samples'.
    `foreign`: a target was measured. Only what its processes used is known of it, and that where they were seen.
    `offered_rps` is the rate of an open load, whose arrivals are a Poisson process where they come `by_chance`.
    `load_workers` are the processes of a load of several.
    `unwatched`: how often the machine was read in the window, where that was too seldom; None where `machine` is known,
    or where no system allows it to be.
    `by_service`: there was no window because the service ended by itself; `unreadable`: its files cannot be read.
    Of a cell that took turns, `slices` are those that count, `slices_left_out` those that were disturbed (if all were,
    they are in both), and `slices_planned` is how many the plan has.
    `collected` are the service's garbage collections; None where it did not say often enough. `lag` is how late its
    event loop ran a timer; None where it did not note it.
    """

    length_s: float
    users_asked: int
    users: int
    arrival: Arrival
    offered_rps: float | None
    by_chance: bool
    reconnects: int
    machine: Machine | None
    placement: Placement = field(default_factory=Placement)
    workers: int = 1
    ping_p50_ms: float | None = None
    ping_max_ms: float | None = None
    connections_peak: int | None = None
    idle_in_transaction_peak: int | None = None
    transactions: float | None = None
    problem: str = ""
    miscounted: str = ""
    foreign: bool = False
    load_workers: tuple[LoadWorker, ...] = ()
    unwatched: int | None = None
    begun: int | None = None
    sampled: int = 0
    warm_up_s: float | None = None
    extended: bool = False
    pings_unanswered: int = 0
    by_service: bool = False
    unreadable: bool = False
    work: Work = field(default_factory=Work)
    transactions_unknown: str = ""
    slices: tuple[Slice, ...] = ()
    slices_left_out: tuple[LeftOut, ...] = ()
    slices_planned: int = 0
    collected: Collected | None = None
    lag: Lag | None = None

    @property
    def undisturbed(self) -> int:
        """How many slices nothing disturbed."""
        return len({one.block for one in self.slices} - {one.block for one in self.slices_left_out})

    @property
    def due(self) -> float:
        """How many arrivals the rate of an open load makes in the window; 0 of any other load."""
        return (self.offered_rps or 0.0) * self.length_s

    def as_dict(self) -> dict[str, Any]:
        """For window.json."""
        return asdict(self)


def nothing(
    problem: str, users: int, arrival: Arrival, *, by_service: bool = False, unreadable: bool = False
) -> Evidence:
    """Of a measurement that came to no window, or cannot be read."""
    return Evidence(
        **vars(Ledger(0, 0, 0, None, None)),
        length_s=0.0,
        users_asked=users,
        users=0,
        arrival=arrival,
        offered_rps=None,
        by_chance=False,
        reconnects=0,
        machine=None,
        problem=problem,
        by_service=by_service,
        unreadable=unreadable,
    )


def _reports(operation: str) -> bool:
    """Whether PostgreSQL reports the transactions of an operation."""
    return operation not in OPERATIONS or OPERATIONS[operation].reads_a_table


def of(recording: Recording, samples: pl.DataFrame, cell: Cell, plan: Plan, known: Cut | None = None) -> Evidence:
    """What a recording and all its samples show of the cell. Raises ResultsError when the load ended too early.

    `known`: what counts of them, if the caller has cut it.
    """
    load, ours = plan.load, not cell.setup.url
    mine = known or cut.of(recording, samples, plan)
    window = mine.window
    counted = _ledger(mine, cell.users, load.arrival)
    # A target may have a separate database: what this one did may not have been for it.
    held = connections.of(recording, window, mine.clock) if ours else connections.UNKNOWN
    # A batch has no steady rate, at which the transactions that were not reported yet would stay as many.
    steady = ours and load.arrival != Arrival.BATCH and all(map(_reports, cell.operations))
    each, unknown = connections.transactions_per_request(recording, mine) if steady else (None, "")
    pings_ms, sent = inside(recording.pings, window), len(windows.sent(samples))
    return Evidence(
        length_s=window.length_s,
        users_asked=cell.users,
        users=window.users,
        arrival=load.arrival,
        offered_rps=load.rate if load.arrival == Arrival.OPEN else None,
        by_chance=load.spacing == "poisson",
        **vars(counted),
        reconnects=recording.marks[-1].reconnects,
        machine=_machine(mine.machine, plan),
        placement=recording.placement,
        workers=cell.setup.workers,
        connections_peak=held.most,
        idle_in_transaction_peak=held.idle_in_transaction,
        transactions=None if each is None else each * counted.completed,
        transactions_unknown=unknown,
        ping_p50_ms=statistics.median(pings_ms) if pings_ms else None,
        ping_max_ms=pings_ms[-1] if pings_ms else None,
        miscounted=miscounted(recording.locust_requests, sent),
        foreign=not ours,
        load_workers=load_workers.of_marks(mine.marks, window),
        unwatched=mine.unwatched,
        pings_unanswered=unanswered(recording.pings, window),
        begun=recording.marks[-1].begun,
        sampled=sent,
        warm_up_s=window.warm_up_s,
        extended=window.warm_up_s is not None and window.warm_up_s > load.warm_up_s + EXTENDED_BY_S,
        work=work.of(recording, mine.samples, window, cell, plan, samples),
        slices=mine.slices,
        slices_left_out=mine.left_out,
        slices_planned=plan.rounds.slices if mine.slices else 0,
        collected=gauges.collected(mine.gauges(recording.gauges), window, cell.setup.workers),
        lag=loop_lag.of(recording.loop_lags, window, recording.turns),
    )


def _machine(seen: Machine | None, plan: Plan) -> Machine | None:
    """Without the load's CPU time where other machines send, too: theirs is unknown."""
    if seen is None or not plan.load.expect_workers:
        return seen
    without = {role: cpu_s for role, cpu_s in seen.cpu_s.items() if role != LOAD}
    return replace(seen, cpu_s=without)


def miscounted(locust: int | None, samples: int) -> str:
    """In words, where Locust counted another number of requests than there are samples; empty where that is unknown."""
    if locust is None or locust == samples:
        return ""
    return f"Locust itself counted {locust:,} requests, and there are {samples:,} samples: the samples are what counts"


def _ledger(mine: Cut, users: int, arrival: Arrival) -> Ledger:
    """Of what counts. Whether it adds up is seen over all slices: requests last over those that do not count, too."""
    counted = ledger.of(mine.samples, mine.window, users, arrival)
    if mine.every is None or not mine.left_out:
        return counted
    whole = ledger.of(mine.samples, mine.every, users, arrival)
    return replace(counted, accounted=whole.accounted, drift=whole.drift, starved=whole.starved, little=whole.little)


def recounted(seen: Evidence, samples: pl.DataFrame, window: Window) -> Evidence:
    """The same, with what follows from the samples alone counted again."""
    counted = ledger.of(samples, window, seen.users_asked, seen.arrival)
    return replace(seen, **vars(counted))
