"""The gate before every run: services that do not answer the contract alike are not measured."""

from collections.abc import Sequence
from pathlib import Path

import httpx

from bench import catalogue, verify
from bench.database import Database
from bench.errors import VerificationError
from bench.plan import Setup
from bench.services import Fleet
from db import restore


def check(fleet: Fleet, server: Database, users: int, setups: Sequence[Setup], logs: Path) -> None:
    """Start these setups and put the contract to each. Raises VerificationError with every disagreement (up to ten)."""
    fleet.start({setup: logs / f"{setup.service}.log" for setup in setups})
    answers, todo = {}, verify.checks(users)
    documents = {}
    for setup in setups:
        service = catalogue.service(setup.service)
        restore.restore(server.dsn)
        try:
            answers[service.name] = verify.ask(service.url, service, todo)
            documents[service.name] = verify.openapi(service.url)
        except httpx.HTTPError as error:
            raise VerificationError(f"{service.name} broke off during verification: {error}") from None
    restore.restore(server.dsn)
    wrong = [str(one) for one in verify.disagreements(answers)]
    first = next(iter(documents))
    wrong += [f"{name}: its OpenAPI document differs from that of {first}" for name, document in documents.items()
              if document != documents[first]]  # fmt: skip
    if wrong:
        more = f"\n  and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        raise VerificationError("verification failed; nothing was measured:\n  " + "\n  ".join(wrong[:10]) + more)
