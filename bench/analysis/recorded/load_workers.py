"""The processes that a load was spread over, as Locust's master noted them: users, CPU time, who was lost. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.recorded.readings import interpolated
from bench.analysis.recorded.windows import Mark, Window


@dataclass(frozen=True)
class LoadWorker:
    """One of several processes. `users` are those that it had when all had been started.

    `cpu_share` is the part of one CPU that it used in the window, `clock_off_s` how far its machine's clock seems to be
    behind (0 on this machine), `joined_s` and `lost_s` when it came late or was last heard of, in seconds from the
    window's start; None: not known, or it did not happen.
    """

    name: str
    users: int
    cpu_share: float | None = None
    clock_off_s: float = 0.0
    joined_s: float | None = None
    lost_s: float | None = None


def of_marks(marks: Sequence[Mark], window: Window) -> tuple[LoadWorker, ...]:
    """Every worker that ever joined; none where one process made the load alone."""
    spawned = next((mark for mark in marks if mark.event == "spawned"), None)
    names = list(dict.fromkeys(mark.worker for mark in marks if mark.worker))
    if spawned is None:
        return ()
    facts = {name: found for mark in marks for name, found in mark.workers.items()}

    def at_s(event: str, name: str, since_ns: int = 0) -> float | None:
        found = [one.at_ns for one in marks if (one.event, one.worker) == (event, name) and one.at_ns >= since_ns]
        return (found[0] - window.start_ns) / 1e9 if found else None

    def used(name: str) -> list[tuple[int, float]]:
        # Several at one time of the active clock, while the service was frozen: the last one.
        return sorted({one.at_ns: one.cpu_s for one in marks if (one.event, one.worker) == ("used", name)}.items())

    return tuple(
        LoadWorker(
            name,
            users=int(spawned.workers.get(name, {}).get("users", 0)),
            cpu_share=_cpu_share(used(name), window),
            clock_off_s=facts.get(name, {}).get("clock_lag_ns", 0) / 1e9,
            joined_s=at_s("joined", name, spawned.at_ns),
            lost_s=at_s("lost", name),
        )
        for name in names
    )


def _cpu_share(series: Sequence[tuple[int, float]], window: Window) -> float | None:
    if len(series) < 2 or series[0][0] > window.start_ns or series[-1][0] < window.start_ns:
        return None
    return (interpolated(series, window.end_ns) - interpolated(series, window.start_ns)) / window.length_s
