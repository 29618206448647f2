"""No write before proof: a service or target must first prove that it uses the tables that the suite made."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from bench.measure.gate import asking, obstacles
from bench.measure.gate.asking import Question, UnansweredError
from bench.plan.matrix import Setup
from db.address.dsn import Dsn
from db.data import proof
from db.data.proof import Proof
from services.contract.operations import OPERATIONS
from suite.errors import VerificationError

WRITING = {
    "users": ("create_user", "update_user", "delete_user"),
    "notes": ("synchronize_note",),
}
"""The operations that write, by the table that they write to."""
SHOWN_LETTERS = 100


@dataclass(frozen=True)
class FailedProof:
    """A service or target that did not return the row that was just inserted into a table.

    `is_obstacle`: it did not get so far, and `answered` says why no load can use its answers.
    """

    name: str
    table: str
    path: str
    answered: str
    is_obstacle: bool = False

    def __str__(self) -> str:
        if self.is_obstacle:
            return f"{self.name} answers GET {self.path} with {self.answered}"
        return (
            f"{self.name} does not use the benchmark's table {self.table}: GET {self.path} must return the row that was"
            f" just inserted there, and answered {self.answered}"
        )


def check_services(dsn: Dsn, setups: Iterable[Setup]) -> None:
    """As `check`, for running services of the suite. All that use a database can write."""
    services = [setup.described for setup in setups]
    check(dsn, {one.name: one.url for one in services if one.needs_database}, OPERATIONS)


def check(dsn: Dsn, urls: Mapping[str, str], operations: Collection[str], trusted: str = "") -> None:
    """Raise VerificationError that lists the failed proofs. `urls` has the URL of each service or target by name."""
    if wrong := failures(dsn, urls, operations, trusted):
        listed = "\n  ".join(["nothing was written and nothing was measured:", *dict.fromkeys(map(str, wrong))])
        if all(one.is_obstacle for one in wrong):
            raise VerificationError(listed)
        raise VerificationError(
            f"{listed}\nThe benchmark's tables are those that the harness finds at {dsn.redacted}. Check what makes"
            " another program find other tables: another URL, `options`, a search_path, a pooler."
        )


def failures(dsn: Dsn, urls: Mapping[str, str], operations: Collection[str], trusted: str = "") -> list[FailedProof]:
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
        found = [_failure(name, url, table, planted, trusted) for name, url in urls.items() for table in tables]
    return [one for one in found if one is not None]


def _failure(name: str, url: str, table: str, planted: Proof, trusted: str) -> FailedProof | None:
    """Request the row of one table from one URL. None if it is returned."""
    path, field = {
        "users": (f"/users/{planted.user_id}", "name"),
        "notes": (f"/notes/{planted.note_id}", "data"),
    }[table]
    try:
        [reply] = asking.ask(url, [Question("GET", path)], trusted=trusted)
    except UnansweredError as error:
        return FailedProof(name, table, path, f"no answer ({error})")
    if obstacle := obstacles.of_reply(url, path, reply):
        return FailedProof(name, table, path, obstacle, is_obstacle=True)
    try:
        seen = json.loads(reply.body)[field] if reply.status == HTTPStatus.OK else None
    except (ValueError, TypeError, KeyError):
        seen = None
    answered = f"status {reply.status} {reply.text[:SHOWN_LETTERS]}"
    return None if seen == planted.nonce else FailedProof(name, table, path, answered)
