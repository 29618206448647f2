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
MAIN = "_run_module_as_main ("
"""Every stack of a service begins with it, but for those of a greenlet."""
ENOUGH = 3  # samples of a kind, to say how its machine code is spread


def user(seen: Profiled) -> dict[Layer, float]:
    """The share of each layer in the user time of a service; empty where no sample was taken in user mode."""
    of_python = _normal(_weighed(seen))
    threads = {name: (layers.of_thread(name), used_s) for name, used_s in seen.threads_s.items()}
    all_s = math.fsum(used_s for _, used_s in threads.values())
    own = defaultdict[Layer, float](float)
    for layer, used_s in threads.values():
        if layer is not None and all_s:
            own[layer] += used_s / all_s
    rest = 1 - math.fsum(own.values())
    found = {layer: share * rest for layer, share in of_python.items()}
    for layer, share in own.items():
        found[layer] = found.get(layer, 0.0) + share
    return found if of_python else {}


def lost(seen: Profiled) -> float:
    """The share of samples that could not be read."""
    every = seen.lost + sum(seen.stacks.values())
    return seen.lost / every if every else 0.0


def counted(seen: Profiled) -> int:
    """How many samples were taken in user mode."""
    return sum(count for stack, count in seen.stacks.items() if layers.of_stack(stack).name != KERNEL)


def _weighed(seen: Profiled) -> dict[Layer, float]:
    """The samples of each layer in user mode. Kinds of stacks of which many were lost count for as many more.

    A kind is the layer of the innermost Python frame, and whether the stack is a greenlet's: SQLAlchemy's greenlets
    have a stack that the profiler often cannot follow. The second look, which sees Python frames alone, has the true
    share of each kind. This is post-stratification: Holt and Smith, Journal of the Royal Statistical Society A 142
    (1979), 33-46.
    """
    if lost(seen) < FEWEST_LOST or not seen.python_stacks:
        return _by_layer(seen.stacks)
    first, second = _kinds(seen.stacks), _kinds(seen.python_stacks)
    of_second = sum(sum(one.values()) for one in second.values())
    found = defaultdict[Layer, float](float)
    for kind, stacks in second.items():
        share = sum(stacks.values()) / of_second
        known = first.get(kind, {})
        spread = known if sum(known.values()) >= ENOUGH else stacks
        total = sum(spread.values())
        for stack, count in spread.items():
            layer = layers.of_stack(stack) if spread is known else kind[0]
            if layer.name != KERNEL:
                found[layer] += share * count / total
    return dict(found)


def _kinds(stacks: Mapping[str, int]) -> dict[tuple[Layer, bool], dict[str, int]]:
    kinds: dict[tuple[Layer, bool], dict[str, int]] = {}
    for stack, count in stacks.items():
        kinds.setdefault((layers.of_python(stack), MAIN not in stack), {})[stack] = count
    return kinds


def _by_layer(stacks: Mapping[str, int]) -> dict[Layer, float]:
    found = defaultdict[Layer, float](float)
    for stack, count in stacks.items():
        if (layer := layers.of_stack(stack)).name != KERNEL:
            found[layer] += count
    return dict(found)


def _normal(weights: Mapping[Layer, float]) -> dict[Layer, float]:
    whole = math.fsum(weights.values())
    return {layer: weight / whole for layer, weight in weights.items()} if whole else {}
