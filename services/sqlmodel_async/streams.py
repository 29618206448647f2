"""Streams with SQLModel: when an answer that takes seconds gives its connection back.

Each endpoint reads users, waits (as for a model that thinks), then sends a line at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services import sqlmodel_tables as tables
from services.contract import models, params, streaming
from services.contract.streaming import UserLines
from services.sqlmodel_async.database import engine

router = APIRouter(prefix="/streams", default_response_class=UserLines)


async def get_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine) as session:
        yield session


# Until the response has been sent, or until the endpoint returns.
OfRequest = Annotated[AsyncSession, Depends(get_session)]
OfFunction = Annotated[AsyncSession, Depends(get_session, scope="function")]


@router.get("/request", responses=streaming.RESPONSES)
async def stream_request(session: OfRequest, stream: params.Stream) -> UserLines:
    users = await read_users(session, stream)
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/function", responses=streaming.RESPONSES)
async def stream_function(session: OfFunction, stream: params.Stream) -> UserLines:
    users = await read_users(session, stream)
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/early", responses=streaming.RESPONSES)
async def stream_early(session: OfRequest, stream: params.Stream) -> UserLines:
    users = await read_users(session, stream)
    await session.commit()  # this gives the connection back to the pool
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/own", responses=streaming.RESPONSES)
async def stream_own(stream: params.Stream) -> UserLines:
    async with AsyncSession(engine) as session:
        users = await read_users(session, stream)
    await asyncio.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


async def read_users(session: AsyncSession, stream: params.StreamQuery) -> list[models.User]:
    query = select(tables.User).order_by(col(tables.User.id)).offset(stream.offset).limit(stream.limit)
    return [models.User.model_validate(user) for user in await session.exec(query)]


async def lines(users: Sequence[models.User], seconds: float) -> AsyncIterator[str]:
    for user in users:
        await asyncio.sleep(streaming.pause_s(seconds, users))
        yield streaming.line(user)
