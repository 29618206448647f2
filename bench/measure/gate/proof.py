"""No write before proof: a service or target must first prove that it uses the tables that the suite made."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import httpx

from bench.measure.gate import clients
from bench.plan.matrix import Setup
from db.address.dsn import Dsn
from db.data import proof
from db.data.proof import Proof
from services.contract.operations import OPERATIONS
from suite import catalogue
from suite.errors import VerificationError

WRITING = {
    "users": ("create_user", "update_user", "delete_user"),
    "notes": ("synchronize_note",),
}
"""The operations that write, by the table that they write to."""
SHOWN_LETTERS = 100


@dataclass(frozen=True)
class FailedProof:
    """A service or target that did not return the row that was just inserted into a table."""

    name: str
    table: str
    path: str
    answered: str

    def __str__(self) -> str:
        return (
            f"{self.name} does not use the benchmark's table {self.table}: GET {self.path} must return the row that was"
            f" just inserted there, and answered {self.answered}"
        )


def check_services(dsn: Dsn, setups: Iterable[Setup]) -> None:
    """As `check`, for running services of the suite. All that use a database can write."""
    services = [catalogue.service(setup.service) for setup in setups]
    check(dsn, {one.name: one.url for one in services if one.needs_database}, OPERATIONS)


def check(dsn: Dsn, urls: Mapping[str, str], operations: Collection[str]) -> None:
    """Raise VerificationError that lists the failed proofs. `urls` has the URL of each service or target by name."""
    if wrong := failures(dsn, urls, operations):
        raise VerificationError(
            "\n  ".join(["nothing was written and nothing was measured:", *map(str, wrong)])
            + f"\nThe benchmark's tables are those that the harness finds at {dsn.redacted}. Check what makes another"
            " program find other tables: another URL, `options`, a search_path, a pooler."
        )


def failures(dsn: Dsn, urls: Mapping[str, str], operations: Collection[str]) -> list[FailedProof]:
    """Insert rows into the dataset's tables, request them from each URL, and return those that do not have them.

    A service reads the rows as usual, over its own pool. Only tables to which these operations write are checked.
    Nothing else is written. The rows are deleted at the end.

    Raises:
        DatabaseError: the tables that this process sees are not the suite's.
    """
    tables = [table for table, names in WRITING.items() if set(names) & set(operations)]
    if not urls or not tables:
        return []
    with proof.planted(dsn) as planted:
        found = [_failure(name, url, table, planted) for name, url in urls.items() for table in tables]
    return [one for one in found if one is not None]


def _failure(name: str, url: str, table: str, planted: Proof) -> FailedProof | None:
    """Request the row of one table from one URL. None if it is returned."""
    path, field = {
        "users": (f"/users/{planted.user_id}", "name"),
        "notes": (f"/notes/{planted.note_id}", "data"),
    }[table]
    try:
        with clients.client(url) as client:
            answer = client.get(path)
    except httpx.HTTPError as error:
        return FailedProof(name, table, path, f"no answer ({error or type(error).__name__})")
    try:
        seen = answer.json()[field] if answer.status_code == httpx.codes.OK else None
    except (ValueError, TypeError, KeyError):
        seen = None
    answered = f"status {answer.status_code} {answer.text[:SHOWN_LETTERS]}"
    return None if seen == planted.nonce else FailedProof(name, table, path, answered)
