"""Rules about slices: half of those planned must be left."""

from typing import Any

from bench.analysis.rules.slices import summed, who
from bench.analysis.slices.figures import LeftOut, Slice
from tests.unit.analysis.rules.speaks import assert_speaks
from tests.unit.evidence_of import evidence


def sliced(left: int, of: int) -> dict[str, Any]:
    """So many slices that were not disturbed, of those that the plan has."""
    return {
        "slices": tuple(Slice(number, number, 1.0, 100, 100, 0.9) for number in range(left)),
        "slices_left_out": tuple(
            LeftOut(number, number, "other processes", {"cc1 (pid 7)": 0.25, "the hypervisor": 0.125})
            for number in range(left, of)
        ),
        "slices_planned": of,
    }


def test_fewer_than_half_of_the_slices_are_too_few() -> None:
    """The reason names who disturbed the others, with their seconds in all of them."""
    bad, good = evidence(**sliced(4, 10)), evidence(**sliced(5, 10))
    assert_speaks(bad, good, "4 of 10 slices were not disturbed, fewer than half: cc1 1.50 s, the hypervisor 0.75 s")


def test_without_names_the_reason_of_the_first_is_given() -> None:
    """A clock that jumped names no process."""
    facts = sliced(0, 10) | {"slices_left_out": (LeftOut(1, 1, "the clock jumped by 3.00 s"),)}
    assert_speaks(evidence(**facts), evidence(**sliced(10, 10)), "fewer than half: the clock jumped by 3.00 s")


def test_programs_are_added_up_over_their_processes() -> None:
    """A compiler starts a process for each file."""
    assert summed([{"cc1 (pid 7)": 0.5}, {"cc1 (pid 8)": 0.25, "others": 1.0}]) == {"cc1": 0.75, "others": 1.0}
    assert who([]) == ""
