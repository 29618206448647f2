"""One cell in one round over time, from its stored files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.analysis import evidence
from bench.analysis.recorded.activity import activity_csv
from bench.analysis.recorded.readings import resources_csv
from bench.analysis.recorded.timeline import TimelineRow
from bench.analysis.slices import cut
from bench.report.html import series
from bench.report.html.series import OverTime
from bench.store import measurements, recordings
from suite.activity import Activity
from suite.errors import ResultsError
from tests.unit.turns_of import CELL, Frozen, at_ns, plan, queue, recorded, watched

SLUG = "asyncpg_async-users_10"


def stored(place: Path, *ends_ms: int, took_ms: int = 10, errors: tuple[str, ...] = ()) -> Path:
    """A window of 2 s from 100 s on, with a request that ends at each of these moments."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "window.json").write_text(json.dumps({"start_ns": 100 * 10**9, "end_ns": 102 * 10**9, "users": 2}))
    starts = [100 * 10**9 + (end_ms - took_ms) * 10**6 for end_ms in ends_ms]
    said = [*errors, *[""] * (len(ends_ms) - len(errors))]
    pl.DataFrame(
        {"intended_ns": starts, "start_ns": starts, "service_time_ns": took_ms * 10**6, "error": said},
        schema_overrides=dict.fromkeys(("intended_ns", "start_ns", "service_time_ns"), pl.Int64),
    ).with_columns(status=pl.lit(200), body_bytes=pl.lit(9), operation=pl.lit("read_user")).write_parquet(
        place / "samples.parquet"
    )
    return place


def over_time(place: Path) -> OverTime:
    found = series.over_time(SLUG, 1, place)
    assert found is not None
    return found


def test_successes_are_counted_where_they_ended(tmp_path: Path) -> None:
    """In bins of 250 ms; where there was none, throughput is 0 and a latency is not known."""
    found = over_time(stored(tmp_path, 10, 20, 1990, 1000, errors=("refused",)))
    assert (found.from_s, found.to_s) == (0.0, 2.0)
    assert found.at_s.tolist() == [0.125, 0.375, 0.625, 0.875, 1.125, 1.375, 1.625, 1.875]
    assert found.rps.tolist() == [4.0, 0.0, 0.0, 0.0, 4.0, 0.0, 0.0, 4.0]
    known = ~np.isnan(found.p50_ms)
    assert known.tolist() == (found.rps > 0).tolist()
    assert set(found.p50_ms[known]) == set(found.p99_ms[known]) == {10.0}
    assert (found.heat.shape, found.heat.sum()) == ((16, series.HEAT_ROWS), 3.0)
    assert found.heat_ms == (9.5, 21.0)
    assert (found.states_at_s, dict(found.states), dict(found.cpu)) == ((), {}, {})


def test_ramp_up_is_shown_and_what_lies_far_before_or_behind_is_not(tmp_path: Path) -> None:
    """As far as 15 s before the window."""
    found = over_time(stored(tmp_path, -20_000, -1000, 500, 2001))
    assert (found.from_s, found.to_s, found.heat.sum()) == (-1.0, 2.0, 2.0)


def test_a_round_without_a_success_has_no_series(tmp_path: Path) -> None:
    """There is nothing to draw."""
    assert series.over_time(SLUG, 1, stored(tmp_path, 10, 20, errors=("refused", "refused"))) is None


def test_connections_and_cpus_are_those_of_the_files(tmp_path: Path) -> None:
    """CPU time between two readings is how many CPUs were in use; a counter that falls counts as 0."""
    place = stored(tmp_path, 10)
    (place / "pg_activity.csv").write_text("at_s,active,idle,idle_in_transaction,other\n-1,0,10,0,0\n1,2,6,2,0\n")
    (place / "resources.csv").write_text(
        "at_s,subject,cpu_s\n-1,service,1\n-1,load,5\n1,service,2\n1,load,\n3,service,5\n4,service,4\n4,others,9\n"
    )
    found = over_time(place)
    assert found.states_at_s == (-1.0, 1.0)
    assert found.states == {
        "active": (0.0, 2.0), "idle": (10.0, 6.0), "idle_in_transaction": (0.0, 2.0), "other": (0.0, 0.0),
    }  # fmt: skip
    assert found.cpu == {"service": ((1.0, 3.0, 4.0), (0.5, 1.5, 0.0))}


def test_rounds_are_those_in_which_the_cell_came_to_a_window(made_up_run: Path, tmp_path: Path) -> None:
    """In order; round 00 is for what is measured once before the others."""
    assert list(series.places(made_up_run, SLUG)) == [
        (number, made_up_run / "rounds" / f"{number:02d}" / SLUG) for number in (1, 2)
    ]
    for number in ("00", "03"):
        stored(tmp_path / "rounds" / number / SLUG, 10)
    (tmp_path / "rounds" / "02" / SLUG).mkdir(parents=True)
    assert [number for number, _ in series.places(tmp_path, SLUG)] == [3]


def test_a_timeline_is_read_back(made_up_run: Path, tmp_path: Path) -> None:
    """A span that has no end, or that never was, is None; there need not be a file, but a row that is cut is named."""
    place = made_up_run / "rounds" / "01" / SLUG
    assert series.timeline(place) == [
        TimelineRow(1, 0.0, 0.0, 0.1, 0.5, 1.0, ok=True),
        TimelineRow(1, 0.0, 0.0, 0.6, 0.9, 1.0, ok=True),
        TimelineRow(2, 0.0, 0.0, 0.5, None, 2.0, ok=False),
        TimelineRow(3, 0.0, 0.0, None, None, 2.0, ok=True),
    ]
    assert series.timeline(tmp_path) == []
    (tmp_path / "timeline.csv").write_text("request,intended_s\n1\n")
    with pytest.raises(ResultsError, match="line 2: 1 columns where the header has 2"):
        series.timeline(tmp_path)


def test_a_cell_that_took_turns_is_drawn_on_its_active_clock(tmp_path: Path) -> None:
    """As if it had never been frozen: 100 requests a second of 0.5 s, one CPU in use, and nothing over the gaps."""
    clock = Frozen()
    recording, kept = recorded(clock, 14.0, watched(clock.turns)), queue(clock, 14.0)
    kept.with_columns(status=pl.lit(200)).write_parquet(tmp_path / "samples.parquet")
    recordings.keep(recording, tmp_path)
    mine = cut.of(recording, kept, plan(8))
    measurements.keep(mine.window, evidence.of(recording, kept, CELL, plan(8), mine), tmp_path)
    (tmp_path / "resources.csv").write_text(resources_csv(recording.readings, (), mine.recorded))
    looked = [Activity(at_ns(at_s), {"active": 3}, {}, 0.0, 3, 0, 0) for at_s in (0.05, 3.85, 4.9)]
    (tmp_path / "pg_activity.csv").write_text(activity_csv(looked, mine.recorded))
    found = over_time(tmp_path)
    assert found.from_s == pytest.approx(-1.19)
    assert found.to_s == pytest.approx(8.7)
    inside = (found.at_s > 0) & (found.at_s < 8.5)
    assert found.rps[inside] == pytest.approx(100, rel=0.06)
    assert found.p50_ms[inside] == pytest.approx(500, rel=0.01)
    assert found.states_at_s == pytest.approx((-1.15, -0.05, 1.0))
    assert set(found.cpu) == {"service", "database", "load"}
    assert len(found.cpu["service"][0]) == 16  # two readings more in each of eight slices
    assert found.cpu["service"][1] == pytest.approx((0.9,) * 16, rel=0.01)


def test_axes_of_several_charts_have_room_for_all() -> None:
    """The highest value of any cell; what is not known, or never seen, has no say."""
    nothing = np.array([np.nan, 0.0])
    small = OverTime(
        "a", 1, 0.0, 8.0, nothing, np.array([10.0]), nothing, np.array([5.0]), np.zeros((1, 1)), (1.0, 9.0), (), {}, {}
    )
    large = replace(
        small, from_s=-2.0, rps=np.array([20.0]), heat_ms=(0.5, 7.0), heat=np.array([[30.0]]),
        states={"active": (2.0, 1.0), "idle": (1.0, 4.0)}, cpu={"service": ((1.0,), (0.8,))},
    )  # fmt: skip
    found = series.limits([small, large])
    assert (found.from_s, found.to_s, found.heat_ms, found.heat) == (-2.0, 8.0, (0.5, 9.0), 30.0)
    assert (found.rps, found.latency_ms, found.backends, found.cpus) == pytest.approx((21.0, 5.25, 5.25, 0.84))
    assert series.limits([small]).cpus == 1.0
