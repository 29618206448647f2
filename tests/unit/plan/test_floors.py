"""How long an answer must take at the least."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.plan import file, matrix
from bench.plan.floors import floors_s
from tests.unit.plan.plan_of import MINE, MINIMAL, written

SLEEP = MINIMAL.replace("point_read", "session_sleep")
SYNCHRONIZE = MINIMAL.replace("point_read", "synchronize")


@pytest.mark.parametrize(
    ("text", "floors"),
    [
        (MINIMAL, [{}]),
        (SLEEP, [{"session_sleep": 2.0}]),  # the scenario's own default
        (SLEEP + "[matrix.parameters]\nseconds = [0.5, 3]\n", [{"session_sleep": 0.5}, {"session_sleep": 3.0}]),
        (SYNCHRONIZE, [{"synchronize_note": 5.0}]),
        (SYNCHRONIZE + "external_delay_s = [1, 0]\n", [{"synchronize_note": 1.0}, {"synchronize_note": 0.0}]),
        (
            SYNCHRONIZE + "external_delay_s = [4, 3]\n" + MINE,  # whom the target calls is not known
            [{"synchronize_note": 4.0}, {"synchronize_note": 3.0}, {"synchronize_note": 3.0}],
        ),
        (SLEEP + MINE, [{"session_sleep": 2.0}, {"session_sleep": 2.0}]),
    ],
)
def test_an_operation_has_the_floor_of_its_cell(tmp_path: Path, text: str, floors: list[dict[str, float]]) -> None:
    """By the scenario's parameter, or by how long the external API takes."""
    plan = file.read(written(tmp_path, text), {})
    assert [floors_s(cell, plan.matrix) for cell in matrix.cells(plan)] == floors


def test_a_scenario_that_is_gone_has_none(tmp_path: Path) -> None:
    """A stored run stays readable."""
    plan = file.read(written(tmp_path, SLEEP), {})
    [cell] = matrix.cells(plan)
    assert floors_s(replace(cell, scenario="gone"), plan.matrix) == {}
