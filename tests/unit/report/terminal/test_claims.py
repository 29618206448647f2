"""The reasons of rulings in a terminal, and figures with an interval that may lack an end."""

from dataclasses import replace

import pytest

from bench.analysis.rulings import Finding, Ruling
from bench.report.terminal import claims
from tests.unit.report.terminal.lines_of import lines

ONE = Ruling(
    "one", "a paper", "in words", "throughput_rps", "at least 1", 2.0, 1.5, 2.5, Finding.UNDECIDED,
    "a / b; one round: an interval needs two",
)  # fmt: skip
OTHER = replace(ONE, id="other", metric="latency_p99_ms", why="c / d; one round: an interval needs two")


def notes(*found: Ruling) -> list[str]:
    """What is below the table."""
    said = lines(claims.table(found), width=110)
    return said[len(said) - said[::-1].index("") :]


def test_a_reason_that_all_rulings_share_is_said_once() -> None:
    """One that is alone, that differs or that was not tested has its own line."""
    assert notes(ONE, OTHER) == ["every claim: one round: an interval needs two"]
    assert notes(ONE) == ["one: throughput_rps, a / b; one round: an interval needs two"]
    decided = replace(OTHER, why="c / d")
    assert notes(ONE, decided) == [
        "one: throughput_rps, a / b; one round: an interval needs two",
        "other: latency_p99_ms, c / d",
    ]
    untested = replace(OTHER, measured=None, ci_low=None, ci_high=None, ruling=Finding.NOT_TESTED)
    assert len(notes(ONE, untested)) == 2


@pytest.mark.parametrize(
    ("measured", "low", "high", "shown"),
    [
        (1234.5, 1000.0, 1500.0, "1,234 (1,000 .. 1,500)"),
        (2.0, 1.5, None, "2 (1.5 .. )"),
        (2.0, None, None, "at least 1 2 undecided"),
        (None, None, None, "at least 1 undecided"),
    ],
)
def test_a_figure_has_its_interval_as_far_as_it_is_known(
    measured: float | None, low: float | None, high: float | None, shown: str
) -> None:
    """And is empty where nothing was measured."""
    found = lines(claims.table([replace(ONE, measured=measured, ci_low=low, ci_high=high)]), width=110)
    assert shown in " ".join(" ".join(found).split())
