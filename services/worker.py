"""The gunicorn worker class of every service."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc]  # uvicorn-worker publishes no type information
    """uvicorn's worker with a fixed loop and parser: "auto" would silently use others if one is missing."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {"loop": "uvloop", "http": "httptools"}
