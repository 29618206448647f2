"""Layers over rounds, and between two cells."""

import pytest

from bench.analysis.intervals import arithmetic_interval
from bench.analysis.profiling import profile
from bench.analysis.profiling.layers import Layer
from bench.analysis.profiling.profile import WHOLE
from tests.unit.analysis.profiling.profile_of import DRIVER, FAILED, KERNEL, ORM, PYTHON, WITH_ORM, C, of_round


def test_layers_are_in_the_order_of_a_request_with_their_parts() -> None:
    """A layer is the sum of its parts, and all layers that of the whole request."""
    assert [one.layer for one in DRIVER.times] == [Layer(WHOLE), Layer("driver"), C, PYTHON, KERNEL]
    whole, driver, c, python, kernel = DRIVER.times
    assert whole.ms == pytest.approx(0.41)
    assert driver.ms == pytest.approx(c.ms + python.ms)
    assert sum(one.ms for one in DRIVER.layers) == pytest.approx(whole.ms)
    assert kernel.interval == pytest.approx(arithmetic_interval([0.1, 0.12]))
    assert kernel.share == pytest.approx(0.11 / 0.41)
    assert DRIVER.cost == pytest.approx(1.1)
    assert DRIVER.samples == 600
    assert sum(DRIVER.stacks_ms.values()) == pytest.approx(0.2)


def test_differences_are_paired_by_round_and_the_largest_is_first() -> None:
    """After that of whole requests. Four intervals hold together. A layer that one does not have is nothing there."""
    found = profile.differences(WITH_ORM, DRIVER)
    assert [one.layer for one in found] == [
        Layer(WHOLE),
        Layer("ORM / query builder"),
        KERNEL,
        Layer("driver"),
        C,
        PYTHON,
    ]
    assert [one.ms for one in found[:3]] == pytest.approx([0.355, 0.31, 0.045])
    assert found[2].interval == pytest.approx(
        arithmetic_interval([0.05, 0.04], 1 - 0.05 / 4)
    )  # four layers hold together
    alone = profile.of_cell("point_read", "x", {3: of_round(1, 1, 1)})
    assert alone is not None
    assert profile.differences(alone, DRIVER) == ()


def test_a_cell_without_layers_says_why() -> None:
    """One that no profiler looked at has no profile at all."""
    assert (FAILED.times, FAILED.problem) == ((), "not allowed")
    assert profile.of_cell("point_read", "x", {}) is None


def test_rows_have_every_layer_with_its_interval() -> None:
    """Layers without a part add up to the whole request."""
    rows = list(profile.rows([WITH_ORM, FAILED]))
    assert {tuple(one) for one in rows} == {profile.COLUMNS}
    wholes = [one["cpu_ms_per_request"] for one in rows if not one["part"] and one["layer"] != WHOLE]
    assert sum(wholes) == pytest.approx(rows[0]["cpu_ms_per_request"])
    assert [one["part"] for one in rows if one["layer"] == ORM.name] == ["", "loading"]
