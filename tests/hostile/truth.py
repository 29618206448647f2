"""What a hostile service's own log says about a window, to be compared with what the suite has published."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.hostile.logged import CUT, RIGHT

Times = NDArray[np.int64]
WITHIN, CLIENT_MS = 0.05, 3.0
"""How far a published figure may be off. Latencies, which also have the way to the service, may have this much more."""
SAMPLES_BEYOND = 100  # fewer requests beyond a percentile, and the suite does not publish it
SILENCE_NS = 1_000_000_000
PUBLISHED = {"VALID", "FLOOR", "UNJUDGED"}


@dataclass(frozen=True)
class Log:
    """Requests by when they arrived (ns, monotonic). `end_ns` is 0 for those without an answer."""

    begin_ns: Times
    end_ns: Times
    right: NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """Of all windows of a cell: right answers per second, and times (ms) of the requests that began in them."""

    throughput_rps: float
    latency_mean_ms: float
    latency_p50_ms: float
    latency_p99_ms: float
    began: int
    never_answered: int


def read(folder: Path, operation: str = "/users/") -> Log:
    """The logs of all processes of a service.

    A request whose connection was cut comes again, for the same path: it began when it was first sent.
    """
    rows = [row for path in folder.glob("*.json") for row in json.loads(path.read_text())]
    begun: dict[str, list[tuple[int, int]]] = {}
    merged = list[tuple[int, int, bool]]()
    for path, arrived_ns, ended_ns, outcome in sorted(rows, key=lambda row: row[1]):
        if not path.startswith(operation):
            continue
        began_ns, again = arrived_ns, begun.get(path, [])
        for cut in again:
            if cut[1] <= arrived_ns:
                again.remove(cut)
                began_ns = cut[0]
                break
        if outcome == CUT:
            begun.setdefault(path, []).append((began_ns, ended_ns))
        else:
            merged.append((began_ns, ended_ns, outcome == RIGHT))
    merged += [(began_ns, 0, False) for cuts in begun.values() for began_ns, _ in cuts]
    merged.sort()
    begin_ns, end_ns, right = zip(*merged, strict=True) if merged else ((), (), ())
    return Log(np.array(begin_ns, np.int64), np.array(end_ns, np.int64), np.array(right, np.bool_))


def due(log: Log, rate_rps: float, window: tuple[int, int]) -> Log:
    """The same requests from when they were due: evenly, at this rate, from the first one of the window's load.

    The requests of an open load arrive in the order in which they were due.
    """
    gaps = np.flatnonzero(np.diff(log.begin_ns) > SILENCE_NS) + 1
    before = [int(one) for one in gaps if log.begin_ns[one] < window[0]]
    first = before[-1] if before else 0
    due_ns = log.begin_ns[first] + np.arange(len(log.begin_ns) - first) * round(1e9 / rate_rps)
    return Log(due_ns, log.end_ns[first:], log.right[first:])


def of(log: Log, windows: Iterable[tuple[int, int]]) -> Truth:
    """Of these windows (start_ns, end_ns). Percentiles are nearest-rank, as the suite's."""
    lengths_s, ended, times, began, never = 0.0, 0, list[NDArray[np.float64]](), 0, 0
    for start_ns, end_ns in windows:
        lengths_s += (end_ns - start_ns) / 1e9
        ended += int(np.sum(log.right & (log.end_ns >= start_ns) & (log.end_ns < end_ns)))
        inside = (log.begin_ns >= start_ns) & (log.begin_ns < end_ns)
        began += int(np.sum(inside))
        never += int(np.sum(inside & (log.end_ns == 0)))
        kept = inside & log.right
        times.append((log.end_ns[kept] - log.begin_ns[kept]) / 1e6)
    all_ms = np.sort(np.concatenate(times)) if times else np.array([])
    mean_ms = float(all_ms.mean()) if all_ms.size else float("nan")
    return Truth(
        ended / lengths_s if lengths_s else float("nan"), mean_ms, rank(all_ms, 0.5), rank(all_ms, 0.99), began, never
    )


def rank(ascending: NDArray[np.float64], share: float) -> float:
    """The nearest-rank percentile. NaN for no values."""
    return float(ascending[max(0, int(np.ceil(share * ascending.size)) - 1)]) if ascending.size else float("nan")


def wrong(row: Mapping[str, str], truth: Truth) -> list[str]:
    """The figures of a published row that the log contradicts. Unknown ones (empty) contradict nothing.

    Where some requests were unfinished the row says so, and its times are lower bounds.
    """
    found = list[str]()
    for name in ("throughput_rps", "latency_mean_ms", "latency_p50_ms", "latency_p99_ms"):
        is_time = name.startswith("latency")
        if not row[name] or (is_time and unfinished(row)):
            continue
        published, true = float(row[name]), float(getattr(truth, name))
        if not abs(published - true) <= WITHIN * true + CLIENT_MS * is_time:
            found.append(f"{name} {published:.1f} was {true:.1f}")
    return found


def unfinished(row: Mapping[str, str]) -> int:
    """Requests of the row that had no answer when the load had ended. 0 where there is no such column."""
    return int(row.get("unfinished") or 0)


def outcome(row: Mapping[str, str], truth: Truth) -> str:
    """`INVALID`, `unfinished`, `right`, or `wrong: ` with what is."""
    if row["verdict"] not in PUBLISHED:
        return row["verdict"]
    if contradicted := wrong(row, truth):
        return f"wrong: {'; '.join(contradicted)}"
    return "unfinished" if unfinished(row) else "right"


def windows(cell_folders: Sequence[Path]) -> list[tuple[int, int]]:
    """Of the measurements in these folders that count: first attempts and those that were cut off do not."""
    found = list[tuple[int, int]]()
    for folder in cell_folders:
        for path in sorted(folder.rglob("window.json")):
            parts = path.relative_to(folder).parts
            if not any(part.startswith(("first-attempt", "cut-off")) for part in parts):
                window = json.loads(path.read_text())
                found.append((window["start_ns"], window["end_ns"]))
    return found


def evidence(cell_folder: Path) -> dict[str, float | None]:
    """What the suite derived from a measurement."""
    found: dict[str, float | None] = json.loads((cell_folder / "window.json").read_text())["evidence"]
    return found
