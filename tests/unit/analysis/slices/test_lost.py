"""What disturbances cost, in one line."""

from bench.analysis.slices import lost
from bench.analysis.slices.figures import LeftOut, Slice
from bench.analysis.slices.lost import Lost
from tests.unit.evidence_of import GOOD, evidence


def test_slices_and_rounds_are_added_up() -> None:
    """A round left out of a cell in slices has its disturbers by slice; of a single window, of all of it."""
    fine = tuple(Slice(number, number, 1.0, 9, 9, None) for number in range(1, 10))
    sliced = evidence(
        slices=fine, slices_left_out=(LeftOut(10, 9, "x", {"cc1 (pid 1)": 0.5}), LeftOut(11, 9, "y")), slices_planned=10
    )
    whole = evidence(machine={"others_s": {"cc1 (pid 2)": 2.0, "the hypervisor": 0.25}})
    assert lost.of([sliced, sliced], ()) == Lost((), 22, 4, 2, {"cc1": 1.0})
    assert lost.of([GOOD, whole, GOOD], (2,)) == Lost((2,), others_s={"cc1": 2.0, "the hypervisor": 0.25})
    assert lost.of([GOOD, whole], ()) == Lost()


def test_slices_that_are_shown_although_disturbed_are_counted_once() -> None:
    """Where all of a round's were."""
    shown = evidence(
        slices=(Slice(1, 1, 1.0, 9, 9, None),), slices_left_out=(LeftOut(1, 1, "the clock jumped"),), slices_planned=1
    )
    assert lost.of([shown], (1,)) == Lost((1,), 1, 1, 0)


def test_a_line_names_what_was_left_out_and_who_was_seen() -> None:
    """The two busiest, over all cells."""
    each = [
        ("a", Lost((3,), 50, 4, 3, {"cc1": 2.0, "ld": 0.5})),
        ("b", Lost((1, 2), 50, 0, 0, {"the hypervisor": 4.0, "cc1": 1.0})),
    ]
    assert lost.sentence(each) == (
        "disturbed and left out: 4 of 100 slices, 3 were measured again; 3 rounds (a round 3, b round 1, b round 2); "
        "seen in them: the hypervisor 4.00 s, cc1 3.00 s"
    )
    assert lost.sentence([("a", Lost((2,)))]) == "disturbed and left out: 1 round (a round 2)"
    assert lost.sentence([("a", Lost((), 10, 0, 0))]) == ""
