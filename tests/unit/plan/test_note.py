"""A note as text."""

from bench.plan.note import Kind, Note


def test_a_note_begins_with_its_subject() -> None:
    """One on the whole run has none."""
    assert str(Note("round 2", Kind.INVALID, "the clock jumped by 0.20 s", "clock_jumped")) == (
        "round 2: the clock jumped by 0.20 s"
    )
    assert str(Note("", Kind.LEFT_OUT, "left out: the claims a, b")) == "left out: the claims a, b"
