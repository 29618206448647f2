"""When each request of a batch waited for a connection and when it held one: what a service noted, beside the samples.

Pure: the trace's events and the load's samples in, rows out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from bench.analysis.recorded.windows import Window
from bench.tracing.events import Event
from suite import csv_writing
from suite.records import MISSED

HARNESS_ASKS = ("/health", "/metrics")  # while the load runs; they are no part of it
COLUMNS = ("request", "intended_s", "start_s", "held_from_s", "held_to_s", "end_s", "ok")
NS_PER_S = 1e9
IMPOSSIBLE, GAVE_UP = 1e12, 1e6  # beside squares of seconds
WIDTH = 60
MOST_BARS = 40


@dataclass(frozen=True)
class TimelineRow:
    """One span in which a request held a connection; a request that held none has one row without a span.

    Times count from the window's start (s). `request` numbers requests by when they were due. `held_to_s` is None for
    a connection that was not returned while the trace went on.
    """

    request: int
    intended_s: float
    start_s: float
    held_from_s: float | None
    held_to_s: float | None
    end_s: float
    ok: bool


@dataclass(frozen=True)
class _ServedRequest:
    """A request as the service saw it (ns): its beginning, its answer if there was one, its spans with a connection."""

    received_ns: int
    responded_ns: int | None
    held: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True)
class _Sample:
    """A request as the load saw it (ns)."""

    intended_ns: int
    start_ns: int
    end_ns: int
    ok: bool


def rows(events: Iterable[Event], samples: pl.DataFrame, window: Window) -> list[TimelineRow]:
    """The timeline of all requests that were sent, from events in the order of time.

    `samples` has intended_ns, start_ns, service_time_ns and error, a row a request. Nothing in a request names its
    sample: of all ways to give each sample a request that was received after its start and answered before its end
    (a failed sample may have ended before the answer), it is the one in which the times between fit best: the sum of
    their squares is least. Takes memory and time for samples x requests: for small batches.
    """
    sent = samples.filter(pl.col("error") != MISSED).sort("intended_ns", "start_ns")
    columns = (sent[name].to_list() for name in ("intended_ns", "start_ns", "service_time_ns", "error"))
    asked = [
        _Sample(intended, start, start + took, error == "")
        for intended, start, took, error in zip(*columns, strict=True)
    ]
    found = _matched(asked, _seen(events))
    return [
        TimelineRow(
            number,
            _s(sample.intended_ns, window),
            _s(sample.start_ns, window),
            None if held is None else _s(held[0], window),
            None if held is None or held[1] is None else _s(held[1], window),
            _s(sample.end_ns, window),
            sample.ok,
        )
        for number, sample in enumerate(asked, 1)
        for held in (found[number - 1].held if number - 1 in found else ()) or (None,)
    ]


def _s(at_ns: int, window: Window) -> float:
    return (at_ns - window.start_ns) / NS_PER_S


def _matched(asked: Sequence[_Sample], seen: Sequence[_ServedRequest]) -> dict[int, _ServedRequest]:
    """Which request of the service is which sample, by the sample's place."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415  # half a second, for batches only

    costs = np.array([[_cost(sample, one) for one in seen] for sample in asked]).reshape(len(asked), len(seen))
    places, chosen = linear_sum_assignment(costs)
    pairs = zip(places.tolist(), chosen.tolist(), strict=True)
    return {place: seen[one] for place, one in pairs if costs[place, one] < IMPOSSIBLE}


def _cost(sample: _Sample, one: _ServedRequest) -> float:
    """How badly a request fits a sample: the squares of what passed before it was received and after its answer (s)."""
    before_s = (one.received_ns - sample.start_ns) / NS_PER_S
    after_s = None if one.responded_ns is None else (sample.end_ns - one.responded_ns) / NS_PER_S
    if before_s < 0 or one.received_ns > sample.end_ns:
        return IMPOSSIBLE
    if after_s is None or after_s < 0:  # the client gave up before there was an answer
        return IMPOSSIBLE if sample.ok else GAVE_UP + before_s**2
    return before_s**2 + after_s**2


def _seen(events: Iterable[Event]) -> list[_ServedRequest]:
    """All requests of the load that the service noted."""
    requests: dict[tuple[int, int], list[Event]] = {}
    connections: dict[int | None, list[Event]] = {}
    for event in events:
        requests.setdefault((event.process, event.request), []).append(event)
        connections.setdefault(event.connection, []).append(event)
    spans = dict(one for used in connections.values() for one in _spans(used))
    return [
        _ServedRequest(
            own[0].at_ns,
            next((event.at_ns for event in own if event.name == "responded"), None),
            tuple(spans[event] for event in own if event.name == "checked out"),
        )
        for own in requests.values()
        if not own[0].detail.endswith(HARNESS_ASKS)
    ]


def _spans(used: Sequence[Event]) -> Iterator[tuple[Event, tuple[int, int | None]]]:
    """Each checkout of one connection, and from when to when the request held it.

    A pool may wake the next request before the one that gave the connection back has noted so: the next checkout ends
    the span, too.
    """
    for place, event in enumerate(used):
        if event.name == "checked out":
            own = event.process, event.request
            later = used[place + 1 :]
            end = next((one for one in later if one.name == "checked out" or (one.process, one.request) == own), None)
            yield event, (event.at_ns, None if end is None else end.at_ns)


def csv_text(timeline: Iterable[TimelineRow]) -> str:
    """timeline.csv."""
    return csv_writing.csv_text(COLUMNS, ({**asdict(row), "ok": str(row.ok).lower()} for row in timeline))


def drawn(timeline: Sequence[TimelineRow], width: int = WIDTH) -> str:
    """A bar a request: `.` waiting, `#` holding a connection. Scaled to the last end; MOST_BARS at most."""
    if not timeline:
        return ""
    last_s = max(row.end_s for row in timeline)
    first_s = min(row.intended_s for row in timeline)
    requests: dict[int, list[TimelineRow]] = {}
    for row in timeline:
        requests.setdefault(row.request, []).append(row)
    shown = dict(list(requests.items())[:MOST_BARS])
    bars = [_bar(number, own, first_s, last_s, width) for number, own in shown.items()]
    if len(requests) > len(shown):
        bars.append(f"and {len(requests) - len(shown)} more in timeline.csv")
    head = f"request  0 s{f'{last_s - first_s:.2f} s':>{width - 2}}   . waiting  # holding a connection"
    return "\n".join([head, *bars])


def _bar(number: int, own: Sequence[TimelineRow], first_s: float, last_s: float, width: int) -> str:
    def cell(at_s: float) -> int:
        return min(width - 1, int((at_s - first_s) / (last_s - first_s or 1.0) * width))

    letters = [" "] * width
    _fill(letters, ".", cell(own[0].intended_s), cell(own[0].end_s))
    for row in own:
        if row.held_from_s is not None:
            _fill(letters, "#", cell(row.held_from_s), cell(own[0].end_s if row.held_to_s is None else row.held_to_s))
    return f"{number:7}  {''.join(letters)}  {own[0].end_s - own[0].start_s:.2f} s{'' if own[0].ok else '  failed'}"


def _fill(letters: list[str], letter: str, first: int, last: int) -> None:
    letters[first : last + 1] = letter * (last + 1 - first)
