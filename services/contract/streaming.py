"""The answer of a stream: a user on each line, as JSON, with time between the lines."""

from collections.abc import Sequence
from typing import Any

from fastapi.responses import StreamingResponse

from services.contract.models import User


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
