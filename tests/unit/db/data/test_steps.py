"""Steps that wait for one another, on sessions side by side."""

import threading

import pytest

from db.data import building, checksum, dataset
from db.data.steps import ReportShare, Step, Stopped, run

SESSIONS = ["a", "b"]


def nothing(_session: str) -> None:
    """Nothing to cancel."""


def silent(_step: str, _fraction: float) -> None:
    """Nobody is told."""


def test_a_step_begins_when_those_before_it_are_done() -> None:
    """However long they take; all are done in the end, each once."""
    order: list[str] = []

    def step(name: str, *after: str) -> Step[str]:
        return Step(name, 1.0, lambda _session, _told: order.append(name), after)

    run([step("last", "left", "right"), step("left", "first"), step("right", "first"), step("first")], SESSIONS,
        nothing, silent)  # fmt: skip
    assert sorted(order) == ["first", "last", "left", "right"]
    assert (order[0], order[-1]) == ("first", "last")


def test_steps_run_side_by_side_each_on_a_session_of_its_own() -> None:
    """Two that wait for each other would never end one after the other."""
    meeting, used = threading.Barrier(2), list[str]()

    def meet(session: str, _told: ReportShare) -> None:
        used.append(session)
        meeting.wait(5)

    run([Step("one", 1.0, meet), Step("two", 1.0, meet)], SESSIONS, nothing, silent)
    assert sorted(used) == SESSIONS


def test_progress_tells_what_runs_and_rises_to_the_end() -> None:
    """Weighted by cost, with the shares that a step tells of itself."""
    told: list[tuple[str, float]] = []

    def work(_session: str, tell: ReportShare) -> None:
        tell(0.5)

    run([Step("long", 3.0, work), Step("short", 1.0, work, ("long",))], SESSIONS, nothing,
        lambda step, fraction: told.append((step, fraction)))  # fmt: skip
    assert told == [("long", 0.0), ("long", 0.375), ("short", 0.75), ("short", 0.875)]


def test_a_failure_cancels_the_others_and_is_raised() -> None:
    """A step that was told to end does, none begins any more, and the first error is the one that is seen."""
    running, cancelled, begun = threading.Event(), threading.Event(), list[str]()

    def fail(_session: str, _told: ReportShare) -> None:
        running.wait(5)
        raise ValueError("no space")

    def endless(session: str, tell: ReportShare) -> None:
        begun.append(session)
        running.set()
        cancelled.wait(5)
        with pytest.raises(Stopped):
            tell(0.5)
        raise ConnectionError("cancelled")

    steps = [Step("fail", 1.0, fail), Step("endless", 1.0, endless), Step("next", 1.0, endless, ("fail",))]
    with pytest.raises(ValueError, match="no space"):
        run(steps, SESSIONS, lambda _: cancelled.set(), silent)
    assert cancelled.is_set()
    assert len(begun) == 1


def test_the_datasets_steps_wait_for_what_they_need() -> None:
    """Names are unique, each wait is for a step that is there; foreign keys are last of what changes a table."""
    steps = building.steps(dataset.size(1), [])
    names = [step.name for step in steps]
    assert len(set(names)) == len(names)
    done: set[str] = set()
    for step in steps:
        assert done.issuperset(step.after), step.name
        done.add(step.name)
    needs = {step.name: set(step.after) for step in steps}
    assert needs["checking order_items_order_id_fkey"] == {
        "making order_items_order_id_idx", "making order_items_product_id_idx",
        "making order_items_order_id_product_id_idx", "checking orders_user_id_fkey",
    }  # fmt: skip
    assert needs["checking orders_user_id_fkey"] == {
        *(f"filling {table}" for table in dataset.TABLES),
        "making orders_user_id_idx",
    }


def test_parts_of_the_checksum_cover_every_row_once() -> None:
    """Rows beyond the dataset are counted, too, but for users: cells create them."""
    size = dataset.size(0.001)
    [users] = checksum.parts(size, "users")
    assert users.upto == size.users
    parts = checksum.parts(size, "orders", 3)
    edges = [(part.above, part.upto) for part in parts]
    assert [low for low, _ in edges[1:]] == [high for _, high in edges[:-1]] == [1666, 3333]
    assert edges[0][0] < -(10**9)
    assert edges[-1][1] > 10**9


def test_the_checksum_does_not_depend_on_how_tables_are_cut() -> None:
    """Sums wrap at 64 bits, in any order."""
    whole = [checksum.Sum(table, 3, 5) for table in dataset.TABLES]
    cut = [*whole[1:], checksum.Sum("users", 1, 2**64 - 1), checksum.Sum("users", 2, 6)]
    assert checksum.combined(whole) == checksum.combined(cut)
