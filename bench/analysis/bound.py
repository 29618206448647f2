"""What limited a cell, from the samples and readings, with the evidence in a sentence. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.analysis.evidence import Evidence
from bench.analysis.recorded.machine import Machine
from bench.analysis.recorded.roles import DATABASE, LOAD, SERVICE, TARGET
from bench.plan.model import Thresholds
from suite.arrival import Arrival


class By(StrEnum):
    """What a cell can be bound by; empty where it is not known."""

    SERVICE_CPU = "service CPU"
    EVENT_LOOP = "event loop"
    THREADS = "threads"
    POOL = "pool"
    DATABASE = "database"
    LOAD = "load"
    OFFERED_RATE = "offered rate"
    UNKNOWN = ""


OF_THE_SERVICE = frozenset({By.SERVICE_CPU, By.EVENT_LOOP, By.THREADS, By.POOL, By.DATABASE})
"""Where a rate that was missed is the cell's result, and no fault of the load."""


@dataclass(frozen=True)
class Bound:
    """What a cell was bound by, and what shows that."""

    by: By
    evidence: str


UNKNOWN = Bound(By.UNKNOWN, "")


def of_measurement(seen: Evidence, limits: Thresholds) -> Bound:
    """The first that applies: what lies behind the service can only show once the service is not full."""
    if seen.machine is None or not seen.length_s or not seen.completed:
        return UNKNOWN
    found = (rule(seen, seen.machine, limits) for rule in (OF_A_TARGET if seen.foreign else IN_ORDER))
    return next((bound for bound in found if bound), UNKNOWN)


def of_cell(measurements: Sequence[Evidence], limits: Thresholds) -> Bound:
    """What most measurements were bound by, with the evidence of the first of these."""
    found = [bound for one in measurements if (bound := of_measurement(one, limits)).by]
    if not found:
        return UNKNOWN
    names = [bound.by for bound in found]
    return next(bound for bound in found if bound.by == max(names, key=names.count))


def offered_rate(seen: Evidence, machine: Machine, limits: Thresholds) -> Bound | None:
    """An open load whose requests were answered as they came."""
    if seen.offered_rps is None or seen.succeeded < seen.due - off_by(seen, limits):
        return None
    rate = f"{seen.succeeded / seen.length_s:,.0f} of {seen.offered_rps:,.0f} requests/s were answered as they came"
    return Bound(By.OFFERED_RATE, f"{rate}; {_idle(seen, machine)}")


def off_by(seen: Evidence, limits: Thresholds) -> float:
    """By how many arrivals the rate may be missed: a share, and what a Poisson process varies by (4 sigma)."""
    return limits.rate * seen.due + (4 * math.sqrt(seen.due) if seen.by_chance else 0.0)


def service_cpu(seen: Evidence, machine: Machine, limits: Thresholds) -> Bound | None:
    """The service's processes, one of its workers, or the CPUs that are theirs alone, were full."""
    alone = _alone(machine, limits) and DATABASE not in seen.placement.unplaced
    busy = [machine.cpu_busy[number] for number in seen.placement.service] if alone else []
    full = full_process(seen, machine, limits)
    if _used(seen, machine) <= limits.busy and not full and not (busy and min(busy) > limits.busy):
        return None
    where = f"its CPU was {min(busy):.0%} busy" if busy else f"{seen.workers} workers"
    return Bound(By.SERVICE_CPU, f"{_idle(seen, machine)}; {full or where}")


def event_loop(seen: Evidence, machine: Machine, limits: Thresholds) -> Bound | None:
    """Something blocked the event loop, though the service's CPU was not full. Known where a plan asks for its lag."""
    if seen.lag is None or seen.lag.blocked <= limits.held or any(one.is_disturbed(limits) for one in machine.groups):
        return None
    said = f"{seen.lag.blocked:.0%} of the timers that were due had to wait for the event loop"
    return Bound(By.EVENT_LOOP, f"{said}; {_idle(seen, machine)}")


def full_process(seen: Evidence, machine: Machine, limits: Thresholds) -> str:
    """What to say of the busiest of several workers, each of which can use one CPU; empty unless it was full.

    Requests are not shared out evenly: those that wait for a full worker wait, however idle the others are.
    """
    used = sorted(((used_s / seen.length_s, pid) for pid, used_s in machine.processes_s.items()), reverse=True)
    workers = used[: seen.workers]  # the process that started them uses next to nothing
    if seen.workers < 2 or not workers or workers[0][0] <= limits.busy:
        return ""
    others = ", ".join(f"{share:.0%}" for share, _ in workers[1:])
    return f"worker process {workers[0][1]} used {workers[0][0]:.0%} of a CPU, the others {others}"


def target_cpu(seen: Evidence, machine: Machine, limits: Thresholds) -> Bound | None:
    """The CPUs that the suite's services leave idle while a target is measured were full, with the target on them."""
    busy = [machine.cpu_busy[number] for number in seen.placement.service]
    if not is_seen(machine) or not busy or min(busy) <= limits.busy or not _alone(machine, limits):
        return None
    return Bound(By.SERVICE_CPU, f"the services' CPU was {min(busy):.0%} busy with it; {_idle(seen, machine)}")


def is_seen(machine: Machine) -> bool:
    """Whether a target's processes were: the suite started them, or they were seen on its port."""
    return not {SERVICE, TARGET}.isdisjoint(machine.cpu_s)


def load_is_full(seen: Evidence, machine: Machine, limits: Thresholds) -> bool:
    """Whether the CPUs that the load runs on were; unknown where it has no CPU to itself."""
    busy = [machine.cpu_busy[number] for number in seen.placement.load]
    return bool(busy) and min(busy) > limits.busy


def load_cpu(seen: Evidence, machine: Machine, limits: Thresholds) -> Bound | None:
    """The load's CPUs were full, perhaps with the database on them."""
    if full := full_worker(seen, limits):
        return Bound(By.LOAD, full)
    if not load_is_full(seen, machine, limits) or _disturbed(machine, seen.placement.load, limits):
        return None
    busy = [machine.cpu_busy[number] for number in seen.placement.load]
    load, database = (machine.cpu_s.get(role, 0.0) / seen.length_s for role in (LOAD, DATABASE))
    if machine.cpu_s.get(TARGET, 0.0) / seen.length_s > max(load, database):
        return None  # a target runs where it likes, there as well: what filled these CPUs is not known
    shared = seen.placement.load == seen.placement.database
    evidence = f"the load's CPU was {min(busy):.0%} busy: load {load:.0%}, database {database:.0%} of a CPU"
    if TARGET in machine.cpu_s:
        evidence += f", target {machine.cpu_s[TARGET] / seen.length_s:.0%}"
    return Bound(By.DATABASE if shared and database > load else By.LOAD, evidence)


def full_worker(seen: Evidence, limits: Thresholds) -> str:
    """What to say of the busiest of several load processes, each of which can use one CPU; empty unless it was full."""
    known = [(one.cpu_share, one.name) for one in seen.load_workers if one.cpu_share is not None]
    share, name = max(known, default=(0.0, ""))
    return f"load worker {name} used {share:.0%} of a CPU" if share > limits.busy else ""


def database_cpu(seen: Evidence, machine: Machine, limits: Thresholds) -> Bound | None:
    """The database's CPUs were full."""
    busy = [machine.cpu_busy[number] for number in seen.placement.database]
    judged = seen.foreign and seen.placement.database == seen.placement.load
    if not busy or min(busy) <= limits.busy or judged or DATABASE in seen.placement.unplaced:
        return None
    if _disturbed(machine, seen.placement.database, limits):
        return None
    return Bound(By.DATABASE, f"the database's CPUs were {min(busy):.0%} busy")


def pool(seen: Evidence, machine: Machine, limits: Thresholds) -> Bound | None:
    """All connections were in use."""
    if machine.pool is None or machine.pool <= limits.held:
        return None
    return Bound(By.POOL, f"{machine.pool:.0%} of the pool's connections were in use; {_idle(seen, machine)}")


def threads(seen: Evidence, machine: Machine, limits: Thresholds) -> Bound | None:
    """All threads were taken."""
    if machine.threads is None or machine.threads <= limits.held:
        return None
    return Bound(By.THREADS, f"{machine.threads:.0%} of the threads were busy; {_idle(seen, machine)}")


def too_few_users(seen: Evidence, machine: Machine, limits: Thresholds) -> Bound | None:
    """Nothing was full: more users would get more. Where others took a CPU, that is not known."""
    if seen.arrival == Arrival.OPEN or any(group.is_disturbed(limits) for group in machine.groups):
        return None
    users = f"nothing was full with {seen.users} users, each waiting for its answer"
    return Bound(By.LOAD, f"{users}; {_idle(seen, machine)}")


IN_ORDER: tuple[Callable[[Evidence, Machine, Thresholds], Bound | None], ...] = (
    offered_rate, service_cpu, event_loop, load_cpu, database_cpu, pool, threads, too_few_users,
)  # fmt: skip
# Without what only the suite's own services tell; that nothing was full is not known either.
OF_A_TARGET = (offered_rate, target_cpu, load_cpu, database_cpu)


def _alone(machine: Machine, limits: Thresholds) -> bool:
    """Whether hardly anything else ran where the service does: a CPU that others filled is not full with it."""
    foreign = next((group.foreign for group in machine.groups if group.is_services), machine.strangers)
    return foreign is not None and foreign <= limits.strangers


def _disturbed(machine: Machine, cpus: Sequence[int], limits: Thresholds) -> bool:
    """Whether others took these CPUs: that they were full says nothing of the role that they are for."""
    return any(group.is_disturbed(limits) for group in machine.groups if set(cpus) & set(group.cpus))


def _used(seen: Evidence, machine: Machine) -> float:
    """Of the CPU time that the service's workers can use: one CPU each, as far as there are CPUs for them."""
    capacity = min(seen.workers, len(seen.placement.service) or seen.workers)
    return machine.cpu_s.get(SERVICE, 0.0) / seen.length_s / capacity


def _idle(seen: Evidence, machine: Machine) -> str:
    if seen.foreign:
        if not is_seen(machine):
            return "what the target used is not known"
        used_s = machine.cpu_s.get(SERVICE, 0.0) + machine.cpu_s.get(TARGET, 0.0)
        return f"the target's processes used {used_s / seen.length_s:.0%} of a CPU"
    return f"the service used {_used(seen, machine):.0%} of the CPU time it can use"
