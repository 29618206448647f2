"""No database: rows are computed, so only FastAPI, HTTP and the load generator take time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from db.data import dataset
from services import introspection, metrics
from services.contract import errors, models, params, point_reads
from services.no_database import studies
from services.settings import Settings

settings = Settings.from_environment()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    metrics.watch(settings)
    yield


app = FastAPI(title="no database", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


def generated_user(user_id: int) -> models.User:
    return models.User(**dataset.user(user_id)._asdict())


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    if user_id > settings.dataset_users:
        raise errors.user_not_found(user_id)
    return generated_user(user_id)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    last = min(offset + limit, settings.dataset_users)
    return [generated_user(user_id) for user_id in range(offset + 1, last + 1)]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    raise errors.needs_a_database()


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    raise errors.needs_a_database()


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    raise errors.needs_a_database()


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    return [generated_user(user_id) for user_id in point_reads.ids(count, seed, settings.dataset_users)]


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
