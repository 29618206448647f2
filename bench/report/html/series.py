"""One cell in one round as series over time, from its stored files: what the charts draw."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from bench.analysis.recorded.roles import DATABASE, LOAD, SERVICE
from bench.analysis.recorded.timeline import TimelineRow
from bench.analysis.recorded.turns import ActiveClock
from bench.analysis.recorded.windows import Window
from bench.analysis.slices import connections
from bench.analysis.slices.cut import on_active_clock
from bench.store import csv_reading, recordings, samples
from suite.errors import ResultsError

Values = npt.NDArray[np.floating[Any]]
BINS, HEAT_ROWS = 60, 40
LEAST_BIN_S = 0.25
BEFORE_S = 15.0
LEAST_GAP_S = 0.001
STATES = ("active", "idle", "idle_in_transaction", "other")


@dataclass(frozen=True)
class OverTime:
    """What happened when, in seconds from the window's start (of a cell that took turns, on its active clock).

    Of successes only. Values that are not known are NaN.

    `heat` counts requests by time (rows) and latency (columns, evenly spaced in logarithms over `heat_ms`). `states`
    are the service's connections, `cpu` by role the times and how many CPUs were in use. Empty: not stored.
    """

    slug: str
    round: int
    from_s: float
    to_s: float
    at_s: Values
    rps: Values
    p50_ms: Values
    p99_ms: Values
    heat: Values
    heat_ms: tuple[float, float]
    states_at_s: tuple[float, ...]
    states: Mapping[str, tuple[float, ...]]
    cpu: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]


@dataclass(frozen=True)
class Limits:
    """How far the axes of several charts go, so that they can be compared by eye; the axes begin at 0."""

    from_s: float
    to_s: float
    rps: float
    latency_ms: float
    backends: float
    cpus: float
    heat_ms: tuple[float, float]
    heat: float


def limits(together: Sequence[OverTime]) -> Limits:
    """Of at least one cell: room for the highest value of all."""
    lows_ms, highs_ms = zip(*(one.heat_ms for one in together), strict=True)
    return Limits(
        from_s=min(one.from_s for one in together),
        to_s=max(one.to_s for one in together),
        rps=_most(one.rps for one in together),
        latency_ms=_most(values for one in together for values in (one.p50_ms, one.p99_ms)),
        backends=_most(np.sum([*one.states.values()], axis=0) for one in together if one.states),
        cpus=_most(np.array(values) for one in together for _, values in one.cpu.values()),
        heat_ms=(min(lows_ms), max(highs_ms)),
        heat=max(float(one.heat.max(initial=0.0)) for one in together),
    )


def _most(several: Iterable[Values]) -> float:
    """The largest value that is known, with room above it; 1 where none is."""
    known = [float(values[np.isfinite(values)].max(initial=0.0)) for values in several]
    return 1.05 * max(known, default=0.0) or 1.0


def places(folder: Path, slug: str) -> Iterator[tuple[int, Path]]:
    """Every round in which a cell came to a window, in order, with its folder."""
    for one_round in sorted((folder / "rounds").glob("[0-9][0-9]")):
        if one_round.name != "00" and (one_round / slug / "window.json").exists():
            yield int(one_round.name), one_round / slug


def over_time(slug: str, number: int, place: Path) -> OverTime | None:
    """From the files in `place`; None without a success."""
    facts = json.loads((place / "window.json").read_text())
    window = Window(facts["start_ns"], facts["end_ns"], facts["users"])
    kept, clock = samples.read_kept(place / "samples.parquet"), _active_clock(place, facts)
    columns = (kept if clock is None else on_active_clock(kept, clock)).lazy().filter(pl.col("error") == "")
    end_ns = pl.col("start_ns") + pl.col("service_time_ns")
    frame = columns.select(
        end_s=(end_ns - window.start_ns) / 1e9, latency_ms=(end_ns - pl.col("intended_ns")) / 1e6
    ).collect()
    frame = frame.filter(pl.col("end_s").is_between(-BEFORE_S, window.length_s))
    if frame.is_empty():
        return None
    ends_s, latency_ms = (frame[name].to_numpy() for name in ("end_s", "latency_ms"))
    from_s, to_s = min(0.0, float(ends_s.min())), window.length_s
    bins = max(1, min(BINS, int((to_s - from_s) / LEAST_BIN_S)))
    width_s = (to_s - from_s) / bins
    numbers = ((pl.col("end_s") - from_s) / width_s).floor().clip(0, bins - 1).cast(pl.Int64)
    binned = frame.group_by(numbers.alias("bin")).agg(
        count=pl.len(), p50=pl.col("latency_ms").quantile(0.5), p99=pl.col("latency_ms").quantile(0.99)
    )
    filled = pl.DataFrame({"bin": range(bins)}).join(binned, on="bin", how="left").sort("bin")
    low = max(1e-3, float(latency_ms.min()))
    heat_ms = (low * 0.95, max(float(latency_ms.max()), low * 2) * 1.05)
    edges = np.geomspace(*heat_ms, HEAT_ROWS + 1)
    heat, _, _ = np.histogram2d(ends_s, latency_ms, bins=(np.linspace(from_s, to_s, 2 * bins + 1), edges))
    table = _TableClock(window, window.start_ns if clock is None else facts["evidence"]["slices"][0]["start_ns"], clock)
    states_at_s, states = _states(place, table)
    return OverTime(
        slug=slug,
        round=number,
        from_s=from_s,
        to_s=to_s,
        at_s=from_s + (np.arange(bins) + 0.5) * width_s,
        rps=filled["count"].fill_null(0).to_numpy() / width_s,
        p50_ms=filled["p50"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        p99_ms=filled["p99"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        heat=heat,
        heat_ms=heat_ms,
        states_at_s=states_at_s,
        states=states,
        cpu=_cpu(place / "resources.csv", table),
    )


def _active_clock(place: Path, facts: Mapping[str, Any]) -> ActiveClock | None:
    """Of a cell that took turns with others; None of one that ran without a break."""
    return ActiveClock(recordings.read(place).turns) if facts.get("slices") else None


@dataclass(frozen=True)
class _TableClock:
    """Turns times of a table, in seconds from the window's start on the clock of the recording, to the chart's."""

    window: Window
    start_ns: int
    clock: ActiveClock | None

    def of(self, at_s: Values) -> Values:
        if self.clock is None:
            return at_s
        recorded_ns = self.start_ns + np.rint(at_s * 1e9).astype(np.int64)
        return (self.clock.of(recorded_ns) - self.window.start_ns) / 1e9


def _rows(path: Path) -> list[dict[str, str]]:
    """Of a CSV; none where it was not written. Raises ResultsError that names file and line."""
    return [line.values for line in csv_reading.read(path, (), "a table", ended=True)] if path.exists() else []


def _states(place: Path, clock: _TableClock) -> tuple[tuple[float, ...], Mapping[str, tuple[float, ...]]]:
    """The service's own connections; all that were seen, where what tells them apart can no longer be read."""
    rows = _rows(place / "pg_activity.csv")
    if not rows:
        return (), {}
    at_s = clock.of(np.array([float(row["at_s"]) for row in rows]))
    try:
        own = connections.own_states(recordings.read(place))
    except ResultsError:
        own = []
    if len(own) == len(rows):
        return tuple(at_s.tolist()), {name: tuple(float(getattr(one, name)) for one in own) for name in STATES}
    return tuple(at_s.tolist()), {name: tuple(float(row[name]) for row in rows) for name in STATES}


def _cpu(path: Path, clock: _TableClock) -> Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]:
    """CPUs in use between each two readings, at the later one. None over a gap, in which others used the database."""
    readings: dict[str, list[tuple[float, float]]] = {}
    for row in _rows(path):
        if row["subject"] in {SERVICE, DATABASE, LOAD} and row["cpu_s"]:
            readings.setdefault(row["subject"], []).append((float(row["at_s"]), float(row["cpu_s"])))
    found = {}
    for role in (SERVICE, DATABASE, LOAD):
        at_s, cpu_s = (np.array(values) for values in zip(*readings.get(role, [(0.0, 0.0)]), strict=True))
        active_s = clock.of(at_s)
        steps = (np.diff(active_s) > 0) & (np.diff(at_s) - np.diff(active_s) < LEAST_GAP_S)
        if steps.any():
            used = np.maximum(np.diff(cpu_s)[steps] / np.diff(active_s)[steps], 0.0)
            found[role] = (tuple(active_s[1:][steps].tolist()), tuple(used.tolist()))
    return found


def timeline(place: Path) -> list[TimelineRow]:
    """timeline.csv read back; nothing where there is none."""
    return [
        TimelineRow(
            int(row["request"]),
            float(row["intended_s"]),
            float(row["start_s"]),
            float(row["held_from_s"]) if row["held_from_s"] else None,
            float(row["held_to_s"]) if row["held_to_s"] else None,
            float(row["end_s"]),
            row["ok"] == "true",
        )
        for row in _rows(place / "timeline.csv")
    ]
