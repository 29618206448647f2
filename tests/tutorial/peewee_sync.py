"""peewee, as in "General Pattern for Any Framework" of its documentation (peewee/framework_integration.html)."""

import os

from fastapi import FastAPI, HTTPException
from peewee import BigAutoField, DateTimeField, Model, TextField
from playhouse.pool import PooledPostgresqlDatabase

from tests.tutorial import models

database = PooledPostgresqlDatabase(os.environ["DATABASE_URL"], max_connections=40, options="-c timezone=UTC")
app = FastAPI()


class User(Model):
    id = BigAutoField()
    name = TextField()
    email = TextField()
    created_at = DateTimeField()

    class Meta:
        database = database
        table_name = "users"


@app.get("/users/{user_id}", response_model=models.User)
def read_user(user_id: int) -> User:
    with database.connection_context():
        user = User.get_or_none(User.id == user_id)
    if user is None:
        raise HTTPException(status_code=404, detail="User not found")
    return user
