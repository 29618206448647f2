"""Streams with asyncpg: when an answer that takes seconds gives its connection back.

Each endpoint reads users, waits (as for a model that thinks), then sends a line at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from asyncpg.pool import PoolConnectionProxy
from fastapi import APIRouter, Depends

from services.asyncpg_async.database import connection
from services.contract import models, params, streaming
from services.contract.streaming import UserLines

LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET $1 LIMIT $2"

router = APIRouter(prefix="/streams", default_response_class=UserLines)


async def get_connection() -> AsyncIterator[PoolConnectionProxy]:
    async with connection() as conn:
        yield conn


# Until the response has been sent, or until the endpoint returns.
OfRequest = Annotated[PoolConnectionProxy, Depends(get_connection)]
OfFunction = Annotated[PoolConnectionProxy, Depends(get_connection, scope="function")]


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
    async with conn.transaction():  # this ends the transaction; the connection stays taken
        users = await read_users(conn, stream)
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/own", responses=streaming.RESPONSES)
async def stream_own(stream: params.Stream) -> UserLines:
    async with connection() as conn:
        users = await read_users(conn, stream)
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


async def read_users(conn: PoolConnectionProxy, stream: params.StreamQuery) -> list[models.User]:
    rows = await conn.fetch(LIST_USERS, stream.offset, stream.limit)
    return [models.User(**row) for row in rows]


async def lines(users: Sequence[models.User], seconds: float) -> AsyncIterator[str]:
    for user in users:
        await asyncio.sleep(streaming.pause_s(seconds, users))
        yield streaming.line(user)
