"""The gate before every run: only services whose answers agree with the contract and each other are measured."""

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench.analysis.conversation.wire_facts import Wire
from bench.analysis.parity import ParityFacts
from bench.measure.database import Database
from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.measure.gate import agreement, contract, counts, encryption, inspection, lines, proof, stages
from bench.measure.gate.agreement import Disagreement
from bench.measure.gate.asking import UnansweredError
from bench.measure.gate.contract import Check
from bench.measure.gate.inspection import ServerProcesses
from bench.measure.gate.proof import FailedProof
from bench.plan.costs import Cost, differences
from bench.plan.matrix import Setup
from db.data import buyer, restore
from services.contract.operations import OPERATIONS
from suite.errors import VerificationError

SHOWN = 10


@dataclass
class Verification:
    """The findings on services that passed: their /health, the costs of each operation in the database, facts.

    `checks` is the number of checks of the contract. `unchecked` names what could not be counted, and why.
    """

    health: dict[Setup, dict[str, Any]] = field(default_factory=dict)
    costs: dict[Setup, Mapping[str, Cost]] = field(default_factory=dict)
    checks: int = 0
    facts: dict[Setup, ParityFacts] = field(default_factory=dict)
    unchecked: str = ""

    def transactions(self) -> dict[tuple[str, str], Mapping[str, float]]:
        """The transactions of one call of each operation, by service and how it runs (`Setup.runs_as`)."""
        return {
            (setup.service, setup.runs_as): {
                name: cost.transactions for name, cost in costs.items() if cost.transactions is not None
            }
            for setup, costs in self.costs.items()
        }


def check(settings: FleetSettings, server: Database, setups: Sequence[Setup], logs: Path) -> Verification:
    """Start one setup of each service, profile, driver and pooler; check its answers, and what its operations cost.

    Raises VerificationError with every disagreement (up to ten).
    """
    todo = contract.checks(settings.dataset_users, buyer.of_little(server.dsn))
    passed, wrong, batches = Verification(checks=len(todo)), list[str](), _batches(setups)
    # Nothing is timed here, so the services may use every CPU.
    around = replace(settings, cpus=(), load_cpus=())
    with lines.opened(server.dsn, [setup.service for setup in setups]) as ways:
        urls = {name: way.url for name, way in ways.items()}
        tracking = counts.tracked(server.dsn) if server.pooler is None else nullcontext(None)
        with tracking as statements, Fleet(around, urls=urls) as fleet:
            for batch in batches:
                fleet.stop()
                for way in ways.values():
                    way.messages.clear()
                fleet.start({setup: encryption.log_of(logs, setup) for setup in batch})
                ports = {name: way.relay.port for name, way in ways.items()}
                processes = inspection.processes_when_started(fleet.pids(), ports)
                started_ns = time.perf_counter_ns()
                proof.check_services(server.dsn, batch)
                wrong += stages.contract_violations(server, todo, batch)
                passed.health |= fleet.health
                if wrong:
                    continue
                calls = stages.warmed_up(batch, ways)
                passed.costs |= stages.costs(batch, ways, statements)
                wires = stages.wires(server, calls, ways, started_ns)
                passed.facts |= _facts(fleet, processes, wires)
        wrong += [line for setup, costs in passed.costs.items() for line in _unexpected(setup, costs)]
        if not wrong:
            encrypted = encryption.in_use(around, server, batches, logs)
            passed.facts |= {setup: replace(passed.facts[setup], encryption=one) for setup, one in encrypted.items()}
        if server.pooler is not None:
            passed.unchecked = f"statements: {server.pooler} has sessions from before they were to be counted"
        elif statements is None:
            passed.unchecked = f"statements: {counts.missing(server.dsn)}"
    restore.restore(server.dsn)
    if wrong:
        raise VerificationError(f"verification failed; nothing was measured:\n  {_listed(wrong)}")
    return passed


def check_target(settings: FleetSettings, server: Database, setup: Setup, operations: Collection[str]) -> str:
    """Check a target's answers for these operations. Nothing is counted. Returns the result as one line.

    Raises VerificationError with every wrong answer (up to ten).
    """
    proof.check(server.dsn, {f"target {setup.service}": setup.url}, operations, settings.trust.pem)
    answers = _target_answers(settings, server, setup, operations)
    if wrong := list(map(str, agreement.target_disagreements(setup.service, answers))):
        raise VerificationError(
            f"verification of target {setup.service} on {setup.url} failed; nothing was measured:\n  "
            f"{_listed(wrong)}\nIt must give these answers from the benchmark's own data: see docs/adding-a-service.md"
        )
    own = sorted(set(operations) - set(OPERATIONS))
    if own:
        return (
            f"target {setup.service}: its own operations ({', '.join(own)}) cannot be verified ({len(answers)} checks)"
        )
    return (
        f"target {setup.service} answers {', '.join(sorted(operations))} as the contract says ({len(answers)} checks);"
        " what it costs in the database was not counted"
    )


def survey_target(settings: FleetSettings, server: Database, setup: Setup) -> dict[str, tuple[int, list[Disagreement]]]:
    """The number of checks of a target and its wrong answers, for each operation of the contract.

    Operations that write to a table are left out, unless the target proved that it uses the benchmark's table. Raises
    VerificationError when the target breaks off.
    """
    foreign = proof.failures(server.dsn, {setup.service: setup.url}, OPERATIONS, settings.trust.pem)
    withheld = {name: one for one in foreign for name in proof.WRITING[one.table]}
    answers = _target_answers(settings, server, setup, OPERATIONS.keys() - withheld.keys())
    wrong = agreement.target_disagreements(setup.service, answers)
    wrong += [_not_checked(name, one) for name, one in withheld.items()]
    checked = Counter(check.operation for check in answers) | Counter(withheld.keys())
    return {
        name: (checked[name], [one for one in wrong if one.check.operation == name])
        for name in OPERATIONS
        if checked[name]
    }


def _not_checked(operation: str, one: FailedProof) -> Disagreement:
    check = Check(f"a row just put into {one.table}", operation, "GET", one.path, HTTPStatus.OK)
    return Disagreement(one.name, check, "that row", f"{one.answered}; operations that write were not checked")


def _target_answers(
    settings: FleetSettings, server: Database, setup: Setup, operations: Collection[str]
) -> dict[Check, agreement.ContractAnswer]:
    """The answers of a target for these operations. The dataset is restored before and afterwards."""
    every = contract.checks(settings.dataset_users, buyer.of_little(server.dsn))
    restore.restore(server.dsn)
    try:
        return agreement.run_checks(setup.url, agreement.target_checks(every, operations), trusted=settings.trust.pem)
    except UnansweredError as error:
        raise VerificationError(
            f"target {setup.service} broke off on {setup.url} during verification ({error}); nothing was measured"
        ) from None
    finally:
        restore.restore(server.dsn)


def _listed(wrong: Sequence[str]) -> str:
    more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    return "\n  ".join([*wrong[:SHOWN], *more])


def _batches(setups: Sequence[Setup]) -> list[list[Setup]]:
    """The first setup of each service, profile, pooler and driver. A batch has one setup of each service: one a port.

    Those of the second driver of each service are the second batch of a profile and pooler.
    """
    first: dict[tuple[str, str, str], dict[str, Setup]] = {}
    for setup in setups:  # round trip times and delays do not change answers
        near = replace(setup, database_rtt_ms=None, external_delay_s=0.0)
        first.setdefault((setup.profile, setup.pooler, setup.service), {}).setdefault(setup.driver, near)
    batches: dict[tuple[str, str, int], list[Setup]] = {}
    for (profile, pooler, _), by_driver in first.items():
        for number, setup in enumerate(by_driver.values()):
            batches.setdefault((profile, pooler, number), []).append(setup)
    return list(batches.values())


def _facts(
    fleet: Fleet, processes: Mapping[Setup, ServerProcesses], wires: Mapping[Setup, Wire]
) -> dict[Setup, ParityFacts]:
    return {
        setup: inspection.parity_facts(setup.described, fleet.health[setup], seen, wires.get(setup))
        for setup, seen in processes.items()
    }


def _unexpected(setup: Setup, costs: Mapping[str, Cost]) -> Iterator[str]:
    return differences(setup.described, setup.profile, costs, pooler=setup.pooler)
