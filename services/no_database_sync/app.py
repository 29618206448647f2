"""No database, `def` endpoints on FastAPI's threads: what of a synchronous service's time is not its library's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from db.data import dataset
from services import introspection, metrics
from services.contract import errors, models, params, point_reads
from services.no_database_sync import studies
from services.settings import Settings

settings = Settings.from_environment()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = settings.threads
    metrics.watch(settings)
    yield


app = FastAPI(title="no database (sync)", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


def generated_user(user_id: int) -> models.User:
    return models.User(**dataset.user(user_id)._asdict())


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
def read_user(user_id: params.UserId) -> models.User:
    if user_id > settings.dataset_users:
        raise errors.user_not_found(user_id)
    return generated_user(user_id)


@app.get("/users")
def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    last = min(offset + limit, settings.dataset_users)
    return [generated_user(user_id) for user_id in range(offset + 1, last + 1)]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
def create_user(fields: models.UserFields) -> models.User:
    raise errors.needs_a_database()


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    raise errors.needs_a_database()


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
def delete_user(user_id: params.UserId) -> None:
    raise errors.needs_a_database()


@app.get("/point-reads")
def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    return [generated_user(user_id) for user_id in point_reads.ids(count, seed, settings.dataset_users)]


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
