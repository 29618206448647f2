"""Streams with psycopg 3: when an answer that takes seconds gives its connection back.

Each endpoint reads users, waits (as for a model that thinks), then sends a line at a time.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from psycopg import Connection
from psycopg.rows import class_row

from services.contract import models, params, streaming
from services.contract.streaming import UserLines
from services.psycopg3_sync.database import pool

LIST_USERS = "SELECT id, name, email, created_at FROM users ORDER BY id OFFSET %s LIMIT %s"

router = APIRouter(prefix="/streams", default_response_class=UserLines)


def get_connection() -> Iterator[Connection]:
    with pool.connection() as conn:
        yield conn


# Until the response has been sent, or until the endpoint returns.
OfRequest = Annotated[Connection, Depends(get_connection)]
OfFunction = Annotated[Connection, Depends(get_connection, scope="function")]


@router.get("/request", responses=streaming.RESPONSES)
def stream_request(conn: OfRequest, stream: params.Stream) -> UserLines:
    users = read_users(conn, stream)
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/function", responses=streaming.RESPONSES)
def stream_function(conn: OfFunction, stream: params.Stream) -> UserLines:
    users = read_users(conn, stream)
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/early", responses=streaming.RESPONSES)
def stream_early(conn: OfRequest, stream: params.Stream) -> UserLines:
    users = read_users(conn, stream)
    conn.commit()  # this ends the transaction; the connection stays taken
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/own", responses=streaming.RESPONSES)
def stream_own(stream: params.Stream) -> UserLines:
    with pool.connection() as conn:
        users = read_users(conn, stream)
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


def read_users(conn: Connection, stream: params.StreamQuery) -> list[models.User]:
    with conn.cursor(row_factory=class_row(models.User)) as cur:
        cur.execute(LIST_USERS, (stream.offset, stream.limit))
        return cur.fetchall()


def lines(users: Sequence[models.User], seconds: float) -> Iterator[str]:
    for user in users:
        time.sleep(streaming.pause_s(seconds, users))
        yield streaming.line(user)
