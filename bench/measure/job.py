"""The job of a run: its cells, their order and their CPUs, all decided before the run starts."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.analysis import ceilings, rate
from bench.analysis.ceilings import Alone
from bench.analysis.precision import foreseen
from bench.measure import load
from bench.measure.resuming import Earlier
from bench.plan import placement, schedule, turns
from bench.plan.matrix import Cell
from bench.plan.matrix import cells as cells_of
from bench.plan.model import Plan
from bench.plan.placement import Placement
from bench.plan.turns import Heat
from bench.store import kept_scenarios
from db.ports import LOOPBACK
from suite.arrival import Arrival
from suite.catalogue import Scenario
from suite.trust import Trust

CELL_OVERHEAD_S = 2.0  # restoring the data, reading the samples
ROUND_OVERHEAD_S = 3.0  # stopping the services and starting them again


@dataclass(frozen=True)
class RunRequest:
    """The options of the command line. `earlier` is the run to resume; `force` resumes it in any environment.

    `all_pairs`: print the ratios of all pairs, too, where the plan has a baseline. `outside`: the plan's scenarios that
    are not of the tree, by name. `trust`: the certificates of --ca-file.
    """

    plan: Plan
    plan_path: Path
    name: str | None
    database_url: str | None
    bind_host: str = LOOPBACK  # where services and Locust's master listen for load workers
    earlier: Earlier | None = None
    force: bool = False
    all_pairs: bool = False
    outside: Mapping[str, Scenario] = field(default_factory=dict)
    trust: Trust = field(default_factory=Trust)

    @property
    def origins(self) -> Mapping[str, str]:
        """Where the file of each scenario from outside was when the run began."""
        return self.earlier.origins if self.earlier else {name: str(one.path) for name, one in self.outside.items()}

    @property
    def plan_name(self) -> str:
        """The name of the plan's file, without its extension."""
        return self.plan_path.stem if self.earlier is None else self.earlier.plan_name


@dataclass(frozen=True)
class Job:
    """The cells of a run, their order and their CPUs. `order` has a row for every round that may take place.

    `done` has the measurements of a resumed run, by round and slug.
    """

    request: RunRequest
    plan: Plan
    cells: tuple[Cell, ...]
    seed: int
    order: tuple[tuple[Cell, ...], ...]
    placed: Placement
    done: frozenset[tuple[int, str]] = field(default_factory=frozenset)

    @property
    def rounds(self) -> int:
        """How many rounds are planned at first: as many as the plan has, or as many as the resumed run had planned."""
        earlier = self.request.earlier
        return max(self.plan.rounds.count, len(earlier.order) if earlier else 0)

    @property
    def too_few(self) -> str:
        """In words, that the planned rounds cannot compare the cells; empty where they can, or a precision decides."""
        planned = self.plan.rounds
        return "" if planned.precision else foreseen.too_few(self.cells, self.rounds, planned.baseline)

    def missing(self, number: int) -> tuple[Cell, ...]:
        """The cells of a round (counted from 1) that still have to be measured, in order."""
        return tuple(cell for cell in self.order[number - 1] if (number, cell.slug) not in self.done)

    def as_dict(self, rounds: int) -> dict[str, Any]:
        """The content of plan.json when `rounds` rounds are planned."""
        origins = self.request.origins
        return {
            "name": self.request.plan_name,
            "plan": self.plan.model_dump(),
            **({kept_scenarios.IN_PLAN: dict(origins)} if origins else {}),
            "seed": self.seed,
            "cells": [cell.as_dict() for cell in self.cells],
            "order": [[cell.slug for cell in one_round] for one_round in self.order[:rounds]],
            "blocks": [list(self._blocks(number)) for number in range(1, rounds + 1)],
        }

    def _blocks(self, number: int) -> Iterator[list[list[str]]]:
        """The slugs of each block, for each heat of a round that nothing interrupts."""
        for place, heat in enumerate(self.heats(self.order[number - 1])):
            blocks = schedule.blocks(heat, self.plan.rounds.slices, self.seed_of(number, place))
            yield [[cell.slug for cell in block] for block in blocks]

    def heats(self, cells: Sequence[Cell]) -> list[Heat]:
        """Those of these cells of a round that take turns, together with whom they do."""
        return [heat for heat in turns.heats(cells, self.plan) if not turns.obstacle(heat[0], self.plan)]

    def seed_of(self, number: int, place: int) -> str:
        """What the order of a heat's blocks is drawn from."""
        return f"{self.seed}/{number}/{place}"

    def at_rate(self, rate_rps: float) -> "Job":
        """The same job with the rate of its open load."""
        return replace(self, plan=rate.opened(self.plan, rate_rps))

    def alone(self) -> list[Alone]:
        """The ceilings that pgbench measures, each once."""
        if not self.plan.rounds.ceilings or self.plan.load.arrival == Arrival.OPEN:
            return []  # an open load has a fixed rate; a ceiling says nothing about it
        return ceilings.wanted(self.cells)

    def cell_s(self, cell: Cell) -> float:
        """The expected duration of one measurement of a cell."""
        if not turns.obstacle(cell, self.plan):
            return turns.expected_s(self.plan)
        return load.expected_s(cell, self.plan.load) + CELL_OVERHEAD_S

    def expected_s(self, rounds: int) -> float:
        """The expected duration of all missing measurements with this many rounds."""
        left = [cells for number in range(1, rounds + 1) if (cells := self.missing(number))]
        return sum(map(self.round_s, left))

    def round_s(self, cells: Sequence[Cell]) -> float:
        """The expected duration of a round with these cells."""
        ramp_up_s = sum(max(load.ramp_up_s(cell, self.plan.load) for cell in heat) for heat in self.heats(cells))
        return ROUND_OVERHEAD_S + ramp_up_s + sum(map(self.cell_s, cells))


def decide(request: RunRequest) -> Job:
    """Draw the order of the cells. The seed comes from the resumed run or from the plan, otherwise it is drawn."""
    plan, earlier = request.plan, request.earlier
    cells, seed = cells_of(plan, request.outside), earlier.seed if earlier else plan.rounds.seed
    seed = secrets.randbelow(2**32) if seed is None else seed
    rounds = plan.rounds.most if plan.rounds.precision else plan.rounds.count
    workers = max(cell.setup.workers for cell in cells)
    placed = placement.place(placement.available_cpus(), workers, plan.load.workers_here)
    done = earlier.done if earlier else frozenset[tuple[int, str]]()
    return Job(request, plan, cells, seed, schedule.order(cells, rounds, seed), placed, done)
