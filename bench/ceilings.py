"""What PostgreSQL does alone: pgbench with a scenario's own SQL, on as many connections as the service has."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench import results, variables
from bench.errors import LoadError
from bench.plan import Cell, Scalar
from bench.processes import launched
from db import binaries
from db.dsn import Dsn

SECONDS = 5
PATIENCE_S = 30.0
PRINTED = "pgbench.txt"
# Of the user's PG* variables; others would change what is measured.
HOW_TO_CONNECT = ("PGSSL", "PGPASSFILE", "PGCHANNELBINDING", "PGREQUIREAUTH", "PGGSS", "PGKRB")

# What these scenarios are about is no SQL: pgbench can neither sleep inside a session for nothing, nor call another
# service, nor compute on what it read.
WITHOUT_CEILING = frozenset({"session_sleep", "simulation", "synchronize"})

READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = :id;\n"
ANY_USER = "\\set id random(1, :users)\n" + READ_USER
ANY_PAGE = (
    "\\set offset random(0, :users - 10)\n"
    "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET :offset LIMIT 10;\n"
)
# A round of writes on a row of its own, as the crud scenario's users go through it.
WRITES = """\
\\set letter random(1, 9000000000000000)
INSERT INTO users (name, email) VALUES ('Load User', 'pgbench-' || :client_id || '.' || :letter || '@example.com')
    RETURNING id, name, email, created_at \\gset
UPDATE users SET name = 'Load User 2', email = 'pgbench-' || :client_id || '.' || :letter || '@example.org'
    WHERE id = :id RETURNING id, name, email, created_at;
DELETE FROM users WHERE id = :id RETURNING id;
"""


class Alone(NamedTuple):
    """What a ceiling belongs to."""

    scenario: str
    parameters: tuple[tuple[str, Scalar], ...]
    connections: int


@dataclass(frozen=True)
class Script:
    """A pgbench script: how often it is chosen, and for how many of the service's requests it stands."""

    text: str
    weight: int = 1
    requests: int = 1


def of(cell: Cell) -> Alone:
    """Which ceiling a cell has."""
    return Alone(cell.scenario, cell.parameters, cell.setup.connections)


def scripts(scenario: str, parameters: Mapping[str, Scalar]) -> tuple[Script, ...]:
    """The same statements that a scenario's requests make; none for a scenario whose SQL is not known here."""
    if scenario == "point_read":
        return (Script(ANY_USER),)
    if scenario == "list_page":
        return (Script(ANY_PAGE),)
    if scenario == "read_many":
        return (Script(ANY_USER * int(parameters.get("count", 20))),)
    if scenario == "crud":
        return (Script(ANY_USER, weight=50), Script(ANY_PAGE, weight=20), Script(WRITES, weight=10, requests=3))
    return ()


def requests_per_transaction(mix: Sequence[Script]) -> float:
    """Requests of the service that one pgbench transaction stands for, on average."""
    return sum(one.weight * one.requests for one in mix) / sum(one.weight for one in mix)


def measure(alone: Alone, dsn: Dsn, users: int, cpus: Sequence[int], folder: Path) -> float | None:
    """Requests/s of PostgreSQL alone; None for a scenario without scripts. Raises LoadError when pgbench fails."""
    mix = scripts(alone.scenario, dict(alone.parameters))
    if not mix or not alone.connections:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    chosen = []
    for number, script in enumerate(mix):
        path = folder / f"{alone.scenario}-{number}.sql"
        results.write_whole(path, script.text)
        chosen += ["-f", f"{path}@{script.weight}"]
    command = [
        str(binaries.installed() / "bin/pgbench"), "--no-vacuum", "--protocol=prepared",
        f"--client={alone.connections}", "--jobs=1", f"--time={SECONDS}", f"--define=users={users}", *chosen,
    ]  # fmt: skip
    try:
        answer = subprocess.run(
            launched(command, cpus),
            env=variables.clean() | environment(dsn),  # where no other user of the machine can read the password
            capture_output=True,
            text=True,
            timeout=SECONDS + PATIENCE_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise LoadError(f"pgbench failed on {dsn.redacted}: {error.stderr.strip().partition(chr(10))[0]}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LoadError(f"pgbench did not run on {dsn.redacted}: {error}") from None
    results.write_whole(folder / PRINTED, answer.stdout)
    return transactions_per_s(answer.stdout) * requests_per_transaction(mix)


def measured(alone: Alone, folder: Path) -> float | None:
    """What `measure` found in this folder; None where it did not come to an end."""
    mix, printed = scripts(alone.scenario, dict(alone.parameters)), folder / PRINTED
    if not mix or not printed.exists():
        return None
    return transactions_per_s(printed.read_text()) * requests_per_transaction(mix)


def transactions_per_s(printed: str) -> float:
    """The figure without connecting. Raises LoadError when there is none."""
    found = re.search(r"^tps = ([\d.]+)", printed, re.MULTILINE)
    if found is None:
        raise LoadError(f"pgbench printed no throughput: {printed.strip()[-200:]}")
    return float(found[1])


def environment(dsn: Dsn) -> dict[str, str]:
    """How libpq is told of a server, and of the `options` that decide to which tables names lead there."""
    known = {"PGHOST": dsn.host, "PGPORT": str(dsn.port), "PGUSER": dsn.user, "PGDATABASE": dsn.dbname}
    known["PGOPTIONS"] = dict(dsn.parameters).get("options", "")
    libpq = {name: value for name, value in os.environ.items() if name.startswith(HOW_TO_CONNECT)}
    return libpq | known | ({"PGPASSWORD": dsn.password} if dsn.password else {})
