"""Tortoise ORM on asyncpg: a connection for each query. Its pool is in database.py, the models are in tables.py."""

from fastapi import FastAPI
from tortoise.exceptions import IntegrityError

from services import introspection, metrics
from services.contract import errors, models, params, point_reads
from services.tortoise_async import studies
from services.tortoise_async.database import lifespan, settings
from services.tortoise_async.tables import User

app = FastAPI(title="Tortoise ORM", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    user = await User.get_or_none(id=user_id)
    if user is None:
        raise errors.user_not_found(user_id)
    return models.User.model_validate(user)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    users = await User.all().order_by("id").offset(offset).limit(limit)
    return [models.User.model_validate(user) for user in users]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    try:
        user = await User.create(name=fields.name, email=fields.email)
    except IntegrityError:
        raise errors.email_taken() from None
    metrics.USERS_CREATED.inc()
    return models.User.model_validate(user)


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    try:
        # Tortoise's UPDATE returns no row.
        await User.filter(id=user_id).update(name=fields.name, email=fields.email)
    except IntegrityError:
        raise errors.email_taken() from None
    return await read_user(user_id)


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        deleted = await User.filter(id=user_id).delete()
    except IntegrityError:
        raise errors.user_has_orders(user_id) from None
    if not deleted:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    users = [await User.get(id=user_id) for user_id in point_reads.ids(count, seed, settings.dataset_users)]
    return [models.User.model_validate(user) for user in users]


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
