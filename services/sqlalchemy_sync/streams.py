"""Streams with SQLAlchemy's ORM: when an answer that takes seconds gives its connection back.

Each endpoint reads users, waits (as for a model that thinks), then sends a line at a time.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import orm, select

from services import tables
from services.contract import models, params, streaming
from services.contract.streaming import UserLines
from services.sqlalchemy_sync.database import Session

router = APIRouter(prefix="/streams", default_response_class=UserLines)


def get_session() -> Iterator[orm.Session]:
    with Session() as session:
        yield session


# Until the response has been sent, or until the endpoint returns.
OfRequest = Annotated[orm.Session, Depends(get_session)]
OfFunction = Annotated[orm.Session, Depends(get_session, scope="function")]


@router.get("/request", responses=streaming.RESPONSES)
def stream_request(session: OfRequest, stream: params.Stream) -> UserLines:
    users = read_users(session, stream)
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/function", responses=streaming.RESPONSES)
def stream_function(session: OfFunction, stream: params.Stream) -> UserLines:
    users = read_users(session, stream)
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/early", responses=streaming.RESPONSES)
def stream_early(session: OfRequest, stream: params.Stream) -> UserLines:
    users = read_users(session, stream)
    session.commit()  # this gives the connection back to the pool
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


@router.get("/own", responses=streaming.RESPONSES)
def stream_own(stream: params.Stream) -> UserLines:
    with Session() as session:
        users = read_users(session, stream)
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


def read_users(session: orm.Session, stream: params.StreamQuery) -> list[models.User]:
    query = select(tables.User).order_by(tables.User.id).offset(stream.offset).limit(stream.limit)
    return [models.User.model_validate(user) for user in session.scalars(query)]


def lines(users: Sequence[models.User], seconds: float) -> Iterator[str]:
    for user in users:
        time.sleep(streaming.pause_s(seconds, users))
        yield streaming.line(user)
