"""Readings of a window of ten seconds in which everything went on evenly."""

from dataclasses import dataclass, replace

from bench.analysis.recorded.counters import Cpu
from bench.analysis.recorded.readings import Reading, Use
from bench.analysis.recorded.windows import Window
from bench.plan.placement import Placement

SECOND_NS = 1_000_000_000
WINDOW = Window(100 * SECOND_NS, 110 * SECOND_NS, 3)


def reading(at_s: float, **changes: object) -> Reading:
    """At so many seconds from the window's start: service 0.9 CPUs, database 0.3, load 0.2, a stranger 0.05."""
    since_s = at_s + 50
    made = Reading(
        at_ns=WINDOW.start_ns + round(at_s * SECOND_NS),
        roles={
            "service": Use(0.9 * since_s, 80_000_000, frozenset({(7, 1.0), (8, 1.5)})),
            "database": Use(0.3 * since_s, 100_000_000, frozenset({(9, 1.0)})),
            "load": Use(0.2 * since_s, 90_000_000, frozenset({(10, 1.0)})),
        },
        strangers={"cron (pid 3)": 0.02},
        strangers_s=0.05 * since_s,
        kernel={0: 0.01 * since_s, 1: 0.02 * since_s, 2: 5.0 * since_s},
        cpus={0: Cpu(0.56 * since_s, 0.1 * since_s, 0.01 * since_s), 1: Cpu(0.9 * since_s, 0.05 * since_s, 0.0)},
        wall_ns=1_700_000_000 * SECOND_NS + round(at_s * SECOND_NS),
        boot_ns=WINDOW.start_ns + round(at_s * SECOND_NS),
        throttled_s=0.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # by name


READINGS = [reading(at_s) for at_s in (-0.3, 0.2, 3.0, 6.0, 9.9, 10.4)]


@dataclass(frozen=True)
class Disturber:
    """Somebody who takes a share of one CPU: a role, `strangers`, or the hypervisor. `seen`: as a process, too."""

    who: str
    share: float
    cpu: int
    seen: bool = True


def simulated(
    placed: Placement, workers: int, *disturbers: Disturber, charged: float = 0.03, cpus: int = 0
) -> list[Reading]:
    """A reading every two seconds of so many CPUs of which each role keeps to its own; each worker would use 0.85.

    Interrupts take 3% of each of the service's CPUs, and `charged` of that is in the time of the service, too, as
    where a kernel leaves them in the time of the interrupted process. Where disturbers leave less, the workers have
    less.
    """
    all_cpus = range(cpus or max((*placed.service, *placed.load, *placed.database)) + 1)
    lost = {number: sum(one.share for one in disturbers if one.cpu == number) for number in all_cpus}
    worked = dict.fromkeys(all_cpus, 0.0)
    for number in placed.service:
        worked[number] = min(0.85 * workers / len(placed.service), 0.97 - lost[number])
    by_process = {70 + place: sum(worked.values()) / workers for place in range(workers)}
    rates = {
        "service": sum(worked.values()) + charged * len(placed.service),
        "load": 0.3 * len(placed.load),
        "database": 0.2 * len(placed.database),
        "harness": 0.02,
        "others": 0.0,
    }
    for number in placed.load:
        worked[number] += 0.3 + 0.02 / len(placed.load)
    for number in placed.database:
        worked[number] += 0.2
    steal, strangers = dict.fromkeys(all_cpus, 0.0), dict[str, float]()
    seen_on = {who: dict.fromkeys(all_cpus, 0.0) for who in ("strangers", "others", "harness")}
    for one in disturbers:
        if one.who == "hypervisor":
            steal[one.cpu] += one.share
            continue
        worked[one.cpu] += one.share
        if one.who != "strangers":
            rates[one.who] += one.share
        if one.who == "strangers" and one.seen:
            strangers[f"cron (pid {one.cpu + 1000})"] = one.share
        if one.seen:
            seen_on[one.who][one.cpu] += one.share
    return [
        Reading(
            at_ns=WINDOW.start_ns + round(at_s * SECOND_NS),
            roles={
                role: Use(
                    rate * at_s,
                    1,
                    frozenset(),
                    by_process={pid: used * at_s for pid, used in by_process.items()} if role == "service" else {},
                )
                for role, rate in rates.items()
            },
            strangers={name: share * 2 for name, share in strangers.items()},
            strangers_s=sum(strangers.values()) * at_s,
            kernel=dict.fromkeys(all_cpus, 0.001 * at_s),
            cpus={
                number: Cpu(
                    (worked[number] + 0.001) * at_s,
                    (0.03 if number in placed.service else 0.0) * at_s,
                    steal[number] * at_s,
                )
                for number in all_cpus
            },
            wall_ns=WINDOW.start_ns + round(at_s * SECOND_NS),
            boot_ns=WINDOW.start_ns + round(at_s * SECOND_NS),
            throttled_s=0.0,
            ran_on={name: int(name.rpartition(" ")[2].rstrip(")")) - 1000 for name in strangers},
            seen_on={who: {number: rate * at_s for number, rate in on.items()} for who, on in seen_on.items()},
        )
        for at_s in range(0, 11, 2)
    ]
