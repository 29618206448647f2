"""What every service answers: models, parameters, error answers and the table of operations.

Shared nouns only. How rows are read and written is each service's own business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import Counter
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


class Pong(BaseModel):
    """The answer that needs no database."""

    ping: str = "pong"


class Problem(BaseModel):
    """The body of a 404, 409, 501 or 503."""

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


def point_read_ids(count: int, seed: int, dataset_users: int) -> list[int]:
    """The user ids that `GET /point-reads` reads, in order: each in 1..dataset_users.

    A linear congruential generator (Knuth's MMIX constants, TAOCP vol. 2, 3.3.4) of which the upper 32 bits count.
    """
    ids, state = [], seed
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        ids.append((state >> 32) % dataset_users + 1)
    return ids


# --- errors ---------------------------------------------------------------------------------------------------

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": Problem}}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": Problem}}
UNAVAILABLE: dict[int | str, dict[str, Any]] = {503: {"model": Problem}}


def user_not_found(user_id: int) -> HTTPException:
    """404: no user has this id."""
    return HTTPException(404, f"user {user_id} not found")


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

    @app.exception_handler(pool_timeout)
    async def no_connection(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"detail": "no database connection came free in time"}, status_code=503)


# --- operations -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Operation:
    """One route, and how many data statements one call of it needs.

    `per` names the query parameter that the statements multiply with.
    """

    name: str
    method: str
    path: str
    data_statements: int
    per: str | None = None


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
        )
    }
)

USERS_CREATED = Counter("users_created", "Users that this service created.")
