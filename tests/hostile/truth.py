"""What a hostile service's own log says about a window, to be compared with what the suite has published."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.hostile.logged import CUT, RIGHT

Times = NDArray[np.int64]
WITHIN, CLIENT_MS = 0.05, 3.0
"""How far a published figure may be off; a latency by these milliseconds more, for the way to the service and back."""
CONTENDED_MS = 5.0
"""If the service's event loop was late by so much (p99), others used the CPUs. Latencies may then be up to twice as
long: a request that waits for a CPU of the load is not in the service's log. None may be shorter."""
SILENCE_NS = 1_000_000_000
LATENCIES = ("latency_mean_ms", "latency_p50_ms", "latency_p99_ms")
PUBLISHED = {"VALID", "FLOOR", "UNJUDGED"}


@dataclass(frozen=True)
class Log:
    """Requests by when they arrived (ns, monotonic). `end_ns` is 0 for those without an answer."""

    begin_ns: Times
    end_ns: Times
    right: NDArray[np.bool_]
    lag_at_ns: Times
    lag_ns: Times


@dataclass(frozen=True)
class Truth:
    """Of all windows of a cell: right answers per second, and times (ms) of the requests that began in them."""

    throughput_rps: float
    latency_mean_ms: float
    latency_p50_ms: float
    latency_p99_ms: float
    lag_p99_ms: float
    began: int
    never_answered: int


def read(folder: Path, operation: str = "/users/") -> Log:
    """The logs of all processes of a service.

    A request whose connection was cut comes again, for the same path: it began when it was first sent.
    """
    logs = [json.loads(path.read_text()) for path in folder.glob("*.json")]
    rows = [row for log in logs for row in log["requests"]]
    lags = np.array([lag for log in logs for lag in log["lags"]], np.int64).reshape(-1, 2)
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
    return Log(
        np.array(begin_ns, np.int64), np.array(end_ns, np.int64), np.array(right, np.bool_), lags[:, 0], lags[:, 1]
    )


def due(log: Log, rate_rps: float, window: tuple[int, int]) -> Log:
    """The same requests from when they were due: evenly, at this rate, since the window's load began.

    The requests of an open load arrive in the order in which they were due, none before it was due, and some on time.
    """
    gaps = np.flatnonzero(np.diff(log.begin_ns) > SILENCE_NS) + 1
    before = [int(one) for one in gaps if log.begin_ns[one] < window[0]]
    first = before[-1] if before else 0
    since_ns = np.arange(len(log.begin_ns) - first) * round(1e9 / rate_rps)
    due_ns = np.min(log.begin_ns[first:] - since_ns) + since_ns
    return replace(log, begin_ns=due_ns, end_ns=log.end_ns[first:], right=log.right[first:])


def of(log: Log, windows: Sequence[tuple[int, int]]) -> Truth:
    """Of these windows (start_ns, end_ns), at least one. Percentiles are nearest-rank, as the suite's."""
    ended, began = _inside(log.end_ns, windows), _inside(log.begin_ns, windows)
    times_ms = np.sort((log.end_ns - log.begin_ns)[began & log.right] / 1e6)
    lags_ms = np.sort(log.lag_ns[_inside(log.lag_at_ns, windows)] / 1e6)
    return Truth(
        int(np.sum(ended & log.right)) / (sum(end_ns - start_ns for start_ns, end_ns in windows) / 1e9),
        *figures(times_ms),
        rank(lags_ms, 0.99),
        int(np.sum(began)),
        int(np.sum(began & (log.end_ns == 0))),
    )


def _inside(at_ns: Times, windows: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    found = np.zeros(len(at_ns), np.bool_)
    for start_ns, end_ns in windows:
        found |= (at_ns >= start_ns) & (at_ns < end_ns)
    return found


def figures(ascending: NDArray[np.float64]) -> tuple[float, float, float]:
    """Those of LATENCIES: mean, p50 and p99. NaN for no values."""
    mean = float(ascending.mean()) if ascending.size else float("nan")
    return mean, rank(ascending, 0.5), rank(ascending, 0.99)


def rank(ascending: NDArray[np.float64], share: float) -> float:
    """The nearest-rank percentile. NaN for no values."""
    return float(ascending[max(0, int(np.ceil(share * ascending.size)) - 1)]) if ascending.size else float("nan")


def wrong(row: Mapping[str, str], truth: Truth) -> list[str]:
    """The figures of a published row that the log contradicts. Unknown ones (empty) contradict nothing.

    Where some requests were unfinished the row says so, and its times are lower bounds.
    """
    found = list[str]()
    for name in ("throughput_rps", *(() if unfinished(row) else LATENCIES)):
        if not row[name]:
            continue
        published, true = float(row[name]), float(getattr(truth, name))
        is_time = name in LATENCIES
        off = WITHIN * true + CLIENT_MS * is_time
        more = true if is_time and truth.lag_p99_ms > CONTENDED_MS else 0.0
        if not true - off <= published <= true + off + more:
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
