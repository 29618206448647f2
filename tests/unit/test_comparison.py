"""Two summaries side by side."""

from pathlib import Path

import pytest

from bench import comparison, report, results
from bench.errors import ResultsError


def summary(path: Path, **figures: object) -> Path:
    row: dict[str, object] = {
        "run_id": "x", "scenario": "point_read", "operation": "all", "service": "asyncpg_async", "users": 1000,
        "throughput_rps": 100.0, "latency_p50_ms": 10.0, "latency_p99_ms": None, "failure_ratio": 0.0,
    }  # fmt: skip
    path.write_text(results.csv_text(report.SUMMARY, [row | figures]))
    return path


def test_ratios_are_new_over_old(tmp_path: Path) -> None:
    """What is unknown on either side, or zero before, has no ratio."""
    old = comparison.read_summary(summary(tmp_path / "a.csv"))
    new = comparison.read_summary(summary(tmp_path / "b.csv", throughput_rps=150.0, latency_p50_ms=5.0))
    ratios, only = comparison.compare(old, new)
    assert {one.metric: one.ratio for one in ratios} == {
        "throughput_rps": 1.5, "latency_p50_ms": 0.5, "latency_p99_ms": None, "failure_ratio": None,
    }  # fmt: skip
    assert only == []


def test_cells_of_one_run_only_are_named(tmp_path: Path) -> None:
    """A cell with another setting is another cell."""
    old = comparison.read_summary(summary(tmp_path / "a.csv"))
    new = comparison.read_summary(summary(tmp_path / "b.csv", users=100))
    ratios, only = comparison.compare(old, new)
    assert ratios == ()
    assert "only in the old run: asyncpg_async, point_read" in only[0]
    assert "users 1000" in only[0]
    assert "users 100)" in only[1]


def test_columns_are_read_by_name(tmp_path: Path) -> None:
    """A byte-order mark, CRLF, another order and additional columns do not matter."""
    path = summary(tmp_path / "a.csv")
    lines = [line.split(",")[::-1] for line in path.read_text().splitlines()]
    text = "\r\n".join(",".join([*line, "more"]) for line in lines)
    (tmp_path / "b.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    old, new = comparison.read_summary(path), comparison.read_summary(tmp_path / "b.csv")
    assert comparison.compare(old, new)[0][0].ratio == 1.0


def test_a_file_that_is_not_a_summary_is_named(tmp_path: Path) -> None:
    """With the missing column, or the line and the value."""
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ResultsError, match=r"a\.csv: no column scenario"):
        comparison.read_summary(tmp_path / "a.csv")
    path = summary(tmp_path / "b.csv", throughput_rps="fast")
    with pytest.raises(ResultsError, match=r"b\.csv, line 2: throughput_rps is 'fast'"):
        comparison.read_summary(path)
    text = path.read_text()
    path.write_text(text[: text.index("fast")])
    with pytest.raises(ResultsError, match="line 2"):
        comparison.read_summary(path)
