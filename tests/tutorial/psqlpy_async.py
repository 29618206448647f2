"""psqlpy, as in "FastAPI", the advanced example of its documentation (usage/frameworks/fastapi.html)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from psqlpy import ConnectionPool

from tests.tutorial.models import User


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.db_pool = ConnectionPool(dsn=os.environ["DATABASE_URL"], max_db_pool_size=10)
    yield
    app.state.db_pool.close()


app = FastAPI(lifespan=lifespan)


async def db_pool(request: Request) -> ConnectionPool:
    pool: ConnectionPool = request.app.state.db_pool
    return pool


@app.get("/users/{user_id}")
async def read_user(user_id: int, pool: Annotated[ConnectionPool, Depends(db_pool)]) -> User:
    async with pool.acquire() as conn:
        found = await conn.execute("SELECT id, name, email, created_at FROM users WHERE id = $1", [user_id])
    users = found.as_class(User)
    if not users:
        raise HTTPException(status_code=404, detail="User not found")
    return users[0]
