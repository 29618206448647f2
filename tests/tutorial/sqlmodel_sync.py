"""SQLModel, as in FastAPI's tutorial: "SQL (Relational) Databases" (tutorial/sql-databases), with its dependency."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import make_url
from sqlmodel import BigInteger, Field, Session, SQLModel, create_engine

from tests.tutorial import models


class User(SQLModel, table=True):
    __tablename__ = "users"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    name: str
    email: str
    created_at: datetime


url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
engine = create_engine(url, pool_size=40, max_overflow=0, connect_args={"options": "-c timezone=UTC"})


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session, max_concurrency=40)]

app = FastAPI()


@app.get("/users/{user_id}", response_model=models.User)
def read_user(user_id: int, session: SessionDep) -> User:
    user = session.get(User, user_id)
    if not user:
        raise HTTPException(status_code=404, detail="User not found")
    return user
