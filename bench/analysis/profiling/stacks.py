"""Collapsed stacks: their frames, with paths that say the same on every machine.

A collapsed stack is its frames from the outermost to the innermost, joined by semicolons: `name (path)` or
`name (path:line)`. See Gregg, "The Flame Graph", Communications of the ACM 59 (2016).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

PATHS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<frozen ([\w.]+)>"), r"python/\1.py"),
    (re.compile(r".*/site-packages/(.+)"), r"\1"),
    (re.compile(r".*/((?:services|bench)/.+)"), r"\1"),
    # CPython's own sources, wherever it was built.
    (re.compile(r".*/(?:Python-3[^/]*|cpython-[\d.]+)/(?:\./)?(.+)"), r"cpython/\1"),
    (re.compile(r".*/lib/python3[^/]*/(.+)"), r"python/\1"),
    # cibuildwheel builds wheels in /project: the sources of their C code.
    (re.compile(r".*/project/build/(libuv)[^/]*/(.+)"), r"\1/\2"),
    (re.compile(r".*/project/(?:(?:build|vendor|lib)/)?(.+)"), r"\1"),
    (re.compile(r".*/(.+)"), r"\1"),
)
FRAME = re.compile(r"(.*) \((.*?)(?::(\d+))?\)", re.DOTALL)
PROCESS = "process "


@dataclass(frozen=True)
class Frame:
    """One function. `path` begins with a package, `python/` (the standard library) or `cpython/` (its C sources).

    A function of a library without sources has the name of the library's file.
    """

    name: str
    path: str

    @property
    def is_python(self) -> bool:
        """Whether it runs Python code, no machine code."""
        return self.path.endswith(".py") or self.path.startswith("python/")


@cache
def frame(text: str) -> Frame:
    """Of one frame of a collapsed stack."""
    found = FRAME.fullmatch(text)
    return Frame(found[1], found[2]) if found else Frame(text, "")


@cache
def portable(text: str) -> str:
    """The same frame, with a path that does not depend on the machine. Lines of a function are one frame."""
    found = FRAME.fullmatch(text)
    return f"{found[1]} ({portable_path(found[2])})" if found else text


def portable_path(path: str) -> str:
    """A path from its package on."""
    for pattern, kept in PATHS:
        if (found := pattern.fullmatch(path)) is not None:
            return found.expand(kept)
    return path


def read(text: str) -> dict[str, int]:
    """What the profiler wrote, a stack and its number of samples in each line, with portable paths.

    Raises ValueError for a line without a number.
    """
    found: Counter[str] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [one for one in stack.split(";") if not one.startswith(PROCESS)]
        found[";".join(map(portable, frames))] += int(count)
    return dict(found)


def text_of(stacks: Mapping[str, float]) -> str:
    """As a file of collapsed stacks, which flame graph tools read."""
    return "".join(f"{stack} {count:g}\n" for stack, count in sorted(stacks.items()))


def together(every: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The samples of all of them."""
    found = defaultdict[str, float](float)
    for one in every:
        for stack, count in one.items():
            found[stack] += count
    return dict(found)
