"""The `databases` package, as in "Database Queries" of its documentation (database_queries), under FastAPI."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from databases import Database
from fastapi import FastAPI, HTTPException

from tests.tutorial.models import User

database = Database(os.environ["DATABASE_URL"], min_size=10, max_size=10)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await database.connect()
    yield
    await database.disconnect()


app = FastAPI(lifespan=lifespan)


@app.get("/users/{user_id}")
async def read_user(user_id: int) -> User:
    query = "SELECT id, name, email, created_at FROM users WHERE id = :id"
    row = await database.fetch_one(query=query, values={"id": user_id})
    if row is None:
        raise HTTPException(status_code=404, detail="User not found")
    return User(**row._mapping)
