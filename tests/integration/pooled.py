"""An application whose session comes from a dependency with `yield`, which no service has: it is closed late.

The answer is the pid of the server's process behind the connection that was used.
"""

import os
from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

app = FastAPI()
engine = create_engine(make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg2"))


def session() -> Iterator[Session]:
    """As FastAPI's tutorial has it: closed after the response was sent."""
    with Session(engine) as opened:
        yield opened


@app.get("/dependency")
def with_dependency(opened: Annotated[Session, Depends(session)]) -> object:
    """A thread of its own for the dependency, for the endpoint and for closing."""
    return [opened.scalar(text("SELECT pg_backend_pid()"))]
