"""CPUs by role."""

import pytest

from bench.plan.placement import REMEDY, Placement, as_it_is, notes, place


@pytest.mark.parametrize(
    ("cpus", "workers", "expected"),
    [
        ((0,), 1, Placement()),
        ((), 1, Placement()),
        ((0, 1), 1, Placement((1,), (0,), (0,))),
        ((0, 1), 4, Placement((1,), (0,), (0,))),
        ((0, 1, 2), 1, Placement((2,), (0,), (1,))),
        ((0, 1, 2, 3), 1, Placement((3,), (0,), (1, 2))),
        ((0, 1, 2, 3), 2, Placement((2, 3), (0,), (1,))),
        ((4, 5, 6, 7), 8, Placement((6, 7), (4,), (5,))),
    ],
)
def test_the_service_is_apart_from_load_and_database(cpus: tuple[int, ...], workers: int, expected: Placement) -> None:
    """No CPU of the service's is anybody else's; with one CPU nothing is placed."""
    placed = place(cpus, workers)
    assert placed == expected
    assert not set(placed.service) & set(placed.load + placed.database)


@pytest.mark.parametrize(
    ("cpus", "load_workers", "expected"),
    [
        ((0, 1), 2, Placement((1,), (0,), (0,))),
        ((0, 1, 2, 3), 2, Placement((3,), (0, 1), (2,))),
        ((0, 1, 2, 3), 9, Placement((3,), (0, 1), (2,))),
        ((0, 1, 2, 3), 0, Placement((3,), (0,), (1, 2))),
    ],
)
def test_each_load_process_has_a_cpu_as_far_as_there_are(
    cpus: tuple[int, ...], load_workers: int, expected: Placement
) -> None:
    """One is left for the database; the master of workers elsewhere has one, too."""
    assert place(cpus, 1, load_workers) == expected


def test_a_placement_can_be_read() -> None:
    """As the terminal and environment.json show it."""
    assert str(Placement((2, 3), (0,), (1,))) == "service on CPU 2+3, load on CPU 0, database on CPU 1"
    assert str(Placement()) == "not placed"


PLACED = Placement((1,), (0,), (0,))


def test_what_was_not_allowed_is_recorded_and_said() -> None:
    """A database that runs anywhere, or that stays on its CPUs while it loads; nothing where all went well."""
    assert as_it_is(PLACED, database_placed=True, database_movable=True).as_dict() == {
        "service": (1,),
        "load": (0,),
        "database": (0,),
    }
    anywhere = as_it_is(PLACED, database_placed=False, database_movable=False)
    staying = as_it_is(PLACED, database_placed=True, database_movable=False)
    assert (anywhere.unplaced, staying.unplaced) == (("database",), ("database while it loads",))
    assert list(notes(PLACED)) == []
    [said] = map(str, notes(anywhere))
    assert said == f"PostgreSQL may not be placed on CPU 0: it runs beside the service; {REMEDY}"
    [said] = map(str, notes(staying))
    assert said == f"PostgreSQL may not be moved from CPU 0, so loading takes longer; {REMEDY}"
