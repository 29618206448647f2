"""Reads what a service's processes wrote of the lag of their event loops (services/loop_lag.py)."""

import time
from dataclasses import replace
from pathlib import Path

import psutil

from bench.analysis.recorded.loop_lag import LoopLag
from services.loop_lag import EVERY_NS
from suite import waiting
from suite.errors import ResultsError

GRACE_S = 5.0


class LagReader:
    """What is written from now on, in a file; nothing where there is none."""

    def __init__(self, path: Path | None) -> None:
        """Prepare. `path` is None where the service writes none."""
        self._path, self._began_ns = path, time.perf_counter_ns()

    def until_now(self) -> tuple[LoopLag, ...]:
        """What is known now. A loop that is blocked gets GRACE_S to run its timer; then it counts with its age."""
        if self._path is None:
            return ()
        now_ns = time.perf_counter_ns()

        def has_run() -> bool:
            return all(_next_ns(one) > now_ns for one in self._read() if _runs(one))

        waiting.until(has_run, GRACE_S, EVERY_NS / 1e9)
        return self.until(time.perf_counter_ns())

    def until(self, end_ns: int) -> tuple[LoopLag, ...]:
        """What is known at `end_ns`. Raises ResultsError for a file that cannot be read, or is none of this kind.

        What a running process has not run by then counts with its age. One that has ended owes nothing.
        """
        found = (_with_pending(one, end_ns) if _runs(one) else one for one in self._read())
        return tuple(_since(one, self._began_ns) for one in found)

    def _read(self) -> list[LoopLag]:
        """All lines, process by process. An incomplete last line is left out."""
        if self._path is None:
            return []
        written: dict[int, list[tuple[int, int]]] = {}
        try:
            for line in self._path.read_bytes().split(b"\n")[:-1]:
                process, due_ns, late_ns = map(int, line.split())
                written.setdefault(process, []).append((due_ns, late_ns))
        except FileNotFoundError:  # it has noted none
            return []
        except (OSError, ValueError) as error:
            raise ResultsError(f"cannot read the lag of the event loop, {str(self._path)!r}: {error}") from None
        return [_of(process, lines) for process, lines in written.items()]


def _of(process: int, lines: list[tuple[int, int]]) -> LoopLag:
    return LoopLag(process, EVERY_NS, tuple(due_ns for due_ns, _ in lines), tuple(late_ns for _, late_ns in lines))


def _next_ns(one: LoopLag) -> int:
    """When it is due next, after its last line."""
    return one.due_ns[-1] + (one.late_ns[-1] // one.every_ns + 1) * one.every_ns


def _with_pending(one: LoopLag, end_ns: int) -> LoopLag:
    due_ns = _next_ns(one)
    if due_ns >= end_ns:
        return one
    return replace(one, due_ns=(*one.due_ns, due_ns), late_ns=(*one.late_ns, end_ns - due_ns))


def _since(one: LoopLag, began_ns: int) -> LoopLag:
    """Without what had run before."""
    kept = [pair for pair in zip(one.due_ns, one.late_ns, strict=True) if sum(pair) >= began_ns]
    return _of(one.process, kept)


def _runs(one: LoopLag) -> bool:
    return psutil.pid_exists(one.process)
