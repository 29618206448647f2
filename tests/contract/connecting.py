"""Opens a service's own pool for each line of standard input, a JSON object of variables, and says how that went.

It prints `open`, waits for an empty line and closes the pool; or it prints the error. The test looks at the server
meanwhile. `python -m tests.contract.connecting SERVICE`.
"""

import asyncio
import importlib
import json
import os
import sys

from fastapi import FastAPI
from prometheus_client import REGISTRY

from services import metrics

assert metrics.USERS_CREATED  # its collectors stay
BEFORE = set(REGISTRY._collector_to_names)


async def opened_and_closed(module: str) -> None:
    """Enter and leave the lifespan of the service, as its server does."""
    for collector in set(REGISTRY._collector_to_names) - BEFORE:  # the gauges of the pool before
        REGISTRY.unregister(collector)
    database = importlib.reload(importlib.import_module(module))
    async with database.lifespan(FastAPI()):
        print("open", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
    print("closed", flush=True)


def main(service: str) -> None:
    """Until the end of the input."""
    module = f"services.{service}.database"
    for line in iter(sys.stdin.readline, ""):
        os.environ.update(json.loads(line))
        try:
            asyncio.run(opened_and_closed(module))
        except Exception as error:  # noqa: BLE001  # whatever the library raises is the answer
            print("error", type(error).__name__, " ".join(str(error).split())[:300], flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
