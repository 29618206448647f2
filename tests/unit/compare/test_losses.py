"""What became worse between two runs without a ratio to show it."""

from dataclasses import replace

import numpy as np
import pytest

from bench.compare import losses
from bench.compare.cells import OperationFigures
from tests.unit.compare import document_of

RATES = (100.0, 101.0)


def cell(
    service: str, failures: int | None = 0, requests: int | None = 10_000, verdict: str = "VALID"
) -> OperationFigures:
    made = document_of.figures(service, RATES, RATES, verdict)
    return replace(made, failures=failures, requests=requests)


def said(old: list[OperationFigures], new: list[OperationFigures], limit: float = 0.0) -> list[str]:
    return losses.lines(losses.found(old, new, limit), lambda identity: identity[1])


@pytest.mark.parametrize(
    ("was", "is_now", "lines"),
    [
        ("VALID", "INVALID", ["became INVALID: x: VALID in the old run, INVALID in the new one"]),
        ("FLOOR", "INVALID", ["became INVALID: x: FLOOR in the old run, INVALID in the new one"]),
        ("INVALID", "INVALID", []),
        ("INVALID", "VALID", []),
        ("VALID", "FLOOR", []),
        ("VALID", "UNJUDGED", []),
        ("UNJUDGED", "UNJUDGED", []),
    ],
)
def test_a_cell_that_became_invalid_is_lost(was: str, is_now: str, lines: list[str]) -> None:
    """Its figures may not be compared any more; one that was INVALID before is no news."""
    assert said([cell("x", verdict=was)], [cell("x", verdict=is_now)]) == lines


def test_a_cell_that_the_new_run_does_not_have_is_lost() -> None:
    """One that only the new run has is not; operations of a cell are no cells."""
    old = [cell("x"), cell("y"), replace(cell("y"), operation="read_user")]
    assert said(old, [cell("x"), cell("z")]) == ["vanished: y: VALID in the old run, not in the new one"]


def test_failures_that_rose_are_named_with_their_counts() -> None:
    """From none to 0.09%, which is no INVALID cell yet, and which has no ratio."""
    assert said([cell("x", 0, 40_000)], [cell("x", 36, 40_000)]) == [
        "failures rose: x: 0 of 40,000 requests (0.000%) -> 36 of 40,000 requests (0.090%), p = 1e-11"
    ]
    assert said([cell("x", 36, 40_000)], [cell("x", 0, 40_000)]) == []
    assert said([cell("x", 36, 40_000)], [cell("x", 36, 40_000)]) == []


@pytest.mark.parametrize(
    ("old", "new", "chance"),
    [
        ((0, 10), (5, 10), 1 / 32),
        ((1, 100), (3, 100), 5 / 16),
        ((0, 30), (2, 10), 1 / 16),
        ((2, 10), (0, 10), 1.0),
        ((0, 10), (0, 10), 1.0),
    ],
)
def test_the_probability_is_the_binomials(old: tuple[int, int], new: tuple[int, int], chance: float) -> None:
    """Of n failures in all, k or more in the new run: as many heads of a coin that has its share of the requests."""
    assert losses.rise(old, new) == pytest.approx(chance)


def test_a_rise_within_the_limit_is_none() -> None:
    """Of many failures a small rise is certain, and within 5%; from none every rise is beyond any limit."""
    old, new = [cell("x", 100_000, 10**6)], [cell("x", 103_000, 10**6)]
    assert len(said(old, new)) == 1
    assert said(old, new, 0.05) == []
    assert losses.rise((0, 10), (2, 10), 1.0) == pytest.approx((2 / 3) ** 2)


def test_the_tests_of_all_cells_share_the_five_per_cent() -> None:
    """Five failures where there were none are 3.1%: enough for one cell, and not for one of two."""
    rising = ([cell("x")], [cell("x", 5)])
    assert len(said(*rising)) == 1
    assert said([*rising[0], cell("y")], [*rising[1], cell("y")]) == []
    unknown = [cell("y", None)], [cell("y")]
    assert len(said([*rising[0], *unknown[0]], [*rising[1], *unknown[1]])) == 1


def test_failures_under_another_load_or_of_invalid_cells_are_not_tested() -> None:
    """The load explains them, or the verdict names the cell."""
    old, new = cell("x"), cell("x", 500)
    assert said([replace(old, offered_rps=100.0)], [replace(new, offered_rps=110.0)]) == []
    assert len(said([replace(old, offered_rps=100.0)], [replace(new, offered_rps=101.0)])) == 1
    invalid = said([old], [replace(new, verdict="INVALID")])
    assert [line.partition(":")[0] for line in invalid] == ["became INVALID"]
    assert said([cell("x", 0, 0)], [new]) == []


@pytest.mark.parametrize("expected", [0.5, 5.0, 50.0])
def test_equal_rates_seldom_look_like_a_rise(expected: float) -> None:
    """Of 4,000 pairs of runs of four cells each that fail equally often, 5% and three standard errors at most."""
    chance = np.random.default_rng(1940)
    counts = chance.poisson(expected, (4000, 4, 2)).tolist()
    names = ("a", "b", "c", "d")
    plain = {name: cell(name) for name in names}
    alarms = 0
    for table in counts:
        old = [replace(plain[name], failures=pair[0]) for name, pair in zip(names, table, strict=True)]
        new = [replace(plain[name], failures=pair[1]) for name, pair in zip(names, table, strict=True)]
        alarms += bool(losses.found(old, new))
    assert alarms / len(counts) <= 0.06
