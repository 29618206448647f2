"""Which share of a service's user time each layer has, from the samples of one round. Pure.

The profiler stops the service to look at it, and a service that sleeps looks like one that works. So samples inside
system calls count for nothing here: the kernel itself knows that time exactly.
"""

import math
from collections import defaultdict
from collections.abc import Mapping

from bench.analysis.profiling import layers
from bench.analysis.profiling.layers import KERNEL, Layer
from bench.analysis.recorded.profiled import Profiled

FEWEST_LOST = 0.02
STARTS = ("_run_module_as_main (", "_bootstrap (python/threading.py)")
"""A stack of a service has one of them, unless it is a greenlet's."""
ENOUGH = 3  # samples of a kind, to say how its machine code is spread


def user(of_stacks: Mapping[str, float], threads_s: Mapping[str, float]) -> dict[Layer, float]:
    """The share of each layer in the user time of a service; empty where no sample was taken in user mode.

    `of_stacks` is what `stacks` gives, `threads_s` the user time of the threads, by name.
    """
    found = defaultdict[Layer, float](float)
    for stack, share in of_stacks.items():
        found[layers.of_stack(stack)] += share
    if not found:
        return {}
    threads = {name: (layers.of_thread(name), used_s) for name, used_s in threads_s.items()}
    all_s = math.fsum(used_s for _, used_s in threads.values())
    outside = [(layer, used_s / all_s) for layer, used_s in threads.values() if layer is not None and all_s]
    rest = 1 - math.fsum(share for _, share in outside)
    for layer in found:
        found[layer] *= rest
    for layer, share in outside:
        found[layer] += share
    return dict(found)


def lost(seen: Profiled) -> float:
    """The share of samples that could not be read."""
    every = seen.lost + sum(seen.stacks.values())
    return seen.lost / every if every else 0.0


def counted(seen: Profiled) -> int:
    """How many samples were taken in user mode."""
    return sum(count for stack, count in seen.stacks.items() if layers.of_stack(stack).name != KERNEL)


def stacks(seen: Profiled) -> dict[str, float]:
    """The share of each stack in the samples in user mode. Kinds of which many were lost count for as many more.

    A kind is the layer of the innermost Python frame, and whether the stack is a greenlet's: SQLAlchemy's greenlets
    have a stack that the profiler often cannot follow. The second look, which sees Python frames alone, has the true
    share of each kind. This is post-stratification: Holt and Smith, Journal of the Royal Statistical Society A 142
    (1979), 33-46.
    """
    if lost(seen) < FEWEST_LOST or not seen.python_stacks:
        return _normal(seen.stacks)
    first, second = _kinds(seen.stacks), _kinds(seen.python_stacks)
    found = defaultdict[str, float](float)
    for kind, looked in second.items():
        known = first.get(kind, {})
        spread = known if sum(known.values()) >= ENOUGH else looked
        weight = sum(looked.values()) / sum(spread.values())
        for stack, count in spread.items():
            found[stack] += weight * count
    return _normal(found)


def _kinds(every: Mapping[str, int]) -> dict[tuple[Layer, bool], dict[str, int]]:
    kinds: dict[tuple[Layer, bool], dict[str, int]] = {}
    for stack, count in every.items():
        kinds.setdefault((layers.of_python(stack), is_greenlet(stack)), {})[stack] = count
    return kinds


def is_greenlet(stack: str) -> bool:
    """Whether the profiler saw a greenlet's own stack, which does not begin where the process did."""
    return not any(start in stack for start in STARTS)


def _normal(weights: Mapping[str, float]) -> dict[str, float]:
    """Without samples in system calls, as shares."""
    mine = {stack: weight for stack, weight in weights.items() if layers.of_stack(stack).name != KERNEL}
    whole = math.fsum(mine.values())
    return {stack: weight / whole for stack, weight in mine.items()}
