"""What is asked of a stream, and its answer: a user on each line, as JSON, with time between the lines."""

from collections.abc import Sequence
from typing import Any

from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from services.contract.models import User

BIGINT_MAX = 2**63 - 1


class Stream(BaseModel):
    """The query: users by their place, how long to wait before the response begins, and how long to send."""

    offset: int = Field(0, ge=0, le=BIGINT_MAX)
    limit: int = Field(10, ge=1, le=100)
    first_byte_s: float = Field(0.0, ge=0, le=60, allow_inf_nan=False)
    stream_s: float = Field(1.0, ge=0, le=60, allow_inf_nan=False)


class UserLines(StreamingResponse):
    """JSON Lines."""

    media_type = "application/jsonl"


# A stream has no schema for its lines in OpenAPI 3.1, only its media type.
RESPONSES: dict[int | str, dict[str, Any]] = {200: {"content": {UserLines.media_type: {"schema": {"type": "string"}}}}}


def line(user: User) -> str:
    """A user's line."""
    return user.model_dump_json() + "\n"


def pause_s(seconds: float, users: Sequence[User]) -> float:
    """How long to wait before each line, so that the last one comes after so many seconds."""
    return seconds / len(users) if users else 0.0
