"""What a comparison says, before any view of it."""

from dataclasses import replace

import pytest

from bench.analysis.pairs import Conclusion
from bench.compare import changes, documents, locust_csv
from bench.compare.changes import Change, SharedChange
from bench.compare.locust_csv import Ratio
from bench.compare.net import Factor
from tests.unit.compare.document_of import KEYS, figures


def test_a_regression_is_one_line() -> None:
    """With the limit that its whole interval lies beyond."""
    [one, *_] = changes.compare([figures("x", (100, 101), (1, 2))], [figures("x", (50, 50.5), (1, 2))])
    line = documents.regression(one, 0.05, "x")
    assert line == "regression: x: requests/s 0.500 (0.485 .. 0.515), all of it below 0.95"


def change(metric: str, conclusion: str, low: float | None = None, high: float | None = None) -> Change:
    return Change(
        ("point_read", "x", *KEYS), "all", metric, (3, 3), 1.0, 1.0, 2.0, low, high, Conclusion(conclusion), ""
    )


@pytest.mark.parametrize(
    ("metric", "conclusion", "tone"),
    [
        ("throughput_rps", "higher", documents.GOOD),
        ("throughput_rps", "lower", documents.BAD),
        ("latency_p99_ms", "higher", documents.BAD),
        ("latency_p99_ms", "lower", documents.GOOD),
        ("latency_p99_ms", "no difference shown", documents.DIM),
        ("throughput_rps", "not comparable", documents.DIM),
    ],
)
def test_the_tone_says_whether_a_change_is_for_the_better(metric: str, conclusion: str, tone: str) -> None:
    """More requests/s are better, and a longer latency is worse."""
    assert documents.tone(change(metric, conclusion)) == tone


@pytest.mark.parametrize(
    ("low", "high", "interval"),
    [
        (0.5, 2000.0, "0.500 .. over 1000"),
        (1.06, None, "at least 1.060"),
        (None, 0.9, "at most 0.900"),
        (None, None, ""),
    ],
)
def test_an_interval_may_have_one_end(low: float | None, high: float | None, interval: str) -> None:
    """The row has the cell, the metric, both figures, the ratio, the interval and the conclusion."""
    [row] = documents.of_runs(("old", "new"), [change("latency_p99_ms", "higher", low, high)]).rows
    assert row.cells == ("x", "p99 ms", "1", "1", "2.000", interval, "higher, worse")


def test_a_comparison_is_of_whole_cells_and_counts_its_conclusions() -> None:
    """Rows of one operation are in compare.csv; a section without a line is left out."""
    whole = [change("throughput_rps", "higher"), change("latency_p99_ms", "lower")]
    made = documents.of_runs(("old", "new"), [*whole, replace(whole[0], operation="read_user")])
    assert (len(made.rows), made.marks, made.sections) == (2, (), {})
    assert made.notes == (documents.WHAT_ROUNDS_MISS,)
    assert made.headline == "Of 2 figures: 0 worse, 2 better."


def test_what_is_worse_is_named_first() -> None:
    """Then what is better, each with its ratio and interval; what shows nothing is counted."""
    found = [
        change("throughput_rps", "higher", 1.9, 2.1),
        change("latency_p99_ms", "higher", 1.8, 2.2),
        change("latency_p50_ms", "no difference shown", 0.9, 2.2),
        change("failure_ratio", "not comparable"),
    ]
    made = documents.of_runs(("old", "new"), found, lost=["INVALID: y"])
    assert made.headline == "Of 4 figures: 1 worse, 1 better, 1 without a difference shown, 1 not comparable, 1 lost."
    assert [(row.cells, row.tone) for row in made.changed] == [
        (("worse: x, p99 ms 2.000 (1.800 .. 2.200)",), documents.BAD),
        (("better: x, requests/s 2.000 (1.900 .. 2.100)",), documents.GOOD),
    ]


def test_what_was_lost_comes_before_causes() -> None:
    """A cell without a ratio is no row, and must not be overlooked."""
    lost = ["vanished: y: VALID in the old run, not in the new one"]
    made = documents.of_runs(("old", "new"), [], lost=lost, alone=["only in the old run: y"], causes={"git": ["x"]})
    assert list(made.sections.items()) == [
        ("Worse, without a ratio", lost),
        ("Candidate causes", ["git: x"]),
        ("Not in both", ["only in the old run: y"]),
    ]


def test_figures_of_locust_are_shares_where_they_are_of_failures() -> None:
    """What a file does not have is empty; rows that only one file has are listed."""
    found = [Ratio("GET /x", locust_csv.FAILED, 0.0, 0.0125), Ratio("GET /x", "99%", 1234.5, None)]
    made = documents.of_files("a.csv", "b.csv", found, [Ratio("GET /y", locust_csv.ONLY_OLD, 3.0, None)])
    assert [row.cells for row in made.rows] == [
        ("GET /x", "failed", "0.00%", "1.25%", ""),
        ("GET /x", "99%", "1,234", "", ""),
    ]
    assert made.sections == {
        "What these files cannot tell": locust_csv.LIMITS,
        "Not in both": ["only in the old file: GET /y"],
    }


def test_of_many_names_those_that_changed_most_are_shown() -> None:
    """A line says how many more there are, and how to see them."""
    found = [Ratio(f"GET /{number}", metric, 1.0, 2.0) for number in range(20_000) for metric in ("Requests/s", "50%")]
    alone = [Ratio(f"PUT /{number}", locust_csv.ONLY_NEW, None, 1.0) for number in range(60)]
    made = documents.of_files("old run.csv", "b.csv", found, alone)
    assert len({row.cells[0] for row in made.rows}) == documents.MOST_NAMES == 50
    assert made.sections["Not shown"] == [
        "19,950 more names, which changed less. For all of them: bench compare 'old run.csv' b.csv --format csv"
    ]
    assert made.sections["Not in both"][48:] == [
        "only in the new file: PUT /48", "only in the new file: PUT /49", "and 10 more",
    ]  # fmt: skip
    assert "Not shown" not in documents.of_files("a.csv", "b.csv", found[:100], alone[:50]).sections


def test_a_net_change_has_a_column_and_its_interval() -> None:
    """A metric that a machine's speed does not move keeps the interval of its ratio."""
    one = change("throughput_rps", "lower", 0.98, 1.02)
    one = replace(one, shared_ratio=1.1, net_ratio=0.91, net_ci_low=0.89, net_ci_high=0.93)
    made = documents.of_runs(("old", "new"), [one, change("service_rss_peak_mb", "higher", 1.9, 2.1)])
    assert made.headings == documents.WITH_NET
    assert [row.cells[4:] for row in made.rows] == [
        ("2.000", "0.910", "0.890 .. 0.930", "lower, worse"),
        ("2.000", "", "1.900 .. 2.100", "higher, worse"),
    ]
    assert made.changed[0].cells == ("worse: x, requests/s 0.910 (0.890 .. 0.930) beside the others",)
    assert made.notes == (documents.WHAT_NET_IS,)


def test_what_all_cells_changed_by_is_said_once() -> None:
    """What is not shown is left out, and so are single operations."""
    shared = [
        SharedChange("all", "throughput_rps", 4, Factor(1.1, 1.05, 1.15)),
        SharedChange("all", "latency_p50_ms", 4, Factor(0.95, 0.9, 1.01)),
        SharedChange("all", "service_cpu_ms_per_request", 4, Factor(0.91, 0.89, 0.93)),
        SharedChange("read_user", "throughput_rps", 4, Factor(1.1, 1.05, 1.15)),
    ]
    made = documents.of_runs(("old", "new"), [], shared=shared)
    assert made.together.startswith(
        "All 4 cells changed together: requests/s 1.100 (1.050 .. 1.150), CPU ms per request 0.910 (0.890 .. 0.930)."
    )
    assert documents.of_runs(("old", "new"), [], shared=shared[1:2]).together == ""
    assert documents.regression_together(shared[2], 0.05).startswith(
        "regression: all 4 cells together: CPU ms per request 0.910 (0.890 .. 0.930), all of it above 1.05."
    )


def test_a_cell_that_is_not_compared_is_named_once_and_first() -> None:
    """With its verdict, and the run in which it has it."""
    one = replace(change("throughput_rps", "not comparable"), unranked="INVALID: new")
    other = replace(change("latency_p99_ms", "not comparable"), unranked="INVALID: new")
    made = documents.of_runs(("old", "new"), [one, other])
    assert made.unranked == ("not compared: x, INVALID: new",)
    assert list(made.cells) == ["x"]
