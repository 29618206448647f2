"""SQLAlchemy's ORM, as in "Using the Session" (orm/session_basics.html), with FastAPI's session dependency."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import BigInteger, DateTime, create_engine, make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from tests.tutorial import models


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
engine = create_engine(url, pool_size=40, max_overflow=0, connect_args={"options": "-c timezone=UTC"})
session_factory = sessionmaker(engine)


def get_session() -> Iterator[Session]:
    with session_factory() as session:
        yield session


app = FastAPI()


@app.get("/users/{user_id}", response_model=models.User)
def read_user(user_id: int, session: Annotated[Session, Depends(get_session, max_concurrency=40)]) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise HTTPException(status_code=404, detail="User not found")
    return user
