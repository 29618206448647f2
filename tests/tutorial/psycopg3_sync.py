"""psycopg 3, as in "Connection pools" (advanced/pool.html) and "Row factories" of its documentation, under FastAPI."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from psycopg.rows import class_row
from psycopg_pool import ConnectionPool

from tests.tutorial.models import User

pool = ConnectionPool(
    os.environ["DATABASE_URL"], min_size=40, max_size=40, kwargs={"options": "-c timezone=UTC"}, open=False
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    pool.open()
    yield
    pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/users/{user_id}")
def read_user(user_id: int) -> User:
    with pool.connection() as conn, conn.cursor(row_factory=class_row(User)) as cur:
        user = cur.execute("SELECT id, name, email, created_at FROM users WHERE id = %s", (user_id,)).fetchone()
    if user is None:
        raise HTTPException(status_code=404, detail="User not found")
    return user
