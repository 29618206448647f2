"""psycopg 3, as in "Connection pools" (advanced/pool.html) and "Row factories" of its documentation, under FastAPI."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool

from tests.tutorial.models import User

pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"], min_size=10, max_size=10, kwargs={"options": "-c timezone=UTC"}, open=False
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    await pool.open()
    yield
    await pool.close()


app = FastAPI(lifespan=lifespan)


@app.get("/users/{user_id}")
async def read_user(user_id: int) -> User:
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(User)) as cur:
        await cur.execute("SELECT id, name, email, created_at FROM users WHERE id = %s", (user_id,))
        user = await cur.fetchone()
    if user is None:
        raise HTTPException(status_code=404, detail="User not found")
    return user
