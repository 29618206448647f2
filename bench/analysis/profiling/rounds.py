"""What each layer costs a request, in one round of a cell. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from bench.analysis.profiling import shares
from bench.analysis.profiling.layers import KERNEL, Layer
from bench.analysis.recorded.profiled import Profiled
from bench.analysis.recorded.windows import END
from bench.analysis.slices.figures import Slice

NO_SYSTEM_TIME = "the system does not tell the kernel's time from the service's own"
NO_SAMPLES = "the profiler saw the service in no code of its own"


@dataclass(frozen=True)
class RoundProfile:
    """CPU time a request (ms) of each layer, in one round.

    A layer's user time is its share of the samples times the user time that the service used in the slices without the
    profiler. The kernel's is the system time of these slices. So all layers together are `cpu_ms`, what a request cost
    without the profiler. `profiled_cpu_ms` is what one cost beside it; None where none ended meanwhile. `samples` were
    taken in user mode, and the share `lost` of all could not be read. `stacks_ms` has the user time of each collapsed
    stack of the threads that run Python code. `problem`: why nothing is known, in words.
    """

    layers_ms: Mapping[Layer, float] = field(default_factory=dict, hash=False)
    cpu_ms: float | None = None
    profiled_cpu_ms: float | None = None
    samples: int = 0
    lost: float = 0.0
    stacks_ms: Mapping[str, float] = field(default_factory=dict, hash=False)
    problem: str = ""


def of(seen: Profiled | None, samples: pl.DataFrame, slices: Sequence[Slice]) -> RoundProfile | None:
    """Of a profiled turn, all samples of the cell's load, and its slices; None where no profiler was there."""
    if seen is None:
        return None
    if seen.problem:
        return RoundProfile(problem=seen.problem)
    known = [one for one in slices if one.service_cpu_s is not None and one.service_system_s is not None]
    requests = sum(one.completed for one in known)
    if not requests:
        return RoundProfile(problem=NO_SYSTEM_TIME)
    cpu_s = math.fsum(one.service_cpu_s or 0.0 for one in known)
    system_s = math.fsum(one.service_system_s or 0.0 for one in known)
    of_stacks = shares.stacks(seen)
    if not of_stacks:
        return RoundProfile(problem=NO_SAMPLES)
    user_ms, system_ms = (1000 * one / requests for one in (cpu_s - system_s, system_s))
    of_user = shares.user(of_stacks, seen.threads_s)
    found = {layer: share * user_ms for layer, share in of_user.items()} | {Layer(KERNEL): system_ms}
    meanwhile = samples.filter(END.is_between(seen.start_ns, seen.end_ns)).height
    return RoundProfile(
        found,
        1000 * cpu_s / requests,
        1000 * seen.cpu_s / meanwhile if meanwhile and seen.cpu_s else None,
        shares.counted(seen),
        shares.lost(seen),
        {stack: share * user_ms for stack, share in of_stacks.items()},
    )
