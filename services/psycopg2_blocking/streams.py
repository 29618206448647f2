"""Streams with psycopg2 in `async def`: each wait blocks the event loop, and with it all other requests.

Each endpoint reads users, waits (as for a model that thinks), then sends a line at a time.
"""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from psycopg2.extras import RealDictCursor

from services.contract import models, params, streaming
from services.contract.streaming import UserLines
from services.psycopg2_blocking.database import cursor

LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET %s LIMIT %s"

router = APIRouter(prefix="/streams", default_response_class=UserLines)


async def get_cursor() -> AsyncIterator[RealDictCursor]:
    with cursor() as cur:
        yield cur


# Until the response has been sent, or until the endpoint returns.
OfRequest = Annotated[RealDictCursor, Depends(get_cursor)]
OfFunction = Annotated[RealDictCursor, Depends(get_cursor, scope="function")]


@router.get("/request", responses=streaming.RESPONSES)
async def stream_request(cur: OfRequest, stream: params.Stream) -> UserLines:
    users = read_users(cur, stream)
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/function", responses=streaming.RESPONSES)
async def stream_function(cur: OfFunction, stream: params.Stream) -> UserLines:
    users = read_users(cur, stream)
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/early", responses=streaming.RESPONSES)
async def stream_early(cur: OfRequest, stream: params.Stream) -> UserLines:
    users = read_users(cur, stream)
    cur.connection.commit()  # this ends the transaction; the connection stays taken
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/own", responses=streaming.RESPONSES)
async def stream_own(stream: params.Stream) -> UserLines:
    with cursor() as cur:
        users = read_users(cur, stream)
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


def read_users(cur: RealDictCursor, stream: params.StreamQuery) -> list[models.User]:
    cur.execute(LIST_USERS, (stream.offset, stream.limit))
    return [models.User(**row) for row in cur.fetchall()]


async def lines(users: Sequence[models.User], seconds: float) -> AsyncIterator[str]:
    for user in users:
        time.sleep(streaming.pause_s(seconds, users))
        yield streaming.line(user)
