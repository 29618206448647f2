"""One cell that takes turns with others: its load, what observes it, and the turns that it has had."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import polars as pl
import psycopg

from bench.analysis.profiling import shares
from bench.analysis.recorded.profiled import Profiled
from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.roles import SERVICE
from bench.analysis.recorded.turns import Turn
from bench.measure import load
from bench.measure.cell import Attempt
from bench.measure.fleet.fleet import Fleet
from bench.measure.fleet.processes import Child, stop_all
from bench.measure.load import InTurns
from bench.measure.profiling import spy, stills
from bench.measure.profiling.spy import Spy, StacksSeen
from bench.measure.watch.loop_lag import LagReader
from bench.measure.watch.probe import Probe
from bench.measure.watch.resources import Sampler
from bench.store import locust_counts, recordings, samples, space
from db import activity
from suite.activity import Activity
from suite.errors import BenchError

POLL_EVERY_S = 0.02
WATCH_EVERY_S = 0.25
LEAVE_TIMEOUT_S = 20.0
Done = Callable[[float], bool]


class Entrant:
    """A cell in a heat. Its service is frozen outside of its turns, and then its users wait for their answers.

    `problem` is why it has no part in the heat any more.
    """

    def __init__(self, attempt: Attempt, fleet: Fleet, in_turns: InTurns) -> None:
        """Start its load, which connects all users as soon as the service is there."""
        attempt = replace(attempt, target=replace(attempt.target, url=fleet.url(attempt.cell.setup)))
        self.attempt, self._fleet = attempt, fleet
        cell, plan, target, folder = attempt.cell, attempt.plan, attempt.target, attempt.folder
        self.setup = cell.setup
        command = load.command(cell, plan.load, target, folder, in_turns)
        self.child: Child = load.start(command, folder, (), commanded=True)
        self._stream = folder / samples.SAMPLE_STREAM
        self._follower = samples.Follower(self._stream)
        # /metrics of a target may be anything.
        self._probe = None if self.setup.url else Probe(fleet.url(self.setup), self.setup.connections)
        self._sampler: Sampler | None = None
        self._lags: LagReader | None = None
        self._connection: psycopg.Connection | None = None
        self._activity: list[Activity] = []
        self.turns: list[Turn] = []
        self.problem: BenchError | None = None
        self._profiled: Profiled | None = None

    def observe(self, roots: Mapping[int, str], cpus: Sequence[int], connection: psycopg.Connection | None) -> None:
        """Begin to observe. `roots` has the role of each process that we started, as seen from this cell."""
        self.child.place(self.attempt.target.cpus)
        self._sampler, self._connection = Sampler(roots, cpus), connection
        self._lags = LagReader(self._fleet.lag_file(self.setup))
        if self._probe is not None:
            self._probe.__enter__()

    def said(self, event: str) -> bool:
        """Whether its load has written this mark."""
        return any(mark.event == event for mark in self._follower.look())

    def tell(self, command: str) -> None:
        """Give its load a command."""
        self.child.tell(command)

    def check(self) -> None:
        """Raise LoadError or ServiceError if its load or its service has ended, or the disk is full."""
        space.check_room()  # Locust would hang where it cannot write its samples
        self._fleet.check_alive(self.setup, f" in its turn {len(self.turns) + 1}")
        if self.child.exit_code() is not None and not self.said("ended"):
            raise load.ended(self.child)

    def turn(self, done: Done, tick: Callable[[], None], *, counts: bool, command: str = "") -> None:
        """Let the service run until `done`, which gets the seconds so far. `counts`: this time is a slice.

        Its load gets the command when the service runs: users who begin before that would all be served at once.
        What processes have used is read while the service stands still, before and after: nothing runs beside it.
        """
        self._watch(time.perf_counter_ns())
        if counts:
            self._sampled.look()
        start_ns = time.perf_counter_ns()
        self._fleet.thaw(self.setup)
        if command:
            self.tell(command)
        if counts:
            self._sampled.restamp(start_ns)
        try:
            watched_s = 0.0
            while not done(elapsed_s := (time.perf_counter_ns() - start_ns) / 1e9):
                if counts:
                    self._sampled.tick()
                if elapsed_s - watched_s > WATCH_EVERY_S:
                    watched_s = elapsed_s
                    self._watch(start_ns)
                self.check()
                tick()
                time.sleep(POLL_EVERY_S)
        finally:
            self._fleet.freeze(self.setup)
        frozen_ns = time.perf_counter_ns()
        if counts:
            self._sampled.look()
            self._sampled.restamp(frozen_ns)
        self.turns.append(Turn(start_ns, frozen_ns, start_ns, frozen_ns) if counts else Turn(start_ns, frozen_ns))
        self._watch(start_ns)

    def profile(self, seconds: int, tick: Callable[[], None]) -> None:
        """Let the service run with a profiler beside it for so long. What it uses meanwhile counts for nothing else.

        Where many samples with machine code could not be read, there is a second look without it.
        """
        pids = spy.processes(next(pid for pid, one in self._fleet.pids().items() if one == self.setup))
        before, threads = self._used(), spy.threads_s(pids)
        start_ns = time.perf_counter_ns()
        threaded = len(pids) == 1 and stills.many_threads(pids[0])
        seen = self._stills(pids[0], seconds) if threaded else self._look(pids, seconds, tick, native=True)
        end_ns, after = time.perf_counter_ns(), self._used()
        found = Profiled(
            start_ns, end_ns, seen.stacks, seen.lost, {}, after[0] - before[0], after[1] - before[1],
            spy.used_s(threads, spy.threads_s(pids)), seen.problem,
        )  # fmt: skip
        if shares.lost(found) >= shares.FEWEST_LOST and not threaded:
            second = self._look(pids, seconds, tick, native=False)
            found = replace(found, python_stacks=second.stacks, problem=seen.problem or second.problem)
        self._profiled = found

    def _stills(self, pid: int, seconds: int) -> StacksSeen:
        """Many short turns, with a look at the frozen threads after each."""
        started_ns = 0

        def thaw() -> None:
            nonlocal started_ns
            self.check()
            self._watch(time.perf_counter_ns())
            started_ns = time.perf_counter_ns()
            self._fleet.thaw(self.setup)

        def freeze() -> None:
            self._fleet.freeze(self.setup)
            self.turns.append(Turn(started_ns, time.perf_counter_ns()))
            self._watch(started_ns)

        return stills.look(pid, seconds, self.attempt.placed.service, thaw, freeze, self.attempt.folder)

    def _look(self, pids: Sequence[int], seconds: int, tick: Callable[[], None], *, native: bool) -> StacksSeen:
        folder, name = self.attempt.folder, "stacks.txt" if native else "python_stacks.txt"
        looking: list[Spy] = []

        def done(elapsed_s: float) -> bool:
            if not looking:
                looking.append(Spy(pids, seconds, self.attempt.placed.service, folder, name, native=native))
            return looking[0].has_ended() or elapsed_s > looking[0].longest_s

        try:
            self.turn(done, tick, counts=False)
        finally:
            stop_all([one.child for one in looking])
        return looking[0].look()

    def _used(self) -> tuple[float, float]:
        """What the service has used so far (s): all CPU time, and that of the kernel."""
        self._sampled.look()
        use = self._sampled.readings[-1].roles[SERVICE]
        return use.cpu_s, use.system_s or 0.0

    @property
    def _sampled(self) -> Sampler:
        assert self._sampler is not None  # noqa: S101  # `observe` comes before the first turn
        return self._sampler

    def _watch(self, turn_ns: int) -> None:
        """Read the connections. Those that have been idle since before the turn belong to frozen services."""
        if self._connection is not None:
            with suppress(psycopg.Error):  # the check of the server says more
                self._activity.append(activity.look(self._connection, idle_since_ns=turn_ns))

    def so_far(self) -> Recording:
        """What has been observed, without the marks of its load."""
        return Recording(
            marks=(),
            readings=tuple(self._sampler.readings) if self._sampler else (),
            gauges=tuple(self._probe.gauges) if self._probe else (),
            activity=tuple(self._activity),
            pings=(),
            placement=self.attempt.placed,
            pooled=self.setup.opened_at_start,
            locust_requests=None,
            verified_transactions=self.attempt.verified,
            turns=tuple(self.turns),
            profiled=self._profiled,
        )

    def recorded(self) -> tuple[Recording, pl.DataFrame]:
        """Everything, kept in the attempt's folder. Raises what ended its part in the heat."""
        folder = self.attempt.folder
        kept, marks = samples.keep(self._stream, folder / "samples.parquet")
        counted = locust_counts.counted(folder / "locust.json")
        lags = self._lags.until(self.turns[-1].end_ns) if self._lags is not None and self.turns else ()
        recording = replace(self.so_far(), marks=marks, locust_requests=counted, loop_lags=lags)
        recordings.keep(recording, folder)
        if self.problem is not None:
            raise self.problem
        if self.child.exit_code() != 0:
            raise load.ended(self.child)
        return recording, kept

    def leave(self) -> None:
        """Wait until its load has ended."""
        self.child.wait(LEAVE_TIMEOUT_S if self.problem is None else 0.0)

    def close(self) -> None:
        """End its load and its observers."""
        stop_all([self.child])
        if self._sampler is not None and self._probe is not None:
            self._probe.end()  # its service stands still, and answers nothing any more
