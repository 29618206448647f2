"""The stages of verification, each for all services of a batch. Side by side where that changes no result.

Only reading goes side by side: writes of several services would meet in the same rows. Statements are counted for one
service after the other, because pg_stat_statements counts for the whole database.
"""

from collections.abc import Callable, Mapping, Sequence

import httpx

from bench.analysis.conversation import wire_facts
from bench.analysis.conversation.wire_facts import Wire
from bench.measure.database import Database
from bench.measure.gate import agreement, counts, inspection
from bench.measure.gate.agreement import ContractAnswer
from bench.measure.gate.asking import UnansweredError
from bench.measure.gate.clients import side_by_side
from bench.measure.gate.contract import Check
from bench.measure.gate.lines import Line
from bench.plan.costs import Cost
from bench.plan.matrix import Setup
from db import server as servers
from db.data import restore
from db.protocol import Message
from services.contract.operations import OPERATIONS
from suite.errors import VerificationError
from suite.service import Service

Calls = Mapping[Setup, Sequence[Sequence[Message]]]


def contract_violations(server: Database, todo: Sequence[Check], setups: Sequence[Setup]) -> list[str]:
    """The wrong answers of services, in words: those that differ from the contract or from the other services."""
    services = [setup.described for setup in setups]
    reading = [check for check in todo if not OPERATIONS[check.operation].writes]
    writing = [check for check in todo if OPERATIONS[check.operation].writes]
    restore.restore(server.dsn)
    read = side_by_side(lambda service: _answers(service, reading), services)
    documents = dict(zip((one.name for one in services), side_by_side(_openapi, services), strict=True))
    answers = {}
    for service, known in zip(services, read, strict=True):
        restore.restore(server.dsn)
        given = known | _answers(service, writing)
        answers[service.name] = {check: given[check] for check in todo if check in given}
    first = next(iter(documents))
    differing = [name for name, document in documents.items() if document != documents[first]]
    wrong = [str(one) for one in agreement.disagreements(answers)]
    return wrong + [f"{name}: its OpenAPI document differs from that of {first}" for name in differing]


def _answers(service: Service, todo: Sequence[Check]) -> dict[Check, ContractAnswer]:
    try:
        return agreement.run_service_checks(service.url, service, todo)
    except UnansweredError as error:
        raise _broke_off(service, error) from None


def _openapi(service: Service) -> dict[str, object]:
    try:
        return agreement.openapi(service.url)
    except httpx.HTTPError as error:
        raise _broke_off(service, error) from None


def _broke_off(service: Service, error: Exception) -> VerificationError:
    return VerificationError(f"{service.name} broke off during verification: {error}")


def warmed_up(setups: Sequence[Setup], lines: Mapping[str, Line]) -> Calls:
    """Warm up everything that only reads, then make some point reads. Returns what PostgreSQL received for each."""

    def prepared(setup: Setup) -> list[list[Message]]:
        service = setup.described
        counts.warm_up(service, setup.pool_size)
        if not service.needs_database:
            return []
        return inspection.point_reads(service, setup.pool_size, lines[setup.service].messages)

    return dict(zip(setups, side_by_side(prepared, setups), strict=True))


def costs(
    setups: Sequence[Setup], lines: Mapping[str, Line], statements: Callable[[], int] | None
) -> dict[Setup, Mapping[str, Cost]]:
    """What each operation of each service costs in the database. All must have been warmed up."""
    found = dict[Setup, Mapping[str, Cost]]()
    for setup in setups:
        service, relay = setup.described, lines[setup.service].relay
        found[setup] = counts.counted(service, setup, relay, statements)
    return found


def wires(server: Database, calls: Calls, lines: Mapping[str, Line], started_ns: int) -> dict[Setup, Wire]:
    """How each service uses PostgreSQL, from its point reads and from everything that it has sent."""
    with servers.connect(server.dsn) as connection:
        row = connection.execute("SHOW default_transaction_isolation").fetchone()
    default, found = str(row[0]) if row else "", dict[Setup, Wire]()
    for setup, made in calls.items():
        messages = list(lines[setup.service].messages)
        wire = wire_facts.wire(made, messages, setup.pool_size, default, started_ns)
        found |= {setup: wire} if wire else {}
    return found
