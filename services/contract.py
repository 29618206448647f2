"""What every service answers: models, parameters, error answers and the table of operations.

Shared nouns only. How rows are read and written is each service's own business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal

import polars as pl
from fastapi import FastAPI, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

BIGINT_MAX = 2**63 - 1

# --- models ---------------------------------------------------------------------------------------------------

# PostgreSQL's text cannot hold NUL, so no name or address may.
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$")]


class UserFields(BaseModel):
    """What a client sends to create or replace a user."""

    name: Name
    email: Email


class User(BaseModel):
    """A row of `users`."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    email: str
    created_at: datetime


class Note(BaseModel):
    """A row of `notes`."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    data: str


class ProductsOrdered(BaseModel):
    """The products a user ordered, each once, column by column, ordered by id."""

    id: list[int]
    name: list[str]
    price: list[Decimal]


class OrdersWithItems(BaseModel):
    """A user's orders, a row an item, column by column; an order without items has one row without item.

    Ordered by order and item.
    """

    order_id: list[int]
    created_at: list[datetime]
    item_id: list[int | None]
    product_id: list[int | None]
    quantity: list[int | None]
    price: list[Decimal | None]


class Simulation(BaseModel):
    """What a user ordered, and a computation on it."""

    products: ProductsOrdered
    orders: OrdersWithItems
    total_quantity: int
    fibonacci: int

    @classmethod
    def of(cls, products: pl.DataFrame, orders: pl.DataFrame) -> "Simulation":
        """The answer made of both tables. It takes CPU time: over a second from a total quantity of 35."""
        total = int(orders["quantity"].sum())
        return cls(
            products=ProductsOrdered(**products.to_dict(as_series=False)),
            orders=OrdersWithItems(**orders.to_dict(as_series=False)),
            total_quantity=total,
            fibonacci=fibonacci(min(total, FIBONACCI_MAX)),
        )


class Pong(BaseModel):
    """The answer that needs no database."""

    ping: str = "pong"


class Problem(BaseModel):
    """The body of a 404, 409, 501, 502 or 503."""

    detail: str


class PoolSettings(BaseModel):
    """The connection pool of one worker, as it was set."""

    size: int
    overflow: int
    timeout_s: float


class Health(BaseModel):
    """Who answers, and with what inside."""

    service: str
    profile: str
    nonce: str
    pool: PoolSettings
    threads: int
    event_loop: str
    http_parser: str
    versions: dict[str, str]


# --- parameters -----------------------------------------------------------------------------------------------

UserId = Annotated[int, Path(ge=1, le=BIGINT_MAX)]
Offset = Annotated[int, Query(ge=0, le=BIGINT_MAX)]
Limit = Annotated[int, Query(ge=1, le=100)]
ReadCount = Annotated[int, Query(ge=1, le=100)]
Seed = Annotated[int, Query(ge=0, le=BIGINT_MAX)]


NoteId = Annotated[int, Path(ge=1, le=BIGINT_MAX)]
OrderingUserId = Annotated[int, Query(ge=1, le=BIGINT_MAX)]
# implicit: what the library does where nobody writes transaction code. explicit: short transactions, nothing held
# between them.
Transaction = Literal["implicit", "explicit"]
# Whether the session is still open while the request sleeps.
Sleep = Literal["inside", "outside"]
Seconds = Annotated[float, Query(ge=0, le=60, allow_inf_nan=False)]

# Whom GET /session-sleep reads. It answers without a body: FastAPI serialises that of a `def` endpoint on a thread, for
# which it would have to wait once more when all are asleep.
SLEEPERS_USER = 1


def point_read_ids(count: int, seed: int, dataset_users: int) -> list[int]:
    """The user ids that `GET /point-reads` reads, in order: each in 1..dataset_users.

    A linear congruential generator (Knuth's MMIX constants, TAOCP vol. 2, 3.3.4) of which the upper 32 bits count.
    """
    ids, state = [], seed
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        ids.append((state >> 32) % dataset_users + 1)
    return ids


# --- the simulation -------------------------------------------------------------------------------------------

PRODUCTS_ORDERED = pl.Schema({"id": pl.Int64(), "name": pl.String(), "price": pl.Decimal(10, 2)})
ORDERS_WITH_ITEMS = pl.Schema(
    {
        "order_id": pl.Int64(),
        "created_at": pl.Datetime("us", "UTC"),
        "item_id": pl.Int64(),
        "product_id": pl.Int64(),
        "quantity": pl.Int64(),
        "price": pl.Decimal(10, 2),
    }
)
FIBONACCI_MAX = 35


def fibonacci(n: int) -> int:
    """The n-th Fibonacci number by plain recursion: what is wanted is the CPU time that it takes."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


# --- errors ---------------------------------------------------------------------------------------------------

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": Problem}}
UNAVAILABLE: dict[int | str, dict[str, Any]] = {503: {"model": Problem}}
BAD_GATEWAY: dict[int | str, dict[str, Any]] = {502: {"model": Problem}}


class ExternalApiError(Exception):
    """The external API could not be reached, took too long or answered with an error."""


def user_not_found(user_id: int) -> HTTPException:
    """404: no user has this id."""
    return HTTPException(404, f"user {user_id} not found")


def note_not_found(note_id: int) -> HTTPException:
    """404: no note has this id."""
    return HTTPException(404, f"note {note_id} not found")


def email_taken() -> HTTPException:
    """409: another user has this address."""
    return HTTPException(409, "email already taken")


def user_has_orders(user_id: int) -> HTTPException:
    """409: orders refer to this user."""
    return HTTPException(409, f"user {user_id} has orders")


def add_error_handlers(app: FastAPI, *, pool_timeout: type[Exception] = TimeoutError) -> None:
    """Answer bad input, and waiting too long for a connection, alike in every service.

    `pool_timeout` is what the service's library raises when no connection came free in time.
    """

    @app.exception_handler(RequestValidationError)
    async def bad_input(_: Request, error: RequestValidationError) -> JSONResponse:
        # FastAPI's own handler echoes `input`, which it cannot serialise when that is NaN or a lone surrogate.
        problems = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in error.errors()]
        return JSONResponse({"detail": problems}, status_code=422)

    @app.exception_handler(ExternalApiError)
    async def no_answer(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"detail": "the external API did not answer"}, status_code=502)

    @app.exception_handler(pool_timeout)
    async def no_connection(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"detail": "no database connection came free in time"}, status_code=503)


# --- operations -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """One route, how many data statements one call of it needs, and how often it uses a connection for them.

    `per` names the query parameter that the statements multiply with. `variants` are the values of the query parameter
    `varies`, each with its own number of uses; no profile changes what such an operation does with transactions.
    """

    name: str
    method: str
    path: str
    data_statements: int
    per: str | None = None
    uses: int = 1
    varies: str | None = None
    variants: Mapping[str, int] = field(default_factory=dict, hash=False)


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
            ),
            Operation(
                "session_sleep", "GET", "/session-sleep", 1, varies="sleep", variants={"inside": 1, "outside": 1}
            ),
            Operation("simulation", "GET", "/simulation", 2, uses=2),
        )
    }
)
