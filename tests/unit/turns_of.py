"""A closed queue whose service is frozen from time to time, with what a recording has of it.

The queue is simulated on the service's own time, so that it is the same queue with turns and without them.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from bench.analysis.recorded.readings import Reading
from bench.analysis.recorded.recording import Recording
from bench.analysis.recorded.turns import Turn
from bench.analysis.recorded.windows import Mark
from bench.plan import matrix
from bench.plan.model import Load, Matrix, Plan, Rounds
from bench.plan.placement import Placement
from suite.activity import Activity
from tests.unit.readings_of import reading

SECOND_NS = 1_000_000_000
EPOCH_NS = 5_000_000 * SECOND_NS  # as large as a machine's clock may be
USERS, SERVE_S = 50, 0.01
PLACED = Placement(service=(1,), load=(0,), database=(0,))


def at_ns(at_s: float) -> int:
    """So many seconds after the first turn's beginning, on the clock of the recording."""
    return EPOCH_NS + round(at_s * SECOND_NS)


@dataclass
class Plain:
    """The clock of a service that is never frozen."""

    turns: tuple[Turn, ...] = ()

    def raw_s(self, active_s: float) -> float:
        """When the service had run for so long."""
        return active_s


@dataclass
class Frozen(Plain):
    """The clock of a service that runs for `on_s` and then is frozen for `off_s`, again and again.

    Every turn but the first and the last has a slice: all of it but `edge_s` at its beginning.
    """

    on_s: float = 1.1
    off_s: float = 2.7
    edge_s: float = 0.1
    count: int = 10
    turns: tuple[Turn, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Make the turns."""
        made = []
        for number in range(self.count):
            start_s = number * (self.on_s + self.off_s)
            start, end = at_ns(start_s), at_ns(start_s + self.on_s)
            inner = 0 < number < self.count - 1
            made.append(Turn(start, end, at_ns(start_s + self.edge_s) if inner else None, end if inner else None))
        self.turns = tuple(made)

    def raw_s(self, active_s: float) -> float:
        """When the service had run for so long. After its last turn it goes on."""
        turn = min(int(active_s / self.on_s), self.count - 1)
        return active_s + turn * self.off_s


def queue(clock: Plain, until_s: float, serve_s: float = SERVE_S, users: int = USERS) -> pl.DataFrame:
    """Samples of so many users, each sending as soon as it was answered, at a service that takes `serve_s` for each."""
    free_s, waiting = 0.0, [(number * 1e-4, number) for number in range(users)]
    heapq.heapify(waiting)
    rows = []
    while waiting:
        begun_s, user = heapq.heappop(waiting)
        free_s = max(free_s, begun_s) + serve_s
        start, end = at_ns(clock.raw_s(begun_s)), at_ns(clock.raw_s(free_s))
        rows.append((start, start, end - start, 110, "read_user", ""))
        if free_s < until_s:
            heapq.heappush(waiting, (free_s, user))
    schema = ("intended_ns", "start_ns", "service_time_ns", "body_bytes", "operation", "error")
    return pl.DataFrame(rows, schema=schema, orient="row", schema_overrides={"body_bytes": pl.UInt32})


def watched(turns: Sequence[Turn], **changes: dict[str, int]) -> tuple[Reading, ...]:
    """Readings at the ends and in the middle of every slice, of the machine of `readings_of`.

    The CPUs go on in the turns of others; the service and its load do not. `changes` by the number of the slice, from
    1, as `slice_3={...}`, hold at its end.
    """
    found, used_s, number = [], 0.0, 0
    for turn in turns:
        if turn.span is None:
            continue
        number += 1
        start_ns, end_ns = turn.span
        for place, moment_ns in enumerate((start_ns, (start_ns + end_ns) // 2, end_ns)):
            since_s = (moment_ns - EPOCH_NS) / SECOND_NS
            one = reading(since_s)
            own_s = used_s + (moment_ns - start_ns) / SECOND_NS
            roles = dict(one.roles) | {
                role: replace(one.roles[role], cpu_s=one.roles[role].cpu_s / (since_s + 50) * own_s)
                for role in ("service", "load", "database")
            }
            one = replace(
                one, at_ns=moment_ns, boot_ns=moment_ns, wall_ns=moment_ns, roles=roles, seen_on={}, ran_on={}
            )
            found.append(replace(one, **changes.get(f"slice_{number}", {})) if place == 2 else one)  # type: ignore[arg-type]
        used_s += (end_ns - start_ns) / SECOND_NS
    return tuple(found)


def recorded(
    clock: Plain, until_s: float, readings: Sequence[Reading] = (), activity: Sequence[Activity] = ()
) -> Recording:
    """The recording of a queue; without turns, its window begins with the first slice of `Frozen`."""
    measuring_s = clock.on_s if isinstance(clock, Frozen) else Frozen().on_s
    moments = {"spawned": 0.0, "measuring": measuring_s, "stopping": until_s}
    return Recording(
        marks=tuple(Mark(event, at_ns(clock.raw_s(active_s)), USERS) for event, active_s in moments.items()),
        readings=tuple(readings),
        gauges=(),
        activity=tuple(activity),
        pings=(),
        placement=PLACED,
        pooled=10,
        locust_requests=None,
        turns=clock.turns,
    )


def plan(slices: int, measure_s: float = 8.0) -> Plan:
    """A plan of one cell of so many slices."""
    return Plan(
        matrix=Matrix(scenarios=["point_read"], services=["asyncpg_async"], users=[USERS]),
        load=Load(warm_up_s=1.0, measure_s=measure_s),
        rounds=Rounds(count=1, slices=slices, ceilings=False),
    )


[CELL] = matrix.cells(plan(8))
