"""A window's samples added up: the users' time accounted for exactly, and drift set apart from noise."""

import numpy as np
import polars as pl
import pytest

from bench.analysis.recorded import ledger
from bench.analysis.recorded.windows import Window
from suite.arrival import Arrival
from suite.records import MISSED, UNFINISHED

SECOND_NS = 1_000_000_000
WINDOW = Window(100 * SECOND_NS, 110 * SECOND_NS, 3)
SCHEMA = {"start_ns": pl.Int64, "service_time_ns": pl.Int64, "ok": pl.Boolean}


def log(*requests: tuple[float, float]) -> pl.DataFrame:
    """Requests by start and end, in seconds from the window's start."""
    start_ns = [WINDOW.start_ns + round(start * SECOND_NS) for start, _ in requests]
    took_ns = [round((end - start) * SECOND_NS) for start, end in requests]
    return pl.DataFrame({"start_ns": start_ns, "service_time_ns": took_ns, "ok": [True] * len(requests)}, schema=SCHEMA)


def test_requests_cut_by_both_edges_account_for_the_users_time_exactly() -> None:
    """Three users who never wait. One request began before the window, one ends after it, one spans all of it."""
    first = [(-0.7, 1.3), (1.3, 4.0), (4.0, 9.25), (9.25, 12.0)]
    second = [(-5.0, 15.0)]
    third = [(number * 0.01 - 0.005, number * 0.01 + 0.005) for number in range(1001)]
    assert ledger.accounted(log(*first, *second, *third), WINDOW, 3) == 1.0


def test_what_is_missing_shows() -> None:
    """A user who waited 2.5 of 10 s between requests; requests outside the window count for nothing."""
    assert ledger.accounted(log((-1, 5), (7.5, 11), (11, 30), (-4, -1)), WINDOW, 1) == 0.75
    assert ledger.accounted(log((0, 10)), WINDOW, 2) == 0.5
    assert ledger.accounted(log(), WINDOW, 2) == 0.0


def test_a_steady_rate_does_not_drift() -> None:
    """1,000 a second, evenly: no rise, and nothing to be sure of."""
    steady = log(*((number / 1000 - 0.1, number / 1000) for number in range(10_000)))
    drift = ledger.drift(steady, WINDOW)
    assert drift is not None
    assert drift.share == pytest.approx(0, abs=0.002)
    assert drift.p > 0.05


def test_a_rising_rate_drifts_by_its_rise() -> None:
    """From 800 a second to 1,200: 40% of the mean, less what the ten slices smooth away."""
    times, at_s = [], 0.0
    while at_s < 10:
        times.append((at_s - 0.001, at_s))
        at_s += 1 / (800 + 40 * at_s)
    drift = ledger.drift(log(*times), WINDOW)
    assert drift is not None
    assert drift.share == pytest.approx(0.4, abs=0.01)
    assert drift.p < 0.001


def test_noise_is_rarely_called_drift() -> None:
    """Of 2,000 steady windows with independent noise, 1% have p below 0.01."""
    chance, called = np.random.default_rng(3), 0
    for _ in range(2_000):
        ends_s = np.repeat(np.arange(10) + 0.5, np.rint(chance.normal(400, 20, 10)).astype(int))
        frame = pl.DataFrame(
            {"start_ns": (ends_s * 1e9).astype(np.int64) + WINDOW.start_ns, "service_time_ns": 0, "ok": True}
        )
        drift = ledger.drift(frame, WINDOW)
        assert drift is not None
        called += drift.p < 0.01
    assert called / 2_000 == pytest.approx(0.01, abs=0.007)


def test_nothing_has_no_drift() -> None:
    """No success, no rate."""
    assert ledger.drift(log(), WINDOW) is None


def sent(*requests: tuple[float, float, str]) -> pl.DataFrame:
    """Requests by when they were due, how long they took (s), and their error."""
    due_ns = [WINDOW.start_ns + round(at_s * SECOND_NS) for at_s, _, _ in requests]
    took_ns = [round(took_s * SECOND_NS) for _, took_s, _ in requests]
    errors = [error for *_, error in requests]
    return pl.DataFrame({"intended_ns": due_ns, "start_ns": due_ns, "service_time_ns": took_ns, "error": errors})


@pytest.mark.parametrize(
    ("arrival", "accounted", "drifts"), [("closed", 0.275, True), ("open", None, True), ("batch", None, False)]
)
def test_everything_that_began_is_in_exactly_one_place(arrival: str, accounted: float | None, *, drifts: bool) -> None:
    """What ended in the window is counted apart, whenever it began. A missed arrival is no request."""
    samples = sent((-1, 5.5, ""), (8, 1.0, "refused"), (3, 0.0, MISSED), (9, 4.0, UNFINISHED), (9.5, 2.0, ""))
    samples = samples if arrival != "closed" else samples.filter(pl.col("error").is_in(["", "refused"])).head(2)
    found = ledger.of(samples, WINDOW, 2, Arrival(arrival))
    hard = arrival != "closed"
    assert (found.requests, found.failures, found.missed) == ((3, 2, 1) if hard else (1, 1, 0))
    assert (found.unfinished, found.completed, found.succeeded) == (1 if hard else 0, 2, 1)
    assert (found.accounted, found.drift is not None) == (accounted, drifts)


def test_arrivals_are_completions_and_growth_of_the_backlog() -> None:
    """10 a second are due for 30 s, and 8 a second are answered in their order."""
    samples = sent(*((-10 + number / 10, (number + 1) / 8 - number / 10, "") for number in range(300)))
    found = ledger.of(samples, WINDOW, 1, Arrival.OPEN)
    assert found.completed == pytest.approx(80, abs=1)
    assert (found.backlog_start, found.backlog_end) == (21, 41)
    assert found.completed + found.backlog_end - found.backlog_start == pytest.approx(100, abs=1)
    assert found.drift is not None
    assert found.drift.share == pytest.approx(0, abs=0.05)


def test_littles_law_holds_of_a_steady_state_that_is_fully_seen() -> None:
    """Three users who send again at once, each answered after 0.3 s: 10 requests/s of 0.3 s are 3 in the service."""
    steady = sent(*((at / 10 - 20, 0.3, "") for at in range(500)))
    assert ledger.of(steady, WINDOW, 3, Arrival.CLOSED).little == pytest.approx(1, abs=0.001)


def test_littles_law_shows_who_waits_unseen() -> None:
    """Of 100 users, 90 never get an answer, and the others get theirs at once: 1% of the requests' time is seen."""
    waiting = [(-20.0, 60.0, UNFINISHED)] * 90
    served = [(at / 100 - 20, 0.1, "") for at in range(5000)]
    found = ledger.of(sent(*waiting, *served), WINDOW, 100, Arrival.CLOSED)
    assert found.little == pytest.approx(0.1, abs=0.001)
    assert found.accounted == pytest.approx(1, abs=0.001)
    assert found.starved == 90
