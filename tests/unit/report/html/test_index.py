"""The index of all runs."""

import re
from pathlib import Path

from bench.plan.matrix import AA
from bench.report.html import index
from tests.stored_run import HOSTILE
from tests.unit.report.outline import Outline

SAID = r"point_read: asyncpg_async, 1000 users, [\d,]+ requests/s \([\d,]+ to [\d,]+\)"


def test_the_index_lists_runs_newest_first_and_links_to_pages(made_up_run: Path, tmp_path: Path) -> None:
    """A run whose files cannot be read is listed, too; nothing in it is markup."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "status.json").write_text('{"state": "failed", "at": "2025-01-01T00:00:00"}')
    (broken / "plan.json").write_text("{")
    (tmp_path / "made-up").symlink_to(made_up_run)
    found = index.entries(tmp_path)
    assert [(one.name, one.state, one.link) for one in found] == [
        ("made-up", "partial", "made-up/report.html"),
        ("broken", "failed", ""),
    ]
    assert found[0].verdicts == "3 VALID, 1 INVALID"
    assert re.fullmatch(SAID, "; ".join(found[0].answers))
    shown = Outline(index.page(found))
    assert (shown.wrong, shown.of("img")) == ([], [])
    assert [one["href"] for one in shown.of("a")] == ["#plan-1", "#plan-2", found[0].link]
    assert [one["id"] for one in shown.of("section")] == ["plan-1", "plan-2"]
    assert HOSTILE in shown.text


COLUMNS = (
    "scenario,operation,service,parameters,arrival,users,throughput_rps,throughput_ci_low,throughput_ci_high,"
    "latency_p50_ms,latency_p99_ms,verdict\n"
)


def entry(folder: Path, *rows: str) -> index.Entry:
    """That of a run with these rows of `all`, and no_database as its landmark."""
    run = folder / "run"
    run.mkdir()
    (run / "plan.json").write_text('{"name": "p", "plan": {"rounds": {"once": ["no_database"]}}}')
    (run / "status.json").write_text('{"state": "finished"}')
    (run / "summary.csv").write_text(COLUMNS + "".join(f"point_read,all,{row},VALID\n" for row in rows))
    [found] = index.entries(folder)
    return found


def test_neither_a_landmark_nor_an_arm_is_the_best(tmp_path: Path) -> None:
    """However many requests it answered, and whatever its number of users."""
    found = entry(
        tmp_path,
        "no_database,threads=40,closed,1,5000,,,0.1,0.2",
        "asyncpg_async,threads=40;arm=A_A,closed,1,3000,,,1,2".replace("A_A", AA),
        "asyncpg_async,threads=40,closed,1,2000,1900,2100,1,2",
        "psycopg2_sync,threads=40,closed,1,1000,,,1,2",
    )
    assert found.answers == ("point_read: asyncpg_async, 1 user, 2,000 requests/s (1,900 to 2,100)",)


def test_an_open_load_without_a_known_latency_says_so(tmp_path: Path) -> None:
    """It has cells, but no answer."""
    found = entry(tmp_path, "asyncpg_async,threads=40,open,10,9,,,,")
    assert found.answers == ("point_read: too few requests for a median",)
