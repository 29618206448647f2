"""What else ran on the CPUs of each role: on machines of 2 to 64 CPUs, whose verdict is known beforehand."""

from dataclasses import replace

import pytest

from bench.analysis import bound, verdict
from bench.analysis.evidence import Evidence
from bench.analysis.recorded import foreign, machine
from bench.analysis.recorded.foreign import CpuGroup, RoleCpus
from bench.analysis.verdict import Verdict
from bench.plan.model import Thresholds
from bench.plan.placement import LOADING, Placement, place
from tests.unit.evidence_of import GOOD, evidence
from tests.unit.readings_of import READINGS, WINDOW, Disturber, simulated

LIMITS = Thresholds()
MACHINES = [(cpus, workers) for cpus in (2, 4, 8, 32, 64) for workers in (1, 2, 4)]
BUSY = dict.fromkeys(range(4), 0.5)
KNOWN = ("service", "load", "database", "harness", "others")


def seen(placed: Placement, workers: int, *disturbers: Disturber, charged: float = 0.03) -> Evidence:
    """What the readings of such a machine show; all else as it should be."""
    found = machine.of(simulated(placed, workers, *disturbers, charged=charged), [], WINDOW, placed)
    assert found is not None
    assert all(group.foreign is not None and 0 <= group.foreign <= 1 for group in found.groups)
    return replace(GOOD, machine=found, placement=placed, workers=workers)


def judged(placed: Placement, workers: int, *disturbers: Disturber, charged: float = 0.03) -> Verdict:
    return verdict.of_measurement(seen(placed, workers, *disturbers, charged=charged), LIMITS)


@pytest.mark.parametrize("charged", [0.0, 0.03])
@pytest.mark.parametrize("who", ["strangers", "others", "harness"])
@pytest.mark.parametrize(("cpus", "workers"), MACHINES)
def test_what_ran_on_one_of_the_services_cpus_is_judged_there(
    cpus: int, workers: int, who: str, charged: float
) -> None:
    """A stranger, an idle service or the harness: INVALID exactly where it took over 5% of that CPU."""
    placed = place(range(cpus), workers)
    for cpu in (placed.service[0], placed.service[-1]):
        for share in (0.0, 0.01, 0.04, 0.055, 0.2, 0.95):
            found = judged(placed, workers, Disturber(who, share, cpu), charged=charged)
            assert found.ranks == (share < 0.05), (cpu, share, found)
            assert [reason.which for reason in found.reasons] == ["strangers"] * (share > 0.05)
            assert found.unchecked == ()


@pytest.mark.parametrize(("cpus", "workers"), MACHINES)
def test_what_the_hypervisor_took_of_one_cpu_is_not_averaged(cpus: int, workers: int) -> None:
    """On the service's CPUs as on others; with strangers it adds up."""
    placed = place(range(cpus), workers)
    for cpu in (placed.service[0], placed.load[0], placed.database[-1]):
        assert judged(placed, workers, Disturber("hypervisor", 0.015, cpu)).ranks
        found = judged(placed, workers, Disturber("hypervisor", 0.03, cpu))
        assert [reason.which for reason in found.reasons] == ["stolen"]
        assert "the hypervisor took 3.0% of a CPU away" in found.reasons[0].text
    both = Disturber("hypervisor", 0.015, placed.service[0]), Disturber("strangers", 0.04, placed.service[0])
    [reason] = judged(placed, workers, *both).reasons
    assert reason.which == "strangers"
    assert f"other processes used 5.5% of CPU {placed.service[0]}, where the service runs" in reason.text
    assert f"cron (pid {placed.service[0] + 1000}) 0.40 s, the hypervisor 0.15 s" in reason.text


@pytest.mark.parametrize(("cpus", "workers"), MACHINES)
def test_strangers_that_cannot_be_seen_follow_from_what_the_cpus_worked(cpus: int, workers: int) -> None:
    """In a container: as a share of all the service's CPUs, since it is not known on which they ran."""
    placed = place(range(cpus), workers)
    for share in (0.04, 0.055, 0.21, 0.95):
        stranger = Disturber("strangers", share, placed.service[-1], seen=False)
        found = judged(placed, workers, stranger, charged=0.0)
        assert found.ranks == (share / len(placed.service) < 0.05), (share, found)
        assert found.ranks or "processes that ended at once or cannot be seen" in found.reasons[0].text


@pytest.mark.parametrize("cpus", [4, 8, 32, 64])
def test_a_database_moves_to_another_of_its_cpus_and_a_load_cannot(cpus: int) -> None:
    """A stranger on one of many CPUs of the database: 10% of them all. The load has one CPU for its one process."""
    placed = place(range(cpus), 1)
    own = len(placed.database)
    for share in (0.04, 0.2, 0.5, 0.95):
        found = judged(placed, 1, Disturber("strangers", share, placed.database[-1]))
        assert found.ranks == (share / own <= 0.1), (share, found)
        assert judged(placed, 1, Disturber("strangers", share, placed.load[0])).ranks == (share <= 0.1)
    everywhere = [Disturber("strangers", 0.12, number) for number in placed.database]
    [reason] = judged(placed, 1, *everywhere).reasons
    assert "where the database runs, more than 10%" in reason.text
    assert judged(placed, 1, *[replace(one, share=0.08) for one in everywhere]).ranks


def test_load_and_database_on_one_cpu_are_judged_together() -> None:
    """With two CPUs; the harness is at home there."""
    placed = place(range(2), 1)
    assert judged(placed, 1, Disturber("strangers", 0.09, 0)).ranks
    assert judged(placed, 1, Disturber("harness", 0.3, 0)).ranks
    [reason] = judged(placed, 1, Disturber("strangers", 0.11, 0)).reasons
    assert reason.text.startswith(
        "other processes used 11.0% of CPU 0, where the load and the database run, more than 10%"
    )


@pytest.mark.parametrize("cpus", [2, 32])
def test_a_cpu_that_strangers_filled_is_not_bound_by_the_service(cpus: int) -> None:
    """The service used 22% of its only CPU, a stranger 75%: INVALID, and not because of the service."""
    placed = place(range(cpus), 1)
    found = seen(placed, 1, Disturber("strangers", 0.75, placed.service[0]))
    assert found.machine is not None
    assert found.machine.cpu_busy[placed.service[0]] > LIMITS.busy
    assert not verdict.of_measurement(found, LIMITS).ranks
    assert bound.service_cpu(found, found.machine, LIMITS) is None


def test_what_is_seen_elsewhere_is_never_more_than_the_cpus_had() -> None:
    """A stranger of many threads counts for one CPU, the last that it ran on: at most what was left there."""
    placed = place(range(4), 1)
    busy = simulated(placed, 1)
    threads = [
        replace(one, seen_on={**one.seen_on, "strangers": {placed.service[0]: 3.0 * one.at_ns / 1e9}}) for one in busy
    ]
    found = machine.of(threads, [], WINDOW, placed)
    assert found is not None
    assert found.groups[0].foreign == pytest.approx(0.0, abs=0.001)  # nothing beside the service had worked there


@pytest.mark.parametrize(
    ("placed", "known", "why"),
    [
        (place(range(4), 1), KNOWN, ""),
        (replace(place(range(4), 1), unplaced=(LOADING,)), KNOWN, ""),
        (Placement(), KNOWN, "no process has a CPU of its own"),
        (replace(place(range(4), 1), unplaced=("database",)), KNOWN, "PostgreSQL runs on all CPUs"),
        (place(range(4), 1), ("service", "load"), "PostgreSQL's own processes are not known"),
        (place(range(4), 1), ("others", "load", "database", "target"), "a target runs where it likes"),
    ],
)
def test_roles_that_run_anywhere_make_all_cpus_one_group(placed: Placement, known: tuple[str, ...], why: str) -> None:
    """And that is said."""
    assert foreign.together(placed, known) == why
    found = foreign.shares(placed, known, range(4))
    assert [one.roles for one in found] == ([()] if why else [("service",), ("load",), ("database",)])
    assert sorted(number for one in found for number in one.cpus) == [0, 1, 2, 3]
    where = evidence(machine={"cpu_s": dict.fromkeys(known, 0.0), "cpu_busy": BUSY}, placement=placed)
    said = [note.text for note in verdict.of_measurement(where, LIMITS).unchecked]
    assert [text.endswith(why) for text in said] == [True] * bool(why)


def test_groups_do_not_overlap_and_the_harness_is_at_home_beside_the_service() -> None:
    """Two load processes, three CPUs for the database."""
    service, load, database = foreign.shares(place(range(6), 1, 2), KNOWN, range(6))
    assert (service.cpus, load.cpus, database.cpus) == ((5,), (0, 1), (2, 3, 4))
    assert "harness" in service.others
    assert "harness" in load.ours
    assert "harness" in database.ours
    assert (service.each, load.each, database.each) == (True, True, False)


def test_a_group_whose_strangers_are_unknown_knows_what_was_stolen() -> None:
    """Where the system does not show other processes."""
    share = RoleCpus(("service",), (0, 1), ("service",), ("strangers",), each=True)
    found = foreign.of(share, {"steal 0": 1.0, "steal 1": 4.0}, READINGS, 10.0)
    assert found == CpuGroup(("service",), (0, 1), None, 0.4)


def test_an_older_recording_knows_no_cpu_of_a_stranger() -> None:
    """What CPUs worked beyond our processes counts, and names are those of all strangers."""
    found = machine.of(READINGS, [], WINDOW, Placement(service=(1,), load=(0,), database=(0,)))
    assert found is not None
    service, rest = found.groups
    assert service.foreign == pytest.approx(0.0)
    assert service.stolen == 0.0
    assert rest.foreign == pytest.approx(0.05 + 0.01)  # 0.56 of work, less 0.3 and 0.2 and 0.01; and steal
    assert rest.named == (
        "cron (pid 3) 0.06 s, processes that ended at once or cannot be seen 0.44 s, the hypervisor 0.10 s"
    )


def test_the_busiest_two_are_named_and_what_most_of_it_is() -> None:
    """Less than a hundredth of a second is not."""
    assert foreign.busiest({"a": 0.2, "b": 0.5, "c": 0.3, "d": 0.001}, 1.0) == "b 0.50 s, c 0.30 s"
    assert foreign.busiest({"a": 0.001}, 0.005) == ""
    assert foreign.busiest({"a": 0.1}, 0.5) == "a 0.10 s, processes that ended at once or cannot be seen 0.40 s"


@pytest.mark.parametrize(
    ("least", "seen_s", "most", "found"), [(1, 2, 3, 2), (1, 0, 3, 1), (1, 9, 3, 3), (-2, 0, -1, 0)]
)
def test_what_was_seen_counts_within_what_is_possible(least: float, seen_s: float, most: float, found: float) -> None:
    """And is never negative."""
    assert foreign.within(least, seen_s, most) == found


def test_a_group_is_named_by_its_cpus_and_roles() -> None:
    """All CPUs together are ours."""
    service = CpuGroup(("service",), (2, 3), 0.0, 0.0)
    assert (str(service), service.judged) == ("CPU 2+3, where the service runs",) * 2
    assert replace(service, worst=3).judged == "CPU 3, where the service runs"
    assert str(CpuGroup(("load", "database"), (0,), 0.0, 0.0)) == "CPU 0, where the load and the database run"
    assert replace(service, roles=(), worst=3).judged == "our CPUs"


def test_a_group_is_disturbed_beyond_its_own_limit() -> None:
    """Elsewhere at least as much is allowed as beside the service; what is unknown disturbs nothing."""
    service, load = (CpuGroup((role,), (1,), 0.08, 0.0) for role in ("service", "load"))
    assert (service.is_disturbed(LIMITS), load.is_disturbed(LIMITS)) == (True, False)
    assert (service.most(Thresholds(strangers=0.3)), load.most(Thresholds(strangers=0.3))) == (0.3, 0.3)
    assert not replace(service, foreign=None).is_disturbed(LIMITS)
    assert replace(load, roles=()).is_disturbed(LIMITS)
