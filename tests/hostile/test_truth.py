"""The comparison itself: what it takes for right, and what for wrong."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.hostile import truth
from tests.hostile.logged import CUT, OPEN, RIGHT, WRONG
from tests.hostile.truth import Truth

MS = 1_000_000
S = 1000 * MS
TRUE = Truth(100.0, 40.0, 40.0, 300.0, 1.0, 500, 0)
ROW = {
    "verdict": "VALID", "throughput_rps": "100", "latency_mean_ms": "41", "latency_p50_ms": "40", "latency_p99_ms": "",
}  # fmt: skip


def logged(folder: Path, *requests: tuple[str, int, int, str]) -> truth.Log:
    text = json.dumps({"requests": requests, "lags": [(S, 2 * MS)]})
    (folder / "1.json").write_text(text)
    return truth.read(folder)


def test_throughput_is_what_ended_in_the_window_and_times_are_of_what_began_in_it(tmp_path: Path) -> None:
    """An answer after the window belongs to its request; a wrong one to nothing; one that never came is counted."""
    log = logged(
        tmp_path,
        ("/users/1", 0, 1 * S, RIGHT),
        ("/users/2", 1 * S, 1 * S + 40 * MS, RIGHT),
        ("/users/3", 2 * S, 4 * S, RIGHT),
        ("/users/4", 2 * S, 2 * S, WRONG),
        ("/users/5", 2 * S, 0, OPEN),
        ("/health", 2 * S, 2 * S, RIGHT),
    )
    seen = truth.of(log, [(1 * S, 3 * S)])
    assert (seen.throughput_rps, seen.latency_mean_ms, seen.latency_p50_ms) == (1.0, 1020.0, 40.0)
    assert (seen.began, seen.never_answered) == (4, 1)
    assert seen.lag_p99_ms == 2.0


def test_a_request_whose_connection_was_cut_began_when_it_was_first_sent(tmp_path: Path) -> None:
    """The next one for that path is the same request, once; without one it was never answered."""
    log = logged(
        tmp_path,
        ("/users/1", 0, 500 * MS, CUT),
        ("/users/1", 100 * MS, 140 * MS, RIGHT),
        ("/users/1", 501 * MS, 541 * MS, RIGHT),
        ("/users/1", 600 * MS, 640 * MS, RIGHT),
        ("/users/2", 700 * MS, 800 * MS, CUT),
    )
    assert log.begin_ns.tolist() == [0, 100 * MS, 600 * MS, 700 * MS]
    assert log.end_ns.tolist() == [541 * MS, 140 * MS, 640 * MS, 0]


def test_requests_were_due_evenly_since_the_load_began(tmp_path: Path) -> None:
    """What the gate asked long before does not count, and a late start does not move the schedule."""
    late = [("/users/1", 0, MS, RIGHT)] + [
        ("/users/2", 5 * S + (100 * n + (30 if n == 0 else 0)) * MS, 6 * S, RIGHT) for n in range(5)
    ]
    due = truth.due(logged(tmp_path, *late), 10.0, (5 * S + 200 * MS, 6 * S))
    assert due.begin_ns.tolist() == [5 * S + 100 * n * MS for n in range(5)]
    assert len(due.end_ns) == len(due.right) == 5


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, "right"),
        ({"throughput_rps": "106"}, "wrong: throughput_rps 106.0 was 100.0"),
        ({"latency_mean_ms": "34"}, "wrong: latency_mean_ms 34.0 was 40.0"),
        ({"latency_mean_ms": "46"}, "wrong: latency_mean_ms 46.0 was 40.0"),
        ({"latency_p99_ms": "40", "verdict": "FLOOR"}, "wrong: latency_p99_ms 40.0 was 300.0"),
        ({"latency_p99_ms": "40", "unfinished": "7"}, "unfinished"),
        ({"throughput_rps": "140", "unfinished": "7"}, "wrong: throughput_rps 140.0 was 100.0"),
        ({"throughput_rps": "140", "verdict": "INVALID"}, "INVALID"),
    ],
)
def test_a_row_is_right_within_its_tolerance(change: dict[str, str], outcome: str) -> None:
    """5%, and 3 ms of a time. Unfinished requests excuse times, nothing else."""
    assert truth.outcome(ROW | change, TRUE) == outcome


def test_times_may_be_longer_on_a_busy_machine_and_never_shorter() -> None:
    """What waits for the load's CPU is not in the service's log. Throughput has no such excuse."""
    busy = replace(TRUE, lag_p99_ms=9.0)
    assert truth.outcome(ROW | {"latency_mean_ms": "80", "latency_p99_ms": "610"}, busy) == "right"
    for change in ({"latency_mean_ms": "90"}, {"latency_mean_ms": "34"}, {"throughput_rps": "106"}):
        assert truth.outcome(ROW | change, busy).startswith("wrong: ")


def test_a_truth_that_is_unknown_makes_no_figure_right() -> None:
    """A service that saw nothing in the window cannot have been measured."""
    nothing = replace(TRUE, latency_mean_ms=float(np.nan))
    assert truth.outcome(ROW, nothing).startswith("wrong: latency_mean_ms")
