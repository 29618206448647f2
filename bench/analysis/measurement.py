"""One cell measured in one round: the requests that count, and the evidence around them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import polars as pl

from bench.analysis import evidence
from bench.analysis.evidence import Evidence
from bench.analysis.profiling import rounds
from bench.analysis.profiling.rounds import RoundProfile
from bench.analysis.recorded import windows
from bench.analysis.recorded.recording import Recording
from bench.analysis.slices import cut
from bench.analysis.slices.cut import Cut
from bench.plan.matrix import Cell
from bench.plan.model import Plan

COLUMNS = (
    "operation", "error", "body_bytes", "latency_ns", "service_time_ns", "begun", "completed", "ok", "missed", "timed",
)  # fmt: skip


@dataclass(frozen=True, eq=False)  # a table of samples has no hash
class Measurement:
    """One cell measured in one round: the requests that count, and the evidence around them.

    `samples` has COLUMNS, which `recorded.windows.classified` explains; none when there was no window. `layers`: where
    its CPU time went; None without a profiler.
    """

    samples: pl.DataFrame
    evidence: Evidence
    layers: RoundProfile | None = None

    @property
    def length_s(self) -> float:
        """Of the window; 0 when there was none."""
        return self.evidence.length_s

    @classmethod
    def of(cls, recording: Recording, samples: pl.DataFrame, cell: Cell, plan: Plan, known: Cut | None = None) -> Self:
        """From the recording and all samples. Raises ResultsError when the load ended before its window did.

        `known`: what counts of them, if the caller has cut it.
        """
        mine = known or cut.of(recording, samples, plan)
        counts = windows.classified(mine.samples, mine.window).select(COLUMNS)
        layers = rounds.of(recording.profiled, samples, mine.slices)
        return cls(counts, evidence.of(recording, samples, cell, plan, mine), layers)


def pooled(measurements: Sequence[Measurement]) -> pl.DataFrame:
    """The requests of all of them."""
    known = [one.samples for one in measurements if not one.samples.is_empty()]
    return pl.concat(known, rechunk=False) if known else pl.DataFrame()


def transactions_per_request(measurements: Sequence[Measurement]) -> float | None:
    """Over the windows of which transactions are known."""
    known = [(one.evidence.transactions, one.evidence.completed) for one in measurements]
    counted = [(ended, requests) for ended, requests in known if ended is not None]
    total = sum(requests for _, requests in counted)
    return sum(ended for ended, _ in counted) / total if total else None
