"""Piccolo on asyncpg: a connection for each query. Its engine is in database.py, the tables are in tables.py."""

from asyncpg import ForeignKeyViolationError, UniqueViolationError
from fastapi import FastAPI

from services import introspection, metrics
from services.contract import errors, models, params, point_reads
from services.piccolo_async import studies
from services.piccolo_async.database import lifespan, settings
from services.piccolo_async.tables import User

app = FastAPI(title="Piccolo", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app)


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
async def read_user(user_id: params.UserId) -> models.User:
    row = await User.select().where(User.id == user_id).first()
    if row is None:
        raise errors.user_not_found(user_id)
    return models.User(**row)


@app.get("/users")
async def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    # Piccolo writes both numbers into the statement: each page is one that asyncpg has to prepare.
    rows = await User.select().order_by(User.id).offset(offset).limit(limit)
    return [models.User(**row) for row in rows]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
async def create_user(fields: models.UserFields) -> models.User:
    user = User(name=fields.name, email=fields.email)
    try:
        await user.save()
    except UniqueViolationError:
        raise errors.email_taken() from None
    metrics.USERS_CREATED.inc()
    return models.User.model_validate(user)


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
async def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    update = User.update({User.name: fields.name, User.email: fields.email})
    try:
        rows = await update.where(User.id == user_id).returning(*User.all_columns())
    except UniqueViolationError:
        raise errors.email_taken() from None
    if not rows:
        raise errors.user_not_found(user_id)
    return models.User(**rows[0])


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
async def delete_user(user_id: params.UserId) -> None:
    try:
        rows = await User.delete().where(User.id == user_id).returning(User.id)
    except ForeignKeyViolationError:
        raise errors.user_has_orders(user_id) from None
    if not rows:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
async def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    rows = [
        await User.select().where(User.id == user_id).first()
        for user_id in point_reads.ids(count, seed, settings.dataset_users)
    ]
    return [models.User(**row) for row in rows]  # type: ignore[arg-type]  # every id of the dataset exists


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
