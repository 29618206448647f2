"""Which cells take turns with which: those of one load whose services can be stopped between two slices."""

from itertools import combinations
from typing import Any

import pytest

from bench.plan import matrix, turns
from bench.plan.model import Load, Matrix, Plan, Rounds, Target

SERVICES = ["psycopg2_sync", "asyncpg_async", "databases_async", "sqlalchemy_async"]


def planned(load: Load | None = None, slices: int = 10, *, aa: bool = False, **axes: Any) -> Plan:
    axes = {"scenarios": ["point_read"], "services": SERVICES} | axes
    return Plan(matrix=Matrix(**axes), load=load or Load(), rounds=Rounds(slices=slices, aa=aa))


def slugs(plan: Plan) -> list[list[str]]:
    return [[cell.slug for cell in heat] for heat in turns.heats(matrix.cells(plan), plan)]


def test_services_under_the_same_load_take_turns() -> None:
    """An A/A arm, too: it has processes of its own."""
    assert slugs(planned(aa=True)) == [[*SERVICES, "psycopg2_sync-aa"]]


def test_each_load_has_its_own_heat() -> None:
    """Cells with other users or another scenario have other loads on the same processes."""
    made = slugs(planned(scenarios=["point_read", "list_page"], users=[10, 100]))
    assert [len(heat) for heat in made] == [4] * 4
    assert {slug.partition("-")[2] for slug in made[0]} == {"point_read-users_10"}


def test_a_heat_has_as_many_cells_as_a_machine_can_hold() -> None:
    """Of processes and of connections; every cell is in one heat, in its order."""
    many = planned(pool_size=[1, 2, 3, 5])
    made = slugs(many)
    assert [len(heat) for heat in made] == [turns.MOST_CELLS] * 2
    assert [slug for heat in made for slug in heat] == [cell.slug for cell in matrix.cells(many)]
    wide = planned(pool_size=[10, 50, 100])
    for heat in turns.heats(matrix.cells(wide), wide):
        assert turns.connections(heat) <= turns.MOST_CONNECTIONS
        assert all(one.setup != other.setup for one, other in combinations(heat, 2))


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (planned(slices=1), "the plan has no slices (rounds.slices)"),
        (planned(Load(arrival="open", rate=10.0)), "arrivals of the open model do not wait"),  # type: ignore[arg-type]
        (planned(Load(ping=True)), "pings do not wait"),
        (planned(Load(workers=2)), "a load of several processes cannot be paused"),
        (planned(pool_timeout_s=[2.0]), "a pool's short time-out does not wait"),
        (planned(database_rtt_ms=[1.0]), "a network's delay does not wait"),
        (planned(pooler=["transaction"]), "a stopped service would keep its pooler's connections"),
        (planned(scenarios=["crud"]), "create_user writes, and a stopped service would keep its locks"),
        (planned(scenarios=["session_sleep"]), "the delay of session_sleep does not wait"),
    ],
)
def test_what_goes_on_without_its_service_is_measured_in_one_window(plan: Plan, why: str) -> None:
    """And it is said, but not of a plan that asks for no slices."""
    cells = matrix.cells(plan)
    assert {turns.obstacle(cell, plan) for cell in cells} == {why}
    assert slugs(plan) == [[cell.slug] for cell in cells]
    said = list(turns.alone(cells, plan))
    assert said == (
        [] if plan.rounds.slices == 1 else [f"in one window a round, not in slices: {', '.join(SERVICES)} ({why})"]
    )


def test_settings_for_a_pooler_take_turns_with_none() -> None:
    """Such a plan is refused behind a pooler, so no connection of one can be kept."""
    plan = planned(pooler=["none", "transaction"])
    assert {turns.obstacle(cell, plan) for cell in matrix.cells(plan)} == {""}


def test_a_target_is_measured_in_one_window() -> None:
    """Beside cells that take turns."""
    plan = planned().model_copy(update={"targets": [Target(name="mine", url="http://127.0.0.1:9000")]})
    assert slugs(plan) == [SERVICES, ["mine"]]
    assert list(turns.alone(matrix.cells(plan), plan)) == [
        "in one window a round, not in slices: mine (a target is not the suite's to stop)"
    ]


def test_a_target_that_the_suite_starts_takes_turns_with_services() -> None:
    """It is the suite's to stop. Two arms of one have the same port, and are not up together."""
    mine = Target(name="mine", url="http://127.0.0.1:9000", command="uvicorn mine:app --port 9000")
    plan = planned().model_copy(update={"targets": [mine]})
    assert slugs(plan) == [[*SERVICES, "mine"]]
    assert list(turns.alone(matrix.cells(plan), plan)) == []
    alone = planned(aa=True, services=[]).model_copy(update={"targets": [mine]})
    assert slugs(alone) == [["mine"], ["mine-aa"]]
