"""The operations: their routes, and how many data statements each needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

# The user that GET /session-sleep reads. It answers without a body: FastAPI serialises the body of a `def` endpoint on
# a thread, and the answer would wait for a free thread again while all of them sleep.
SLEEPERS_USER = 1
# How long the external API takes. It is a setting of the service that calls it, and no query parameter.
EXTERNAL_DELAY = "external_delay_s"
STREAM_SESSIONS = ("request", "function", "early", "own")
"""Where the session of a stream comes from: the last part of its path."""
ORDERS_PER_USER = 5
"""On average, in the dataset of each scale."""


@dataclass(frozen=True)
class Statements:
    """Data statements of one call: so many, and some again and again: each so often for each of its `per`."""

    fixed: int = 0
    again: tuple[int, ...] = ()

    def of(self, times: int) -> int:
        """Of a call with so many."""
        return self.fixed + sum(self.again) * times


@dataclass(frozen=True)
class Operation:
    """One route, how many data statements one call of it needs, and how often it uses a connection for them.

    `per` is the query parameter that multiplies the statements. `variants` has the values of the query parameter
    `varies`, each with its number of uses. No profile changes the transactions of such an operation.
    `loads` has the data statements of each variant, where these differ.
    PostgreSQL's statistics have the transactions of an operation only if it `reads_a_table`: a session that touched
    none reports nothing (pgstat_report_stat in PostgreSQL's pgstat.c).
    `least` names what no right answer is faster than: a query parameter in seconds, or EXTERNAL_DELAY, which every
    operation has that calls the external API.
    """

    name: str
    method: str
    path: str
    data_statements: int
    per: str | None = None
    uses: int = 1
    varies: str | None = None
    variants: Mapping[str, int] = field(default_factory=dict, hash=False)
    loads: Mapping[str, Statements] = field(default_factory=dict, hash=False)
    least: str = ""
    reads_a_table: bool = True

    def statements(self, variant: str | None, times: int) -> int:
        """Data statements of one call of a variant, with so many of its `per`."""
        return self._loads(variant).of(times)

    def executions(self, variant: str | None, times: int) -> tuple[int, ...]:
        """How often one such call executes each statement that it executes again and again."""
        return tuple(often * times for often in self._loads(variant).again)

    def _loads(self, variant: str | None) -> Statements:
        if variant is not None and variant in self.loads:
            return self.loads[variant]
        return Statements(0, (self.data_statements,)) if self.per else Statements(self.data_statements)

    def depends_on_rows(self, variant: str | None) -> bool:
        """Whether the number of statements follows from the rows, so that only its mean is known."""
        return variant is not None and variant in self.loads and bool(self.loads[variant].again)

    @property
    def writes(self) -> bool:
        """Whether it may change a row."""
        return self.method != "GET"

    @property
    def calls_external(self) -> bool:
        """Whether each call of it makes one of the external API."""
        return self.least == EXTERNAL_DELAY


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        operation.name: operation
        for operation in (
            Operation("health", "GET", "/health", 0),
            Operation("ping", "GET", "/ping", 0),
            Operation("metrics", "GET", "/metrics", 0),
            Operation("read_user", "GET", "/users/{user_id}", 1),
            Operation("list_users", "GET", "/users", 1),
            Operation("create_user", "POST", "/users", 1),
            Operation("update_user", "PUT", "/users/{user_id}", 1),
            Operation("delete_user", "DELETE", "/users/{user_id}", 1),
            Operation("read_many", "GET", "/point-reads", 1, per="count"),
            Operation(
                "read_note", "GET", "/notes/{note_id}", 1, varies="transaction", variants={"implicit": 1, "explicit": 1}
            ),
            Operation(
                "synchronize_note",
                "POST",
                "/notes/{note_id}/synchronize",
                2,
                varies="transaction",
                variants={"implicit": 1, "explicit": 2},
                least=EXTERNAL_DELAY,
            ),
            Operation(
                "session_sleep",
                "GET",
                "/session-sleep",
                1,
                varies="sleep",
                variants={"inside": 1, "outside": 1},
                least="seconds",
            ),
            Operation("simulation", "GET", "/simulation", 2, uses=2),
            *(
                Operation(f"stream_{session}", "GET", f"/streams/{session}", 1, least="stream_s")
                for session in STREAM_SESSIONS
            ),
            Operation(
                "relations",
                "GET",
                "/users-with-orders",
                1,
                per="parents",
                varies="loading",
                variants={"lazy": 1, "selectin": 1, "join": 1, "json": 1},
                loads={
                    "lazy": Statements(1, (1, ORDERS_PER_USER)),
                    "selectin": Statements(2),
                    "join": Statements(1),
                    "json": Statements(1),
                },
            ),
            Operation("slow_query", "GET", "/slow-query", 1, least="seconds", reads_a_table=False),
        )
    }
)
