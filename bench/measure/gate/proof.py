"""No write before proof: a service or target first shows that it sees the tables that the suite made."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import httpx

from bench.plan.matrix import Setup
from db import proof
from db.dsn import Dsn
from db.proof import Proof
from services.contract.operations import OPERATIONS
from suite import catalogue
from suite.errors import VerificationError

WRITING = {
    "users": ("create_user", "update_user", "delete_user"),
    "notes": ("synchronize_note",),
}
"""The operations that write, by the table that they write to."""
TIMEOUT_S = 40.0
SHOWN_LETTERS = 100


@dataclass(frozen=True)
class Unproven:
    """A service or target that did not answer with the row that was put into a table."""

    name: str
    table: str
    path: str
    answered: str

    def __str__(self) -> str:
        return (
            f"{self.name} does not work on the benchmark's table {self.table}: GET {self.path} must answer the row that"
            f" was just put there, and answered {self.answered}"
        )


def demand_of_services(dsn: Dsn, setups: Iterable[Setup]) -> None:
    """As `demand`, of running services of the suite: all that have a database can write."""
    services = [catalogue.service(setup.service) for setup in setups]
    demand(dsn, {one.name: one.url for one in services if one.needs_database}, OPERATIONS)


def demand(dsn: Dsn, addresses: Mapping[str, str], operations: Collection[str]) -> None:
    """Raise VerificationError that names all (by name, with its URL) that do not see a table they would write to."""
    if wrong := unproven(dsn, addresses, operations):
        raise VerificationError(
            "\n  ".join(["nothing was written and nothing was measured:", *map(str, wrong)])
            + f"\nThe benchmark's tables are those that {dsn.redacted} leads to. Check what else decides where a name"
            " leads: another URL, `options`, a search_path, a pooler."
        )


def unproven(dsn: Dsn, addresses: Mapping[str, str], operations: Collection[str]) -> list[Unproven]:
    """Have each (by name, with its URL) read rows that were put into the dataset's own tables a moment ago.

    It reads them as it reads anything, over its own pool. Only tables that these operations write to are asked for.
    Those two rows are all that is written meanwhile, by this process; they are gone afterwards.

    Raises:
        DatabaseError: the tables that this process sees are not the suite's.
    """
    tables = [table for table, names in WRITING.items() if set(names) & set(operations)]
    if not addresses or not tables:
        return []
    with proof.planted(dsn) as planted:
        found = [_asked(name, url, table, planted) for name, url in addresses.items() for table in tables]
    return [one for one in found if one is not None]


def _asked(name: str, url: str, table: str, planted: Proof) -> Unproven | None:
    path, field = {
        "users": (f"/users/{planted.user_id}", "name"),
        "notes": (f"/notes/{planted.note_id}", "data"),
    }[table]
    try:
        answer = httpx.get(url + path, timeout=TIMEOUT_S, trust_env=False)
    except httpx.HTTPError as error:
        return Unproven(name, table, path, f"no answer ({error or type(error).__name__})")
    try:
        seen = answer.json()[field] if answer.status_code == httpx.codes.OK else None
    except (ValueError, TypeError, KeyError):
        seen = None
    said = f"status {answer.status_code} {answer.text[:SHOWN_LETTERS]}"
    return None if seen == planted.nonce else Unproven(name, table, path, said)
