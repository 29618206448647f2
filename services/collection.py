"""Garbage collections of this process: what they cost, for GET /metrics, and the setting GC."""

import gc
import time
from collections.abc import Callable, Mapping

FULL = 2  # the oldest generation: such a collection walks through all objects that the process tracks
KEPT_S = 5.0


class Collections:
    """The collections since `begin`: how many were full, how long all of them took, and the longest one of late.

    Times are CPU time of the thread that collects, so that one during which the process had to wait for its CPU, or was
    stopped, is no longer for it. Python calls `note` before and after each collection, also the small ones of young
    objects, of which a busy service has one every few requests. Both calls together cost two microseconds.
    """

    def __init__(
        self, used_s: Callable[[], float] = time.thread_time, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.full = 0
        self.seconds = 0.0
        self._used_s, self._now = used_s, now
        self._began_s = 0.0
        self._longest_s = self._longest_before_s = 0.0
        self._renewed = now()

    def begin(self, *, freeze: bool) -> None:
        """Begin to count. `freeze`: no collection looks again at what exists now; most of it stays for good."""
        if freeze:
            gc.collect()
            gc.freeze()
        gc.callbacks.append(self.note)

    def note(self, phase: str, info: Mapping[str, int]) -> None:
        """Of `gc.callbacks`. Collections do not overlap: while one runs, no thread begins another."""
        if phase == "start":
            self._began_s = self._used_s()
            return
        took_s = self._used_s() - self._began_s
        self.seconds += took_s
        self.full += info["generation"] == FULL
        if took_s > self._longest_s:
            self._forget()
            self._longest_s = took_s

    def longest_s(self) -> float:
        """The longest collection of the last KEPT_S seconds, or of up to twice as many.

        The longest since the start would say nothing of a window that began later. The longest since somebody asked
        would serve only one who asks.
        """
        self._forget()
        return max(self._longest_s, self._longest_before_s)

    def _forget(self) -> None:
        passed_s = self._now() - self._renewed
        if passed_s >= KEPT_S:
            self._longest_before_s = self._longest_s if passed_s < 2 * KEPT_S else 0.0
            self._longest_s = 0.0
            self._renewed += passed_s


COLLECTIONS = Collections()


def setting() -> str:
    """What really holds in this process, whatever its settings say."""
    if not gc.isenabled():
        return "disabled"
    return "freeze" if gc.get_freeze_count() else "default"
