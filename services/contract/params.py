"""The types of path and query parameters, with their limits."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field

BIGINT_MAX = 2**63 - 1

UserId = Annotated[int, Path(ge=1, le=BIGINT_MAX)]
Offset = Annotated[int, Query(ge=0, le=BIGINT_MAX)]
Limit = Annotated[int, Query(ge=1, le=100)]
ReadCount = Annotated[int, Query(ge=1, le=100)]
Seed = Annotated[int, Query(ge=0, le=BIGINT_MAX)]

NoteId = Annotated[int, Path(ge=1, le=BIGINT_MAX)]
OrderingUserId = Annotated[int, Query(ge=1, le=BIGINT_MAX)]
# implicit: what the library does without transaction code. explicit: short transactions, with no connection held
# between them.
Transaction = Literal["implicit", "explicit"]
# Whether the session is still open while the request sleeps.
Sleep = Literal["inside", "outside"]
Seconds = Annotated[float, Query(ge=0, le=60, allow_inf_nan=False)]


class StreamQuery(BaseModel):
    """Users by their place, how long to wait before the response begins, and how long to send it."""

    offset: int = Field(0, ge=0, le=BIGINT_MAX)
    limit: int = Field(10, ge=1, le=100)
    first_byte_s: float = Field(0.0, ge=0, le=60, allow_inf_nan=False)
    stream_s: float = Field(1.0, ge=0, le=60, allow_inf_nan=False)


Stream = Annotated[StreamQuery, Query()]
# The users with their orders: from this id on, so many, in so many queries.
FirstId = Annotated[int, Query(ge=1, le=BIGINT_MAX)]
Parents = Annotated[int, Query(ge=1, le=100)]
# lazy: a query for each user, and for each order. selectin: one query for all users, then for all that belongs to them.
# join: one query with a row for each item. json: one query, in which PostgreSQL makes the answer.
Loading = Literal["lazy", "selectin", "join", "json"]
