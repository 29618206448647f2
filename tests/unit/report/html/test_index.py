"""The index of all runs."""

import re
from pathlib import Path

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
    assert (shown.wrong, shown.of("img"), [one["href"] for one in shown.of("a")]) == ([], [], [found[0].link])
    assert HOSTILE in shown.text
