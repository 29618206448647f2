"""Slices that were disturbed by what the service cannot cause. Each is judged by itself, whatever its result. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.analysis.recorded import machine
from bench.analysis.recorded.machine import Machine, Stretch
from bench.analysis.recorded.recording import Recording
from bench.analysis.rules import machine as rules
from bench.plan.model import Plan, Thresholds
from bench.plan.placement import Placement


@dataclass(frozen=True)
class WatchedSlice:
    """A slice on the clock of the recording, and what was seen of the machine in it; None where nothing was.

    `why` says in words what disturbed it; empty where nothing did. `unwatched` is as in the evidence.
    """

    start_ns: int
    end_ns: int
    placement: Placement
    stretch: Stretch | None = None
    machine: Machine | None = None
    unwatched: int | None = None
    why: str = ""
    others_s: Mapping[str, float] = field(default_factory=dict, hash=False)

    @property
    def length_s(self) -> float:
        """How long it is."""
        return (self.end_ns - self.start_ns) / 1e9


def disturbances(recording: Recording, plan: Plan) -> tuple[str, ...]:
    """What disturbed each slice, in the order of the turns that have one; empty where nothing did."""
    return tuple(one.why for one in watched(recording, plan.verdict))


def watched(recording: Recording, limits: Thresholds) -> tuple[WatchedSlice, ...]:
    """Every slice, judged by the rules that do not look at its result."""
    blind = not any(one.cpus for one in recording.readings)
    return tuple(
        _judged(recording, turn.start_ns, turn.end_ns, span, limits, blind=blind)
        for turn in recording.turns
        if (span := turn.span) is not None
    )


def _judged(
    recording: Recording, let_go_ns: int, frozen_ns: int, span: tuple[int, int], limits: Thresholds, *, blind: bool
) -> WatchedSlice:
    start_ns, end_ns = span
    mine = machine.between(recording.readings, let_go_ns, frozen_ns)
    stretch = machine.stretch(mine, start_ns, end_ns)
    seen = machine.of_stretches([stretch], (), recording.placement) if stretch else None
    unwatched = None if stretch or blind else len(machine.between(mine, start_ns, end_ns))
    one = WatchedSlice(start_ns, end_ns, recording.placement, stretch, seen, unwatched)
    why = "; ".join(reason for rule in rules.OUTSIDE if (reason := rule(one, limits)))
    return WatchedSlice(
        start_ns, end_ns, recording.placement, stretch, seen, unwatched, why, seen.others_s if seen and why else {}
    )
