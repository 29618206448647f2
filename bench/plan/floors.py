"""How long an answer must take at the least: a service cannot sleep, or wait for another one, in less. Pure."""

from collections.abc import Mapping

from bench.plan.matrix import Cell
from bench.plan.model import Matrix
from services.contract.operations import EXTERNAL_DELAY, OPERATIONS


def floors_s(cell: Cell, matrix: Matrix) -> Mapping[str, float]:
    """Seconds that no right answer is faster than, for each operation of a cell that has such a floor.

    A target's external API is not known: the shortest `external_delay_s` of the plan counts for it.
    """
    if (scenario := cell.described) is None:
        return {}
    chosen = {name: one.default for name, one in scenario.parameters.items()} | dict(cell.parameters)
    chosen[EXTERNAL_DELAY] = min(matrix.external_delay_s) if cell.setup.url else cell.setup.external_delay_s
    least = {name: OPERATIONS[name].least for name in scenario.operations if name in OPERATIONS}
    return {name: float(chosen[value]) for name, value in least.items() if value in chosen}
