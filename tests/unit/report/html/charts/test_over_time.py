"""One cell in one round over time."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.report.html import series
from bench.report.html.charts import over_time
from bench.report.html.series import OverTime
from tests.unit.report.outline import Outline

SLUG = "asyncpg_async-users_10"


@pytest.fixture(scope="module")
def place(made_up_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of one cell's files in round 1."""
    return Path(shutil.copytree(made_up_run / "rounds" / "01" / SLUG, tmp_path_factory.mktemp("round") / SLUG))


@pytest.fixture(scope="module")
def found(place: Path) -> OverTime:
    made = series.over_time(SLUG, 1, place)
    assert made is not None
    return made


def test_all_rows_share_one_time_axis(found: OverTime) -> None:
    """The title names the cell and the round; each row has its heading, and only states that were seen are drawn."""
    chart = over_time.aligned(found, series.limits([found]))
    assert chart.title == f"Over time: {SLUG}, round 1"
    assert chart.description == (
        "Throughput, latency, backends, CPU on one time axis; the dashed line is where the window begins."
    )
    text = Outline(chart.svg).text
    assert [name for name in ("successes/s", "latency, ms", "backends", "CPUs in use") if name not in text] == []
    assert ("idle in transaction" in text, "other" in text) == (True, False)


def test_a_run_in_which_no_backend_was_seen_has_a_chart(found: OverTime, place: Path) -> None:
    """As one of targets or of no_database alone: PostgreSQL had no connection of theirs at any moment."""
    path = place / "pg_activity.csv"
    before = path.read_text()
    path.write_text(f"{before.splitlines()[0]}\n-1.0,0,0,0,0,0,0,0,\n1.0,0,0,0,0,0,0,0,\n")
    unseen = series.over_time(SLUG, 1, place)
    path.write_text(before)
    assert unseen is not None
    assert (unseen.states_at_s, set(unseen.states.values())) == ((-1.0, 1.0), {(0.0, 0.0)})
    assert over_time.aligned(unseen, series.limits([unseen])).description.startswith(
        "Throughput, latency, CPU on one time axis;"
    )
    empty = replace(found, states={}, states_at_s=(), cpu={})
    bare = over_time.aligned(empty, series.limits([empty]))
    assert bare.description.startswith("Throughput, latency on one time axis;")


def test_a_heat_map_counts_the_successes(found: OverTime) -> None:
    """With the range of their latencies; without a success there is no map."""
    counted = replace(found, heat=np.array([[2.0, 0.0], [0.0, 1000.0]]), heat_ms=(1.234, 98.76))
    chart = over_time.heat(counted, series.limits([counted]))
    assert chart is not None
    assert chart.title == f"Latency over time: {SLUG}, round 1"
    assert chart.description == "1,002 successes between 1.23 and 98.8 ms; more contrast is more."
    assert over_time.heat(replace(found, heat=np.zeros((2, 2))), series.limits([found])) is None
