"""What a cell's ceilings are: PostgreSQL alone with a scenario's own SQL, and the landmarks that had the same load."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.plan.matrix import SETUP_AXES, Cell
from bench.plan.model import Scalar
from suite import catalogue
from suite.errors import LoadError

PRINTED = "pgbench.txt"
# What these scenarios are about is no SQL: pgbench can neither sleep inside a session for nothing, nor call another
# service, nor compute on what it read.
WITHOUT_CEILING = frozenset({"relations", "session_sleep", "simulation", "slow_query", "stream", "synchronize"})
READ_USER = "SELECT id, name, email, created_at FROM users WHERE id = :id;\n"
ANY_USER = "\\set id random(1, :users)\n" + READ_USER
ANY_PAGE = (
    "\\set offset random(0, :users - 10)\n"
    "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET :offset LIMIT 10;\n"
)
# A round of writes on a separate row, as the crud scenario's users make it.
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
    """A pgbench script: how often it is chosen, and how many of the service's requests it replaces."""

    text: str
    weight: int = 1
    requests: int = 1


def of(cell: Cell) -> Alone | None:
    """Which ceiling of PostgreSQL a cell has, if any: on as many connections as its users can keep busy.

    Behind a relay there is none: pgbench has no distance from the database.
    """
    connections = min(cell.setup.connections, cell.users)
    if not connections or cell.setup.database_rtt_ms is not None:
        return None
    return Alone(cell.scenario, cell.parameters, connections)


def wanted(cells: Sequence[Cell]) -> list[Alone]:
    """Every ceiling of these cells whose SQL is known here, once each."""
    of_cells = dict.fromkeys(of(cell) for cell in cells if not cell.once)
    return [one for one in of_cells if one is not None and scripts(one.scenario, dict(one.parameters))]


def has_load_of(landmark: Cell, cell: Cell) -> bool:
    """Whether a landmark was measured as a cell was: scenario, users, parameters, and how both services run.

    How a target runs is not known; its load is all that can be the same. Without a database, the endpoints must be of
    the same kind: a `def` endpoint takes a thread and back, which is FastAPI's cost and not that of a library.
    """
    load = (landmark.scenario, landmark.users, landmark.parameters) == (cell.scenario, cell.users, cell.parameters)
    mine, theirs = landmark.setup, cell.setup
    same = bool(mine.url or theirs.url) or all(getattr(mine, axis) == getattr(theirs, axis) for axis in SETUP_AXES)
    if is_without_database(landmark) and mode(cell) not in {"", mode(landmark)}:
        return False
    return load and same


def mode(cell: Cell) -> str:
    """How the cell's endpoints are defined: `sync` or `async`; empty of a target or a service that is gone."""
    known = catalogue.services()
    return "" if cell.setup.url or cell.service not in known else known[cell.service].mode


def is_without_database(landmark: Cell) -> bool:
    """Whether its service uses no database; false of targets, and where a stored run names a service that is gone."""
    known = catalogue.services()
    return not landmark.setup.url and landmark.service in known and not known[landmark.service].needs_database


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
    """How many requests of the service one pgbench transaction replaces, on average."""
    return sum(one.weight * one.requests for one in mix) / sum(one.weight for one in mix)


def requests_per_s(alone: Alone, printed: str) -> float:
    """What pgbench printed, as requests of the service. Raises LoadError without a figure or of other connections."""
    clients = re.search(r"^number of clients: (\d+)$", printed, re.MULTILINE)
    if clients is not None and int(clients[1]) != alone.connections:
        raise LoadError(f"pgbench had {clients[1]} connections, not {alone.connections}")
    mix = scripts(alone.scenario, dict(alone.parameters))
    return transactions_per_s(printed) * requests_per_transaction(mix)


def transactions_per_s(printed: str) -> float:
    """The figure without connecting. Raises LoadError when there is none."""
    found = re.search(r"^tps = ([\d.]+)", printed, re.MULTILINE)
    if found is None:
        raise LoadError(f"pgbench printed no throughput: {printed.strip()[-200:]}")
    return float(found[1])
