"""Runs steps that depend on one another, on several sessions side by side. It does not know what the steps do."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

Session = TypeVar("Session")
ReportShare = Callable[[float], None]
"""Called by a step with its share done, 0 to 1. Raises `Stopped` if the step must end early."""
Progress = Callable[[str, float], None]
"""Called with the steps that are running and the fraction done, 0 to 1. Never called by two threads at once."""
_CANCEL_EVERY_S = 0.2


class Stopped(Exception):  # noqa: N818  # not an error: another step failed, or the user pressed Ctrl-C
    """The work was stopped."""


@dataclass(frozen=True)
class Step(Generic[Session]):
    """A step. `work` runs on a session when all steps in `after` are done. `cost` is its relative duration."""

    name: str
    cost: float
    work: Callable[[Session, ReportShare], None]
    after: tuple[str, ...] = ()


def run(
    steps: Sequence[Step[Session]],
    sessions: Sequence[Session],
    cancel: Callable[[Session], None],
    progress: Progress,
) -> None:
    """Run all steps. A free session takes the first step that is ready. `cancel` ends the statement of a session.

    When a step fails, or on Ctrl-C, running steps are cancelled and awaited, no other step begins, and the error is
    raised.
    """
    board = _ProgressBoard(steps, progress)
    waiting, free, running = list(steps), list(sessions), dict[Future[None], tuple[Step[Session], Session]]()
    done: set[str] = set()
    with ThreadPoolExecutor(len(sessions)) as pool:
        try:
            while waiting or running:
                ready = [step for step in waiting if done.issuperset(step.after)][: len(free)]
                assert ready or running, f"steps wait for one another: {waiting}"  # noqa: S101  # a bug, not an input
                for step in ready:
                    waiting.remove(step)
                    session = free.pop()
                    board.begin(step.name)
                    running[pool.submit(step.work, session, board.reporter(step.name))] = (step, session)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    step, session = running.pop(future)
                    future.result()
                    free.append(session)
                    done.add(step.name)
                    board.end(step.name)
        except BaseException:
            board.stopped.set()
            while running:  # again and again: a session may have been between two statements
                for _, session in running.values():
                    cancel(session)
                for future in wait(running, timeout=_CANCEL_EVERY_S).done:
                    del running[future]
            raise


class _ProgressBoard:
    """Reports the running steps and the fraction done of all steps."""

    def __init__(self, steps: Sequence[Step[Session]], progress: Progress) -> None:
        self.stopped = threading.Event()
        self._costs = {step.name: step.cost for step in steps}
        self._shares = dict.fromkeys(self._costs, 0.0)
        self._running: list[str] = []
        self._progress = progress
        self._lock = threading.Lock()

    def begin(self, name: str) -> None:
        with self._lock:
            self._running.append(name)
            self._report()

    def end(self, name: str) -> None:
        with self._lock:
            self._running.remove(name)
            self._shares[name] = 1.0
            if self._running:
                self._report()

    def reporter(self, name: str) -> ReportShare:
        def report_share(share: float) -> None:
            if self.stopped.is_set():
                raise Stopped
            with self._lock:
                self._shares[name] = share
                self._report()

        return report_share

    def _report(self) -> None:
        done = sum(self._costs[name] * share for name, share in self._shares.items())
        self._progress(", ".join(self._running), done / sum(self._costs.values()))
