"""Tortoise ORM, as in "FastAPI Examples" of its documentation (examples/fastapi.html)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from tortoise import fields
from tortoise.contrib.fastapi import RegisterTortoise
from tortoise.models import Model

from tests.tutorial import models


class User(Model):
    id = fields.BigIntField(primary_key=True)
    name = fields.TextField()
    email = fields.TextField()
    created_at = fields.DatetimeField()

    class Meta:
        table = "users"


url = os.environ["DATABASE_URL"].replace("postgresql://", "asyncpg://")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with RegisterTortoise(app, db_url=f"{url}?minsize=10&maxsize=10", modules={"models": [__name__]}):
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/users/{user_id}")
async def read_user(user_id: int) -> models.User:
    user = await User.get_or_none(id=user_id)
    if user is None:
        raise HTTPException(status_code=404, detail="User not found")
    return models.User.model_validate(user, from_attributes=True)
