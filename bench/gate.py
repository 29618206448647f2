"""The gate before every run: services that do not answer the contract alike are not measured."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from bench import catalogue, counts, verify
from bench.counts import Cost
from bench.database import Database
from bench.errors import VerificationError
from bench.plan import Setup
from bench.services import Fleet, Surroundings
from bench.verify import Check
from db import buyer, restore
from db.dsn import Dsn
from db.wire import Relay

SHOWN = 10


@dataclass
class Passed:
    """What the gate saw of services that passed it: their /health, and what each operation costs in the database.

    `checks` is how many questions of the contract each answered; `unchecked` says what could not be counted, and why.
    """

    health: dict[Setup, dict[str, Any]] = field(default_factory=dict)
    costs: dict[Setup, Mapping[str, Cost]] = field(default_factory=dict)
    checks: int = 0
    unchecked: str = ""


def check(around: Surroundings, server: Database, setups: Sequence[Setup], logs: Path) -> Passed:
    """Start one setup of each service and profile, put the contract to it, count what it costs.

    Raises VerificationError with every disagreement (up to ten).
    """
    todo = verify.checks(around.dataset_users, buyer.of_little(server.dsn))
    passed, wrong = Passed(checks=len(todo)), list[str]()
    with _relayed(server.dsn) as relay:
        url = replace(server.dsn, host="127.0.0.1", port=relay.port).url if relay else server.dsn.url
        tracking = counts.tracked(server.dsn) if relay else nullcontext(None)
        with tracking as statements, Fleet(replace(around, database_url=url)) as fleet:
            for batch in _side_by_side(setups):
                fleet.stop()
                fleet.start({setup: logs / f"{setup.service}-{setup.profile}.log" for setup in batch})
                wrong += _contract(server, todo, batch)
                passed.health |= fleet.health
                if relay is not None and not wrong:
                    passed.costs |= _costs(batch, relay, statements)
        wrong += [said for setup, costs in passed.costs.items() for said in _unexpected(setup, costs)]
        if relay is None:
            passed.unchecked = f"round trips: {server.dsn.host} is a socket, which the relay cannot stand before"
        elif statements is None:
            passed.unchecked = "statements: pg_stat_statements is not there or may not be switched on"
    restore.restore(server.dsn)
    if wrong:
        more = f"\n  and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise VerificationError("verification failed; nothing was measured:\n  " + "\n  ".join(wrong[:SHOWN]) + more)
    return passed


@contextmanager
def _relayed(dsn: Dsn) -> Iterator[Relay | None]:
    """A relay to the server; None for one that is reached by a socket in the file system."""
    if dsn.host.startswith("/"):
        yield None
        return
    with Relay(dsn.host, dsn.port) as relay:
        yield relay


def _side_by_side(setups: Sequence[Setup]) -> list[list[Setup]]:
    """The first setup of each service and profile, in batches with one of each service: each has one port."""
    first: dict[tuple[str, str], Setup] = {}
    for setup in setups:  # distances and delays change times, not answers
        near = replace(setup, database_rtt_ms=None, external_delay_s=0.0)
        first.setdefault((setup.profile, setup.service), near)
    profiles = dict.fromkeys(profile for profile, _ in first)
    return [[setup for (of, _), setup in first.items() if of == profile] for profile in profiles]


def _costs(
    setups: Sequence[Setup], relay: Relay, statements: Callable[[], int] | None
) -> dict[Setup, Mapping[str, Cost]]:
    return {
        setup: counts.counted(catalogue.service(setup.service), setup.pool_size, relay, statements) for setup in setups
    }


def _unexpected(setup: Setup, costs: Mapping[str, Cost]) -> Iterator[str]:
    return counts.differences(catalogue.service(setup.service), setup.profile, costs)


def _contract(server: Database, todo: Sequence[Check], setups: Sequence[Setup]) -> list[str]:
    """In words, where services do not answer as they must, or not as the others do."""
    answers, documents = {}, {}
    for setup in setups:
        service = catalogue.service(setup.service)
        restore.restore(server.dsn)
        try:
            answers[service.name] = verify.ask(service.url, service, todo)
            documents[service.name] = verify.openapi(service.url)
        except httpx.HTTPError as error:
            raise VerificationError(f"{service.name} broke off during verification: {error}") from None
    first = next(iter(documents))
    differing = [name for name, document in documents.items() if document != documents[first]]
    wrong = [str(one) for one in verify.disagreements(answers)]
    return wrong + [f"{name}: its OpenAPI document differs from that of {first}" for name in differing]
