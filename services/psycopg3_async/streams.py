"""Streams with psycopg 3: when an answer that takes seconds gives its connection back.

Each endpoint reads users, waits (as for a model that thinks), then sends a line at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from psycopg import AsyncConnection
from psycopg.rows import class_row

from services.contract import models, params, streaming
from services.contract.streaming import UserLines
from services.psycopg3_async.database import pool

LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET %s LIMIT %s"

router = APIRouter(prefix="/streams", default_response_class=UserLines)


async def get_connection() -> AsyncIterator[AsyncConnection]:
    async with pool.connection() as conn:
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
    async with pool.connection() as conn:
        users = await read_users(conn, stream)
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


async def read_users(conn: AsyncConnection, stream: params.StreamQuery) -> list[models.User]:
    async with conn.cursor(row_factory=class_row(models.User)) as cur:
        await cur.execute(LIST_USERS, (stream.offset, stream.limit))
        return await cur.fetchall()


async def lines(users: Sequence[models.User], seconds: float) -> AsyncIterator[str]:
    for user in users:
        await asyncio.sleep(streaming.pause_s(seconds, users))
        yield streaming.line(user)
