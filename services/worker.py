"""The gunicorn worker class that every service runs under."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc]  # uvicorn-worker publishes no type information
    """uvicorn's worker with loop and parser settled: "auto" would fall back silently when one is missing."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {"loop": "uvloop", "http": "httptools"}
