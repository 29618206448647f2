"""Piccolo, as in the FastAPI application that `piccolo asgi new` writes (piccolo/asgi/index.html)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from piccolo.columns import BigSerial, Text, Timestamptz
from piccolo.engine import PostgresEngine
from piccolo.table import Table

from tests.tutorial import models

DB = PostgresEngine(config={"dsn": os.environ["DATABASE_URL"]})


class User(Table, tablename="users", db=DB):
    id = BigSerial(primary_key=True)
    name = Text()
    email = Text()
    created_at = Timestamptz()


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await DB.start_connection_pool(min_size=10, max_size=10)
    yield
    await DB.close_connection_pool()


app = FastAPI(lifespan=lifespan)


@app.get("/users/{user_id}")
async def read_user(user_id: int) -> models.User:
    row = await User.select().where(User.id == user_id).first()
    if row is None:
        raise HTTPException(status_code=404, detail="User not found")
    return models.User(**row)
