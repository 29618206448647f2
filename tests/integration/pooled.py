"""An application that uses every pool that a trace knows of and no service of these tests has yet.

Each answer is the pid of the server's process behind the connection that was used.
"""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

URL = os.environ["DATABASE_URL"]
ASK = "SELECT pg_backend_pid()"

app = FastAPI()
engine = create_engine(make_url(URL).set(drivername="postgresql+psycopg2"))


def session() -> Iterator[Session]:
    """As FastAPI's tutorial has it: closed after the response was sent."""
    with Session(engine) as opened:
        yield opened


@app.get("/blocking")
def blocking() -> object:
    """psycopg 3 on a thread."""
    with ConnectionPool(URL, min_size=1) as pool, pool.connection() as connection:
        return connection.execute(ASK).fetchone()


@app.get("/awaited")
async def awaited() -> object:
    """psycopg 3, async."""
    async with AsyncConnectionPool(URL, min_size=1, open=False) as pool, pool.connection() as connection:
        return await (await connection.execute(ASK)).fetchone()


@app.get("/engine")
def with_engine() -> object:
    """SQLAlchemy on psycopg2, on a thread."""
    with engine.connect() as connection:
        return [connection.scalar(text(ASK))]


@app.get("/dependency")
def with_dependency(opened: Annotated[Session, Depends(session)]) -> object:
    """The same with a session from a dependency."""
    return [opened.scalar(text(ASK))]
