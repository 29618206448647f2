"""The layer that each sample of a profiler belongs to, by the table layers.toml. Pure.

A sample counts for the innermost frame that has a layer. What has none, such as the standard library, works for its
caller. Samples inside a system call are set apart: the thread may wait there, and the kernel itself counts its time.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bench.analysis.profiling.stacks import Frame, frame

TABLE = Path(__file__).parent / "layers.toml"
OTHER, KERNEL = "other", "kernel"
WITHIN_DEPENDENCIES = "solve_dependencies"
OWN_CODE, DEPENDENCIES, ENDPOINT = "service's own code", "dependencies", "endpoint"
UNNAMED = "0x"


class Layer(NamedTuple):
    """A layer, and a part of it; a part may be empty."""

    name: str
    part: str = ""


@dataclass(frozen=True)
class _LayersTable:
    """layers.toml. `paths` are beginnings of paths; the longest that fits decides. None: works for its caller."""

    order: tuple[str, ...]
    paths: Mapping[str, Layer | None]
    functions: Mapping[str, Layer]
    threads: Mapping[str, Layer]
    calls: frozenset[str]
    waits: frozenset[str]

    def of_path(self, path: str) -> Layer | None:
        """The layer of a file: OTHER with the name of its package where the table does not know it."""
        for length in range(len(path), 0, -1):
            if (beginning := path[:length]) in self.paths:
                return self.paths[beginning]
        package, inside, _ = path.partition("/")
        return Layer(OTHER, package) if inside else None


@cache
def table() -> _LayersTable:
    """What layers.toml says."""
    written = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    paths: dict[str, Layer | None] = dict.fromkeys(written["for_the_caller"])
    functions, threads = dict[str, Layer](), dict[str, Layer]()
    for one in written["rules"]:
        layer = Layer(one["layer"], one.get("part", ""))
        paths |= dict.fromkeys(one.get("paths", ()), layer)
        functions |= dict.fromkeys(one.get("functions", ()), layer)
        threads |= dict.fromkeys(one.get("threads", ()), layer)
    return _LayersTable(
        tuple(written["order"]),
        paths,
        functions,
        threads,
        frozenset(written["system_calls"]["names"]),
        frozenset(written["system_calls"]["waits"]),
    )


@cache
def of_stack(stack: str) -> Layer:
    """The layer of a collapsed stack; Layer(KERNEL) where it is inside a system call."""
    frames = [frame(one) for one in stack.split(";")]
    if _in_a_call(frames):
        return Layer(KERNEL)
    return _of(frames)


@cache
def of_python(stack: str) -> Layer:
    """The layer by the Python frames of a stack alone, as if no machine code had been seen."""
    return _of([one for one in map(frame, stack.split(";")) if one.is_python])


def of_frame(one: Frame) -> Layer:
    """The layer of a frame by itself; an empty one where it works for its caller."""
    return table().functions.get(one.name) or table().of_path(one.path) or Layer("")


def of_thread(name: str) -> Layer | None:
    """The layer of threads that run no Python code, by their name; None for all others."""
    return next((layer for known, layer in table().threads.items() if fnmatchcase(name, known)), None)


def _of(frames: Sequence[Frame]) -> Layer:
    for number in range(len(frames) - 1, -1, -1):
        one = frames[number]
        layer = of_frame(one)
        if not layer.name:
            continue
        if layer.name == OWN_CODE and not layer.part:
            within = any(outer.name == WITHIN_DEPENDENCIES for outer in frames[:number])
            return Layer(OWN_CODE, DEPENDENCIES if within else ENDPOINT)
        return layer
    return Layer(OTHER, "frames without a name" if not frames else frames[-1].name)


def _in_a_call(frames: Sequence[Frame]) -> bool:
    """Whether the innermost frame is the C library's, inside a system call.

    Where the library has no names for its inner functions, its callers say whether it waits.
    """
    if not frames or not _is_c_library(frames[-1]):
        return False
    if frames[-1].name in table().calls:
        return True
    outside = next((one for one in reversed(frames) if not one.name.startswith(UNNAMED)), None)
    return outside is not None and outside.name in table().waits


def _is_c_library(one: Frame) -> bool:
    return one.path.startswith(("libc.so", "libc-2", "libpthread", "ld-musl", "libc.musl"))
