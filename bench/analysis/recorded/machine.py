"""What processes and CPUs did in a window, from the readings around it. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from bench.analysis.recorded import foreign
from bench.analysis.recorded.foreign import CpuGroup
from bench.analysis.recorded.gauges import Gauge
from bench.analysis.recorded.readings import Reading, grown
from bench.analysis.recorded.roles import SERVICE, STRANGERS, TARGET
from bench.analysis.recorded.windows import Window
from bench.plan.placement import Placement

BEYOND_NS = 600_000_000  # readings this close around a window still say something of it


@dataclass(frozen=True)
class Machine:
    """What processes and CPUs did in a window; None where it could not be seen.

    `cpu_s` and `rss_peak_mb` are by role, `cpu_busy` (a share) by CPU number, `processes_s` by pid of the service: what
    each that ran all the time used. `groups` has what else ran, by group of CPUs; `steal` and `strangers` are shares of
    all our CPUs. `enclosed`: groups around ours may have CPU limits that cannot be seen. `others_s` has the busiest of
    those that were foreign on their CPUs, by name, with the seconds that they were seen to use.
    """

    cpu_s: Mapping[str, float]
    rss_peak_mb: Mapping[str, float]
    cpu_busy: Mapping[int, float]
    steal: float
    strangers: float | None
    strangers_named: str
    throttled_s: float | None
    clock_jump_s: float
    suspended_s: float
    changed: tuple[str, ...]
    pool: float | None = None
    threads: float | None = None
    groups: tuple[CpuGroup, ...] = ()
    processes_s: Mapping[int, float] = field(default_factory=dict, hash=False)
    enclosed: bool = False
    others_s: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Stretch:
    """A stretch of time that counts, with the readings in it, and how much each of their figures grew (s)."""

    start_ns: int
    end_ns: int
    inside: Sequence[Reading]
    grew: Mapping[str, float]

    @property
    def length_s(self) -> float:
        """How long it is."""
        return (self.end_ns - self.start_ns) / 1e9


def of(readings: Sequence[Reading], gauges: Sequence[Gauge], window: Window, placed: Placement) -> Machine | None:
    """What readings say of the window; None when they do not reach over it."""
    found = stretch(readings, window.start_ns, window.end_ns)
    return of_stretches([found], gauges, placed) if found else None


def stretch(readings: Sequence[Reading], start_ns: int, end_ns: int) -> Stretch | None:
    """What readings say of a stretch of time; None when they do not reach over it."""
    if len(readings) < 2 or readings[0].at_ns > start_ns or readings[-1].at_ns < end_ns - BEYOND_NS:
        return None
    inside = between(readings, start_ns, end_ns)
    if len(inside) < 2:  # a short window: those around it are as good
        inside = between(readings, start_ns - BEYOND_NS, end_ns + BEYOND_NS)
    if len(inside) < 2 or not inside[0].cpus:
        return None
    grew = {name: max(0.0, figure) for name, figure in grown(readings, start_ns, end_ns).items()}
    return Stretch(start_ns, end_ns, inside, grew)


def of_stretches(stretches: Sequence[Stretch], gauges: Sequence[Gauge], placed: Placement) -> Machine:
    """What was seen in all of these, at least one, together. What happened between them does not count."""
    inside, grew = _together(stretches)
    first, last = inside[0], inside[-1]
    length_s = math.fsum(one.length_s for one in stretches)
    ours = sorted({*placed.service, *placed.load, *placed.database}) or sorted(first.cpus)
    roles = sorted({role for one in inside for role in one.roles})
    cpu_s = {role: grew[f"cpu {role}"] for role in roles if f"cpu {role}" in grew}
    capacity_s = length_s * len(ours)
    strangers_s = _strangers_s(grew, cpu_s, ours)
    shares = foreign.shares(placed, cpu_s, first.cpus)
    mine = [one for one in gauges if any(part.start_ns <= one.at_ns <= part.end_ns for part in stretches)]
    return Machine(
        cpu_s=cpu_s,
        rss_peak_mb={
            role: max(one.roles[role].rss_bytes for one in inside if role in one.roles) / 1e6 for role in roles
        },
        cpu_busy={number: grew[f"busy {number}"] / length_s for number in ours},
        steal=sum(grew[f"steal {number}"] for number in ours) / capacity_s,
        strangers=None if strangers_s is None else min(strangers_s / capacity_s, 1.0),
        strangers_named=foreign.busiest(foreign.strangers_s(inside), strangers_s or 0.0),
        throttled_s=_throttled_s(stretches),
        clock_jump_s=max(
            abs(_wall_gap_s(one) - _wall_gap_s(part.inside[0])) for part in stretches for one in part.inside
        ),
        suspended_s=math.fsum(_suspended_s(part.inside[0], part.inside[-1]) for part in stretches),
        changed=_changed(inside),
        pool=_mean([one.pool for one in mine]),
        threads=_mean([one.threads for one in mine]),
        groups=tuple(foreign.of(share, grew, inside, length_s) for share in shares),
        processes_s={pid: grew[f"process {pid}"] for pid in sorted(_lasting(first, last))},
        enclosed=last.enclosed,
        others_s=foreign.others_s(shares, grew, inside),
    )


def _together(stretches: Sequence[Stretch]) -> tuple[Sequence[Reading], Mapping[str, float]]:
    """All readings, and the sums of what each figure grew by: those of all CPUs go on between two stretches.

    What was not seen in one of them is unknown. The first reading of each has what strangers used before it.
    """
    if len(stretches) == 1:
        return stretches[0].inside, stretches[0].grew
    grew: dict[str, float] = {}
    for part in stretches:
        for name, figure in part.grew.items():
            grew[name] = grew.get(name, 0.0) + figure
    # Of the others: where a figure has no name yet, there was nothing to count.
    whole = {name for name in grew if name == STRANGERS or name.startswith("cpu ")}
    for name in whole - {name for name in grew if all(name in part.grew for part in stretches)}:
        del grew[name]
    inside: list[Reading] = []
    for part in stretches:
        inside += [replace(part.inside[0], strangers={}), *part.inside[1:]]
    return inside, grew


def readings_inside(readings: Sequence[Reading], window: Window) -> int | None:
    """How many readings lie in the window; None on a system whose CPUs cannot be read."""
    if not any(one.cpus for one in readings):
        return None
    return len(between(readings, window.start_ns, window.end_ns))


def between(readings: Sequence[Reading], start_ns: int, end_ns: int) -> list[Reading]:
    """The readings from one moment to another."""
    return [one for one in readings if start_ns <= one.at_ns <= end_ns]


def _wall_gap_s(reading: Reading) -> float:
    return (reading.wall_ns - reading.at_ns) / 1e9


def _suspended_s(first: Reading, last: Reading) -> float:
    return (last.boot_ns - first.boot_ns - (last.at_ns - first.at_ns)) / 1e9


def _throttled_s(stretches: Sequence[Stretch]) -> float | None:
    total_s = 0.0
    for part in stretches:
        before_s, after_s = part.inside[0].throttled_s, part.inside[-1].throttled_s
        if before_s is None or after_s is None:
            return None
        total_s += after_s - before_s
    return total_s


def _lasting(first: Reading, last: Reading) -> set[int]:
    """The service's processes that were there at both readings."""
    both = [one.roles[SERVICE].by_process.keys() for one in (first, last) if SERVICE in one.roles]
    return set(both[0] & both[1]) if len(both) == 2 else set()


def _strangers_s(grew: Mapping[str, float], cpu_s: Mapping[str, float], ours: Sequence[int]) -> float | None:
    """CPU seconds of others on our CPUs: what these worked, less what our processes and the kernel's threads did.

    It follows from the CPUs' own count. So it cannot be more than they have, and it counts those that cannot be seen:
    in other containers, or ended between two readings. All kernels count interrupts apart from a CPU's work, but many
    (those without CONFIG_IRQ_TIME_ACCOUNTING) leave them in the time of the process that was interrupted: ours then
    seem to have done up to 6% of two CPUs more than they did. So the rest without interrupts is the least that
    strangers used, and the rest with them the most. Between these, it is as much as they were seen to use.
    """
    if STRANGERS not in grew:
        return None
    kernel_s = sum(grew.get(f"kernel {number}", 0.0) for number in ours)
    least = sum(grew[f"working {number}"] for number in ours) - sum(cpu_s.values()) - kernel_s
    most = least + sum(grew[f"interrupts {number}"] for number in ours)
    return foreign.within(least, grew[STRANGERS], most)


def _changed(inside: Sequence[Reading]) -> tuple[str, ...]:
    """Processes of the service that came, went or were stopped. PostgreSQL's come and go with connections."""
    seen = [one.roles[role] for role in (SERVICE, TARGET) for one in inside if role in one.roles]
    sets = [used.processes for used in seen]
    gone = {pid for earlier, later in pairwise(sets) for pid, _ in earlier - later}
    came = {pid for earlier, later in pairwise(sets) for pid, _ in later - earlier}
    said = [f"process {pid} of the service ended" for pid in sorted(gone)]
    said += [f"process {pid} of the service was started" for pid in sorted(came)]
    stopped = {pid for used in seen for pid in used.stopped}
    said += [f"process {pid} of the service was stopped for a while" for pid in sorted(stopped)]
    killed = inside[-1].oom_kills - inside[0].oom_kills
    return (*said, *([f"meanwhile {for_memory(killed)}"] if said and killed > 0 else ()))


def for_memory(killed: int) -> str:
    """What the kernel's count says; it does not say which processes they were."""
    return f"the kernel killed {killed} process{'es' if killed > 1 else ''} for lack of memory"


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
