"""Each slice is judged by itself, by what the service cannot cause."""

from dataclasses import replace

import pytest

from bench.analysis.recorded.recording import Recording
from bench.analysis.slices import disturbed
from tests.unit.turns_of import Frozen, at_ns, plan, recorded, watched

CLOCK = Frozen()


def of(**changes: dict[str, int]) -> Recording:
    """A recording with changes at the ends of some slices."""
    return recorded(CLOCK, 14.0, watched(CLOCK.turns, **changes))


def test_an_undisturbed_recording_has_an_empty_word_for_each_slice() -> None:
    """In the order of the turns, those without a slice left out."""
    assert disturbed.disturbances(of(), plan(8)) == ("",) * 8


def test_only_the_slice_in_which_it_happened_is_disturbed() -> None:
    """A jump of the clock or a suspension between two slices is not the service's time."""
    found = disturbed.disturbances(of(slice_2={"wall_ns": at_ns(50)}, slice_7={"boot_ns": at_ns(99)}), plan(8))
    assert [bool(one) for one in found] == [False, True, False, False, False, False, True, False]
    assert "the clock jumped" in found[1]
    assert "was suspended" in found[6]


def test_strangers_are_those_of_the_slice() -> None:
    """A stranger that uses all of our CPUs in the turns of others, and a fifth of one in slice 4."""
    recording, readings = of(), []
    slices = [one.span for one in CLOCK.turns if one.span]
    for one in recording.readings:
        gone_s = sum(span[0] <= one.at_ns for span in slices) * 2.5  # it ran in all gaps so far
        mine = slices[3]
        inside_s = 0.2 * max(0, min(one.at_ns, mine[1]) - mine[0]) / 1e9
        cpus = dict(one.cpus)
        cpus[1] = replace(cpus[1], working_s=cpus[1].working_s + gone_s + inside_s)
        named = {"cc1 (pid 99)": 2.5 if one.at_ns in dict(slices) else 0.0}
        if mine[0] < one.at_ns <= mine[1]:
            named["cc1 (pid 99)"] = 0.1
        strangers_s = (one.strangers_s or 0.0) + gone_s + inside_s
        seen_on = {"strangers": {1: gone_s + inside_s, 0: 0.0}}
        readings.append(replace(one, cpus=cpus, strangers=named, strangers_s=strangers_s, seen_on=seen_on))
    every = disturbed.watched(replace(recording, readings=tuple(readings)), plan(8).verdict)
    assert [bool(one.why) for one in every] == [number == 3 for number in range(8)]
    assert "other processes used" in every[3].why
    assert "cc1 (pid 99) 0.20 s" in every[3].why
    assert every[3].others_s["cc1 (pid 99)"] == pytest.approx(0.2)
    assert every[2].others_s == {}


def test_a_slice_that_was_not_watched_is_disturbed() -> None:
    """Its readings are missing; where nothing can ever be read, nothing is disturbed."""
    recording = of()
    [gone] = [one.span for one in CLOCK.turns if one.span][4:5]
    kept = tuple(one for one in recording.readings if not gone[0] <= one.at_ns < gone[1])
    found = disturbed.watched(replace(recording, readings=kept), plan(8).verdict)
    assert ["do not cover" in one.why for one in found] == [number == 4 for number in range(8)]
    assert found[4].unwatched == 1
    assert found[4].length_s == pytest.approx(1.0)
    blind = tuple(replace(one, cpus={}) for one in recording.readings)
    assert disturbed.disturbances(replace(recording, readings=blind), plan(8)) == ("",) * 8
    assert disturbed.disturbances(replace(recording, readings=()), plan(8)) == ("",) * 8
