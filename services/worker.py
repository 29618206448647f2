"""The gunicorn worker class of every service."""

import os
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc]  # uvicorn-worker publishes no type information
    """uvicorn's worker with a fixed loop and parser: "auto" would silently use others if one is missing.

    The loop is that of the variable LOOP, since gunicorn has no option for it.
    """

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {"loop": os.environ.get("LOOP", "uvloop"), "http": "httptools"}
