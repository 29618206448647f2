"""What a profiler saw of a service in one round of a cell, in a turn of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Profiled:
    """A turn with the profiler beside the service, on the monotonic clock of the samples (ns).

    `stacks` has the samples of each collapsed stack. `lost` samples could not be read. `python_stacks` are a second
    look without machine code, which loses none; it is there only where the first lost some. `cpu_s` and `system_s` are
    what the service used meanwhile, and `threads_s` the user time of its threads, by name. `problem` says why there are
    no samples; empty where there are some.
    """

    start_ns: int
    end_ns: int
    stacks: Mapping[str, int] = field(default_factory=dict, hash=False)
    lost: int = 0
    python_stacks: Mapping[str, int] = field(default_factory=dict, hash=False)
    cpu_s: float = 0.0
    system_s: float = 0.0
    threads_s: Mapping[str, float] = field(default_factory=dict, hash=False)
    problem: str = ""
