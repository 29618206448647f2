"""Numbers as text."""

import pytest

from bench.analysis import pairs
from bench.analysis.pairing.families import Family
from bench.plan.matrix import AA
from bench.report import formats
from tests.unit.analysis.test_pairs import FAST, SAME, SLOW, result


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.0, "0"),
        (0.12345, "0.123"),
        (5.0, "5"),
        (99.94, "99.9"),
        (99.96, "100"),
        (100.4, "100"),
        (1234.5, "1,234"),
        (-0.5, "-0.5"),
        (-1234.6, "-1,235"),
    ],
)
def test_a_figure_has_three_digits_and_all_before_the_point(value: float | None, text: str) -> None:
    """An unknown one is empty, and zero is not."""
    assert formats.figure_of(value) == text


def test_a_number_has_the_format_that_is_asked_for() -> None:
    """And is empty where it is unknown."""
    assert (formats.number(1234.56, ",.1f"), formats.number(0.5, ".0%"), formats.number(None, ".0%")) == (
        "1,234.6", "50%", "",
    )  # fmt: skip


def test_a_slug_leaves_its_scenario_out() -> None:
    """Only where it is a whole part of it."""
    assert formats.within("point_read", "asyncpg_async-point_read-users_10") == "asyncpg_async-users_10"
    assert formats.within("point_read", "asyncpg_async-point_reads") == "asyncpg_async-point_reads"


def test_what_a_columns_intervals_hold_for() -> None:
    """As many ratios as share the 5%, shown or not. The A/A arm's shares nothing, and one ratio alone has its 95%."""
    twin = result("psycopg2_sync", [101, 100, 100, 101, 101], arm=AA)
    invalid = result("asyncpg_async", [176, 175], verdict="INVALID")
    of_three = "95% CI of all 3 ratios of this column together"
    assert formats.confidence_of(pairs.compare([SLOW, FAST, SAME])) == of_three
    assert formats.confidence_of(pairs.compare([SLOW, invalid, SAME])) == of_three
    assert formats.confidence_of(pairs.compare([SLOW, FAST, SAME, twin])) == f"{of_three}; A/A alone"
    both = pairs.compare([SLOW, FAST, SAME], baseline="psycopg2_sync")
    with_it = [one for one in both if one.family is Family.BASELINE]
    said = "95% CI of all 2 ratios with psycopg2_sync in this column together"
    assert formats.confidence_of(with_it, "psycopg2_sync") == said
    assert formats.confidence_of(pairs.compare([SLOW, FAST])) == "95% CI"
    assert formats.confidence_of(pairs.compare([SLOW, FAST, twin])) == "95% CI"
