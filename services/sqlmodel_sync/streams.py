"""Streams with SQLModel: when an answer that takes seconds gives its connection back.

Each endpoint reads users, waits (as for a model that thinks), then sends a line at a time.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlmodel import Session, col, select

from services import sqlmodel_tables as tables
from services.contract import models, params, streaming
from services.contract.streaming import UserLines
from services.sqlmodel_sync.database import engine

router = APIRouter(prefix="/streams", default_response_class=UserLines)


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


# Until the response has been sent, or until the endpoint returns.
OfRequest = Annotated[Session, Depends(get_session)]
OfFunction = Annotated[Session, Depends(get_session, scope="function")]


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
    with Session(engine) as session:
        users = read_users(session, stream)
    time.sleep(stream.first_byte_s)
    return UserLines(lines(users, stream.stream_s))


def read_users(session: Session, stream: params.StreamQuery) -> list[models.User]:
    query = select(tables.User).order_by(col(tables.User.id)).offset(stream.offset).limit(stream.limit)
    return [models.User.model_validate(user) for user in session.exec(query)]


def lines(users: Sequence[models.User], seconds: float) -> Iterator[str]:
    for user in users:
        time.sleep(streaming.pause_s(seconds, users))
        yield streaming.line(user)
