"""peewee on psycopg2: `def` endpoints on FastAPI's threads, a connection for each request.

The pool is in database.py, the models are in tables.py.
"""

from fastapi import FastAPI
from peewee import IntegrityError
from playhouse.pool import MaxConnectionsExceeded

from services import introspection, metrics
from services.contract import errors, models, params, point_reads
from services.peewee_sync import studies
from services.peewee_sync.database import database, lifespan, settings
from services.peewee_sync.tables import User

app = FastAPI(title="peewee", lifespan=lifespan, responses=errors.UNAVAILABLE)
errors.add_handlers(app, pool_timeout=MaxConnectionsExceeded)


@app.get("/users/{user_id}", responses=errors.NOT_FOUND)
def read_user(user_id: params.UserId) -> models.User:
    with database.connection_context():
        user = User.get_or_none(User.id == user_id)
    if user is None:
        raise errors.user_not_found(user_id)
    return models.User.model_validate(user)


@app.get("/users")
def list_users(offset: params.Offset = 0, limit: params.Limit = 10) -> list[models.User]:
    with database.connection_context():
        users = list(User.select().order_by(User.id).offset(offset).limit(limit))
    return [models.User.model_validate(user) for user in users]


@app.post("/users", status_code=201, responses=errors.CONFLICT)
def create_user(fields: models.UserFields) -> models.User:
    try:
        with database.connection_context():
            # User.create() would not read the time that PostgreSQL sets.
            [user] = User.insert(name=fields.name, email=fields.email).returning(User).execute()
    except IntegrityError:
        raise errors.email_taken() from None
    metrics.USERS_CREATED.inc()
    return models.User.model_validate(user)


@app.put("/users/{user_id}", responses=errors.NOT_FOUND | errors.CONFLICT)
def update_user(user_id: params.UserId, fields: models.UserFields) -> models.User:
    update = User.update(name=fields.name, email=fields.email).where(User.id == user_id)
    try:
        with database.connection_context():
            users = list(update.returning(User).execute())
    except IntegrityError:
        raise errors.email_taken() from None
    if not users:
        raise errors.user_not_found(user_id)
    return models.User.model_validate(users[0])


@app.delete("/users/{user_id}", status_code=204, responses=errors.NOT_FOUND | errors.CONFLICT)
def delete_user(user_id: params.UserId) -> None:
    try:
        with database.connection_context():
            deleted = User.delete_by_id(user_id)  # type: ignore[no-untyped-call]  # peewee leaves its type out
    except IntegrityError:
        raise errors.user_has_orders(user_id) from None
    if not deleted:
        raise errors.user_not_found(user_id)


@app.get("/point-reads")
def read_many(count: params.ReadCount, seed: params.Seed) -> list[models.User]:
    ids = point_reads.ids(count, seed, settings.dataset_users)
    with database.connection_context():
        users = [User.get_by_id(user_id) for user_id in ids]
    return [models.User.model_validate(user) for user in users]


introspection.add_routes(app, __name__, settings)
app.include_router(studies.router)
