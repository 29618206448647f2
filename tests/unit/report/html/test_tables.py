"""The page's tables, as plain text."""

from dataclasses import replace
from pathlib import Path

from bench.report.html import tables
from bench.store import stored


def test_what_others_waited_meanwhile_has_a_table(made_up_run: Path) -> None:
    """Where it was asked."""
    results = stored.outcome(made_up_run).ordered()
    assert tables.pings(results) is None
    asked = replace(results[0].total, ping_p50_ms=1234.56, ping_max_ms=5000.0)
    table = tables.pings([replace(results[0], operations=(asked,)), *results[1:]])
    assert table is not None
    assert table.rows == ((results[0].cell.slug, "1,234.6", "5,000"),)
