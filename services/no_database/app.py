"""No database at all: rows computed on the spot, so that what is left is FastAPI, HTTP and the load generator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Request, Response

from db import dataset
from services.contract import (
    BAD_GATEWAY,
    CONFLICT,
    NOT_FOUND,
    UNAVAILABLE,
    Health,
    Limit,
    Note,
    NoteId,
    Offset,
    OrderingUserId,
    Pong,
    ReadCount,
    Seconds,
    Seed,
    Simulation,
    Sleep,
    Transaction,
    User,
    UserFields,
    UserId,
    add_error_handlers,
    point_read_ids,
    user_not_found,
)
from services.introspection import health_of
from services.metrics import metrics_of_all_workers, watch
from services.settings import Settings

settings = Settings.from_environment()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    watch()
    yield


app = FastAPI(title="no database", lifespan=lifespan, responses=UNAVAILABLE)
add_error_handlers(app)


def generated_user(user_id: int) -> User:
    return User(**dataset.user(user_id)._asdict())


def needs_a_database() -> HTTPException:
    return HTTPException(501, "this service has no database")


@app.get("/health")
async def health(request: Request) -> Health:
    return await health_of("no_database", settings, request)


@app.get("/ping")
async def ping() -> Pong:
    return Pong()


@app.get("/metrics", response_class=Response)
async def metrics() -> Response:
    return metrics_of_all_workers()


@app.get("/users/{user_id}", responses=NOT_FOUND)
async def read_user(user_id: UserId) -> User:
    if user_id > settings.dataset_users:
        raise user_not_found(user_id)
    return generated_user(user_id)


@app.get("/users")
async def list_users(offset: Offset = 0, limit: Limit = 10) -> list[User]:
    last = min(offset + limit, settings.dataset_users)
    return [generated_user(user_id) for user_id in range(offset + 1, last + 1)]


@app.post("/users", status_code=201, responses=CONFLICT)
async def create_user(fields: UserFields) -> User:
    raise needs_a_database()


@app.put("/users/{user_id}", responses=NOT_FOUND | CONFLICT)
async def update_user(user_id: UserId, fields: UserFields) -> User:
    raise needs_a_database()


@app.delete("/users/{user_id}", status_code=204, responses=NOT_FOUND | CONFLICT)
async def delete_user(user_id: UserId) -> None:
    raise needs_a_database()


@app.get("/point-reads")
async def read_many(count: ReadCount, seed: Seed) -> list[User]:
    return [generated_user(user_id) for user_id in point_read_ids(count, seed, settings.dataset_users)]


@app.get("/notes/{note_id}", responses=NOT_FOUND)
async def read_note(note_id: NoteId, transaction: Transaction = "implicit") -> Note:
    raise needs_a_database()


@app.post("/notes/{note_id}/synchronize", responses=NOT_FOUND | BAD_GATEWAY)
async def synchronize_note(note_id: NoteId, transaction: Transaction = "implicit") -> Note:
    raise needs_a_database()


@app.get("/session-sleep", status_code=204)
async def session_sleep(sleep: Sleep, seconds: Seconds = 2.0) -> None:
    raise needs_a_database()


@app.get("/simulation")
async def simulation(user_id: OrderingUserId) -> Simulation:
    raise needs_a_database()
