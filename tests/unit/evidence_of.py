"""Evidence with everything as it should be, to change one thing at a time."""

from dataclasses import replace
from typing import Any

from bench.analysis.evidence import Evidence
from bench.analysis.recorded.foreign import CpuGroup
from bench.analysis.recorded.ledger import Drift
from bench.analysis.recorded.machine import Machine
from bench.plan.placement import Placement
from suite.arrival import Arrival

GROUPS = (
    CpuGroup(("service",), (1,), foreign=0.01, stolen=0.0, named="cron (pid 7) 0.02 s"),
    CpuGroup(("load", "database"), (0,), foreign=0.01, stolen=0.0, named="cron (pid 7) 0.02 s"),
)
MACHINE = Machine(
    cpu_s={"service": 9.8, "database": 4.0, "load": 2.0, "harness": 0.1, "others": 0.0},
    rss_peak_mb={"service": 80.0, "database": 120.0, "load": 90.0},
    cpu_busy={0: 0.65, 1: 0.99},
    steal=0.0,
    strangers=0.01,
    strangers_named="cron (pid 7) 0.02 s",
    throttled_s=0.0,
    clock_jump_s=0.0,
    suspended_s=0.0,
    changed=(),
    pool=1.0,
    threads=0.0,
    groups=GROUPS,
)
GOOD = Evidence(
    length_s=10.0,
    users_asked=2,
    users=2,
    arrival=Arrival.CLOSED,
    offered_rps=None,
    by_chance=False,
    requests=1000,
    failures=0,
    missed=0,
    reconnects=0,
    accounted=0.999,
    drift=Drift(0.01, 0.5),
    machine=MACHINE,
    placement=Placement(service=(1,), load=(0,), database=(0,)),
    completed=1000,
    succeeded=1000,
    little=1.001,
    begun=1300,
    sampled=1300,
    warm_up_s=3.0,
)


def evidence(*, machine: dict[str, Any] | None = None, **changes: Any) -> Evidence:
    """GOOD with these changes; `machine` changes what the machine showed. As many requests ended as had begun.

    Strangers and steal are on all CPUs.
    """
    requests, failures = (changes.get(name, getattr(GOOD, name)) for name in ("requests", "failures"))
    changes = {"completed": requests, "succeeded": max(0, requests - failures)} | changes
    told = machine or {}
    everywhere = {"foreign": "strangers", "stolen": "steal"}
    onto = {ours: told[whole] for ours, whole in everywhere.items() if whole in told}
    groups = {"groups": tuple(replace(group, **onto) for group in GROUPS)} if onto else {}
    return replace(GOOD, machine=replace(MACHINE, **(groups | told)), **changes)
