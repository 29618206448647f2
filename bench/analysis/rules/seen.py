"""What the rules about the machine must know of a stretch of time: a measurement, or one slice of it. Pure."""

from typing import Protocol

from bench.analysis.recorded.machine import Machine
from bench.plan.placement import Placement


class Watched(Protocol):
    """A stretch of time in which the machine was watched; the fields are those of `Evidence`."""

    @property
    def machine(self) -> Machine | None:
        """What processes and CPUs did; None where it could not be seen."""

    @property
    def unwatched(self) -> int | None:
        """How many readings there were, where these were too few."""

    @property
    def placement(self) -> Placement:
        """Which CPUs are whose."""

    @property
    def length_s(self) -> float:
        """How long it is."""
