"""A flame graph as boxes: each frame as wide as the time below it. Pure.

The layout is Gregg's: "The Flame Graph", Communications of the ACM 59 (2016). Frames of one row are in the order of
their names, so that those of two graphs can be found again.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.analysis.profiling import layers
from bench.analysis.profiling.layers import Layer
from bench.analysis.profiling.shares import is_greenlet
from bench.analysis.profiling.stacks import Frame, frame

HIDDEN = ("cpython/", "libpython", "libc.so", "libstdc++", "libgcc")
"""Frames that say nothing to a reader of Python: the interpreter's own, between those that it runs."""
HIDDEN_NAMES = ("0x", "__Pyx_", "__pyx_", "greenlet::")
STARTING = (
    "python/runpy.py", "python/threading.py", "python/multiprocessing/", "python/asyncio/runners.py", "gunicorn/",
    "uvicorn_worker/", "uvicorn/__main__.py", "uvicorn/main.py", "uvicorn/_compat.py", "uvicorn/server.py",
    "uvicorn/_subprocess.py", "granian/", "services/worker.py", "services/asgi_worker.py", "services/under_granian.py",
    "click/",
)  # fmt: skip
"""Frames that every stack begins with: they start the server, and run as long as it does."""
GREENLET = Frame("greenlet", "")


@dataclass(frozen=True)
class Box:
    """A frame: its row from the outermost (0) on, and where it lies in the graph's width (0 to 1).

    `ms` is the time of it and of all that it calls; `own_ms` that of itself. `more_ms` is how much more that is than in
    the graph that this one is held against.
    """

    frame: Frame
    layer: Layer
    depth: int
    left: float
    width: float
    ms: float
    own_ms: float
    more_ms: float = 0.0


@dataclass
class _Node:
    frame: Frame
    ms: float = 0.0
    own_ms: float = 0.0
    called: dict[Frame, "_Node"] = field(default_factory=dict)


def of(stacks_ms: Mapping[str, float], least: float = 0.003) -> list[Box]:
    """The boxes of one graph. Frames narrower than `least` (a share) are left out, with all that they call."""
    return against(stacks_ms, {}, least)


def against(stacks_ms: Mapping[str, float], other_ms: Mapping[str, float], least: float = 0.003) -> list[Box]:
    """The boxes of one graph, each with how much more time it has than in another one."""
    root = _tree(stacks_ms)
    return list(_boxes(root, root.ms, least, 0, 0.0, _tree(other_ms)))


def _tree(stacks_ms: Mapping[str, float]) -> _Node:
    root = _Node(Frame("", ""))
    for frames, ms in _shortened(stacks_ms):
        node = root
        node.ms += ms
        for one in frames:
            node = node.called.setdefault(one, _Node(one))
            node.ms += ms
        node.own_ms += ms
    return root


def _shortened(stacks_ms: Mapping[str, float]) -> Iterator[tuple[Sequence[Frame], float]]:
    """Stacks without hidden frames, and without those that start the server."""
    for stack, ms in stacks_ms.items():
        frames = [one for one in map(frame, stack.split(";")) if not _is_hidden(one)]
        begun = next((place for place, one in enumerate(frames) if not one.path.startswith(STARTING)), len(frames))
        yield [*([GREENLET] if is_greenlet(stack) else []), *frames[begun:]], ms


def _is_hidden(one: Frame) -> bool:
    return one.path.startswith(HIDDEN) or one.name.startswith(HIDDEN_NAMES)


def _boxes(node: _Node, whole_ms: float, least: float, depth: int, left: float, other: _Node | None) -> Iterator[Box]:
    for one in sorted(node.called.values(), key=lambda called: (called.frame.name, called.frame.path)):
        width = one.ms / whole_ms if whole_ms else 0.0
        same = other.called.get(one.frame) if other else None
        if width >= least:
            more = one.ms - (same.ms if same else 0.0)
            layer = layers.of_frame(one.frame)
            yield Box(one.frame, layer, depth, left, width, one.ms, one.own_ms, more)
            yield from _boxes(one, whole_ms, least, depth + 1, left, same)
        left += width


def rows(boxes: Sequence[Box]) -> int:
    """How many rows a graph has."""
    return max((one.depth for one in boxes), default=-1) + 1


def whole_ms(stacks_ms: Mapping[str, float]) -> float:
    """The time of a whole graph."""
    return math.fsum(stacks_ms.values())
