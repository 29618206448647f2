"""What is kept of each slice of a measurement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from bench.analysis.recorded.machine import Stretch
from bench.analysis.recorded.roles import SERVICE
from bench.analysis.recorded.turns import Spans
from bench.analysis.recorded.windows import END


@dataclass(frozen=True)
class Slice:
    """A slice that counts. `block` numbers all slices of the cell's round in their order, from 1.

    `start_ns` is on the clock of the recording. `completed` and `succeeded` ended in it, whenever they began.
    `service_cpu_s`, and the part of it in the kernel, are None where they could not be seen.
    """

    block: int
    start_ns: int
    length_s: float
    completed: int
    succeeded: int
    service_cpu_s: float | None
    service_system_s: float | None = None


@dataclass(frozen=True)
class LeftOut:
    """A slice that was disturbed: why, in words, and the seconds that others were seen to use in it, by name."""

    block: int
    start_ns: int
    why: str
    others_s: Mapping[str, float] = field(default_factory=dict, hash=False)


def of(
    completed: pl.DataFrame, active: Spans, raw: Spans, blocks: Sequence[int], watched: Sequence[Stretch | None]
) -> tuple[Slice, ...]:
    """Of slices by their time on both clocks; `completed` are the requests that ended in them, on the active one."""
    all_, good = (_counted(one, active) for one in (completed, completed.filter(pl.col("ok"))))
    return tuple(
        Slice(block, start_ns, (end_ns - start_ns) / 1e9, int(ended), int(succeeded), *_service_s(seen))
        for block, (start_ns, end_ns), ended, succeeded, seen in zip(blocks, raw, all_, good, watched, strict=True)
    )


def _counted(requests: pl.DataFrame, spans: Spans) -> list[int]:
    ends_ns = requests.select(END).to_series().sort().to_numpy()
    starts, ends = (np.array([span[end] for span in spans], dtype=np.int64) for end in (0, 1))
    counts = np.searchsorted(ends_ns, ends, side="left") - np.searchsorted(ends_ns, starts, side="left")
    return [int(count) for count in counts]


def _service_s(seen: Stretch | None) -> tuple[float | None, float | None]:
    grew = seen.grew if seen else {}
    return grew.get(f"cpu {SERVICE}"), grew.get(f"system {SERVICE}")
