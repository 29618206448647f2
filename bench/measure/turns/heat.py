"""A heat: cells take turns until each has had its slices. The users of all are connected from beginning to end.

Freezing needs no settling and no draining between slices: connections and queues stay as they are, and no user sends
while its service stands still. So nearly all of the time is measured.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial

import psycopg

from bench.analysis.measurement import Measurement
from bench.analysis.recorded.roles import IDLE, LOAD
from bench.analysis.slices.disturbed import disturbances
from bench.measure import database, load
from bench.measure.cell import Attempt, ProgressListener, concluded, roots
from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet
from bench.measure.load import InTurns
from bench.measure.turns.entrant import Done, Entrant
from bench.measure.watch.apart import kept_off
from bench.plan import placement, schedule, turns
from bench.plan.matrix import Cell
from bench.plan.model import Plan
from db import server as postgresql
from db.data import restore
from suite import waiting
from suite.errors import DatabaseError, LoadError, RestartedError, ServiceError
from suite.load_commands import END, WARM_UP

MORE = 0.5  # of its slices, so many may be repeated
SPARE_S = 15.0
SPAWN_TIMEOUT_S = 120.0


def measure(
    attempts: Sequence[Attempt], fleet: Fleet, server: Database, seed: str, listener: ProgressListener
) -> list[Measurement]:
    """Measure these cells, in new processes or those that run. Returns their measurements in the same order.

    What was recorded of a cell stays in its attempt's folder, even when the cell cannot count.
    """
    plan, in_turns = attempts[0].plan, InTurns(len(attempts), longest_s(attempts))
    cpus = placement.allowed_cpus()  # before this process keeps off some of them
    logs = {one.cell.setup: one.folder / "service.log" for one in attempts}
    restore.restore(server.dsn)
    started = postgresql.postmaster_start_time(server.dsn)
    entrants: list[Entrant] = []
    with _watching(server) as connection:
        try:
            listener.step("starting services and loads")
            fleet.have_in_turns(logs, lambda: entrants.extend(Entrant(one, fleet, in_turns) for one in attempts))
            with kept_off(attempts[0].placed.service):
                _Heat(entrants, fleet, plan, seed, listener).run(server, cpus, connection)
            database.check_not_restarted(server, started)
        except RestartedError as restarted:
            for one in entrants:
                one.problem = restarted
        finally:
            for one in entrants:
                one.close()
    return [concluded(one.attempt, fleet, one.recorded, listener) for one in entrants]


@contextmanager
def _watching(server: Database) -> Iterator[psycopg.Connection | None]:
    try:
        connection = postgresql.connect(server.dsn)
    except DatabaseError:  # then nothing is known of its connections
        yield None
        return
    with closing(connection):
        yield connection


class _Heat:
    def __init__(
        self, entrants: Sequence[Entrant], fleet: Fleet, plan: Plan, seed: str, listener: ProgressListener
    ) -> None:
        self._entrants, self._fleet, self._plan, self._seed = entrants, fleet, plan, seed
        self._listener, self._began = listener, time.monotonic()
        self._by_cell = {one.attempt.cell: one for one in entrants}

    def run(self, server: Database, cpus: Sequence[int], connection: psycopg.Connection | None) -> None:
        say, slices = self._listener.step, self._plan.rounds.slices
        say("connecting the users")
        self._connect()
        loads = [one.child.pid for one in self._entrants]
        for one in self._entrants:
            others = dict.fromkeys(loads, IDLE) | {one.child.pid: LOAD}
            one.observe(roots(one.attempt.cell, self._fleet, server) | others, cpus, connection)
            self._fleet.freeze(one.setup)
        slice_s, limits = self._plan.load.measure_s / slices, self._plan.load
        say("warming up")
        for one in self._entrants:
            self._until(one, WARM_UP, "measuring", limits.warm_up_most_s)
        say(f"{slices} slices of {slice_s:g} s of each cell, in turns")
        blocks = list(schedule.blocks(list(self._by_cell), slices, self._seed))
        middle = (len(blocks) + 1) // 2 if self._plan.rounds.profile else len(blocks)
        for block in blocks[:middle]:
            self._take_block(block, slice_s)
        if self._plan.rounds.profile:
            self._profile(blocks[0])
        for block in blocks[middle:]:
            self._take_block(block, slice_s)
        self._repeat(slice_s)
        say("waiting for the last answers")
        for one in self._entrants:
            self._until(one, END, "stopping", limits.drain_s)
        for one in self._entrants:
            one.leave()

    def _profile(self, block: Sequence[Cell]) -> None:
        """Halfway: the slices before and after it have the same machine as the profiler. None looks into a target."""
        seconds = self._plan.rounds.profile_s
        self._listener.step(f"{seconds} s of each cell with the profiler")
        for cell in block:
            one = self._by_cell[cell]
            if one.problem is None and not one.setup.url:
                self._safely(one, partial(one.profile, seconds, self._tick))

    def _connect(self) -> None:
        """Wait until the users of all loads are there."""

        def there() -> bool:
            for one in self._left():
                self._safely(one, one.check)
            self._tick()
            return all(one.said("connected") for one in self._left())

        if not waiting.until(there, SPAWN_TIMEOUT_S, 0.05):
            for one in self._left():
                if not one.said("connected"):
                    one.problem = LoadError(f"its users were not connected within {SPAWN_TIMEOUT_S:.0f} s")

    def _repeat(self, slice_s: float) -> None:
        """Repeat disturbed slices, within the budget."""
        wanted = self._plan.rounds.slices
        most = wanted + math.ceil(wanted * MORE)
        for number in range(wanted, most):
            found = {one: disturbances(one.so_far(), self._plan) for one in self._left()}
            missing = [one for one, said in found.items() if said.count("") < wanted and len(said) < most]
            if not missing:
                return
            if number == wanted:
                named = "; ".join(f"{one.attempt.cell.slug}: {next(filter(None, found[one]))}" for one in missing)
                self._listener.note(f"repeating disturbed slices ({named})")
            [block] = schedule.blocks([one.attempt.cell for one in missing], 1, f"{self._seed}/{number}")
            self._take_block(block, slice_s)

    def _take_block(self, block: Sequence[Cell], slice_s: float) -> None:
        for cell in block:
            self._turn(self._by_cell[cell], lambda elapsed_s: elapsed_s >= slice_s, counts=True)

    def _until(self, one: Entrant, command: str, mark: str, most_s: float) -> None:
        """Give a load a command, and let its service run until the load has written this mark."""

        def done(elapsed_s: float) -> bool:
            if elapsed_s > most_s + SPARE_S:
                raise LoadError(f"Locust did not follow `{command}` within {elapsed_s:.0f} s")
            return one.said(mark)

        self._turn(one, done, counts=False, command=command)

    def _turn(self, one: Entrant, done: Done, *, counts: bool, command: str = "") -> None:
        if one.problem is None:
            self._safely(one, lambda: one.turn(done, self._tick, counts=counts, command=command))

    def _safely(self, one: Entrant, do: Callable[[], object]) -> None:
        """The fault of one cell does not end the others' part."""
        try:
            do()
        except (LoadError, ServiceError) as error:
            one.problem = error

    def _left(self) -> list[Entrant]:
        return [one for one in self._entrants if one.problem is None]

    def _tick(self) -> None:
        self._listener.tick(time.monotonic() - self._began)


def longest_s(attempts: Sequence[Attempt]) -> float:
    """The time after which the loads of a heat end by themselves."""
    plan = attempts[0].plan
    more_s = plan.load.measure_s * MORE + load.waits_s(plan.load) + 2 * SPARE_S
    return (turns.expected_s(plan) + more_s) * len(attempts) + SPAWN_TIMEOUT_S
