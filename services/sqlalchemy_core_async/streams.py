"""Streams with SQLAlchemy Core: when an answer that takes seconds gives its connection back.

Each endpoint reads users, waits (as for a model that thinks), then sends a line at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.contract import models, params, streaming
from services.contract.streaming import UserLines
from services.sqlalchemy_core_async.database import engine
from services.tables import users as users_table

LIST_USERS = select(users_table).order_by(users_table.c.id).offset(bindparam("offset")).limit(bindparam("limit"))

router = APIRouter(prefix="/streams", default_response_class=UserLines)


async def get_connection() -> AsyncIterator[AsyncConnection]:
    async with engine.connect() as conn:
        yield conn


# Until the response has been sent, or until the endpoint returns.
OfRequest = Annotated[AsyncConnection, Depends(get_connection)]
OfFunction = Annotated[AsyncConnection, Depends(get_connection, scope="function")]


@router.get("/request", responses=streaming.RESPONSES)
async def stream_request(conn: OfRequest, stream: params.Stream) -> UserLines:
    users = await read_users(conn, stream)
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/function", responses=streaming.RESPONSES)
async def stream_function(conn: OfFunction, stream: params.Stream) -> UserLines:
    users = await read_users(conn, stream)
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/early", responses=streaming.RESPONSES)
async def stream_early(conn: OfRequest, stream: params.Stream) -> UserLines:
    users = await read_users(conn, stream)
    await conn.commit()  # this ends the transaction; the connection stays taken
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/own", responses=streaming.RESPONSES)
async def stream_own(stream: params.Stream) -> UserLines:
    async with engine.connect() as conn:
        users = await read_users(conn, stream)
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


async def read_users(conn: AsyncConnection, stream: params.StreamQuery) -> list[models.User]:
    rows = await conn.execute(LIST_USERS, {"offset": stream.offset, "limit": stream.limit})
    return [models.User.model_validate(row) for row in rows]


async def lines(users: Sequence[models.User], seconds: float) -> AsyncIterator[str]:
    for user in users:
        await asyncio.sleep(streaming.pause_s(seconds, users))
        yield streaming.line(user)
