"""SQLAlchemy Core, as in "Asynchronous I/O" (orm/extensions/asyncio.html) and "Using SELECT Statements"."""

import os
from datetime import datetime

from fastapi import FastAPI, HTTPException
from sqlalchemy import BigInteger, Column, DateTime, MetaData, Row, String, Table, make_url, select
from sqlalchemy.ext.asyncio import create_async_engine

from tests.tutorial import models

users = Table(
    "users",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("name", String, nullable=False),
    Column("email", String, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+asyncpg")
engine = create_async_engine(url, pool_size=10, max_overflow=0)

app = FastAPI()


@app.get("/users/{user_id}", response_model=models.User)
async def read_user(user_id: int) -> Row[int, str, str, datetime]:
    async with engine.connect() as conn:
        result = await conn.execute(select(users).where(users.c.id == user_id))
    user = result.one_or_none()
    if user is None:
        raise HTTPException(status_code=404, detail="User not found")
    return user
