"""What a running service says of itself: /health and /metrics."""

import asyncio
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from anyio.to_thread import current_default_thread_limiter
from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from services.contract import Health, PoolSettings
from services.settings import Settings

THREADS = Gauge("threads", "Threads that `def` endpoints may use.")
THREADS_BUSY = Gauge("threads_busy", "Threads that are at work or wait for a connection.")
FRAMEWORK = ("fastapi", "starlette", "pydantic", "uvicorn", "gunicorn", "uvloop", "httptools")


@cache
def library_versions(service: str) -> dict[str, str]:
    """Versions of the framework and of the libraries that the service's service.toml names."""
    described = tomllib.loads((Path(__file__).parent / service / "service.toml").read_text())
    return {"python": python_version()} | {name: version(name) for name in (*FRAMEWORK, *described["libraries"])}


async def health_of(service: str, settings: Settings, request: Request) -> Health:
    """Describe this worker: settings, versions, and the event loop and HTTP parser really in use."""
    protocol = getattr(request.receive, "__self__", None)  # uvicorn's request cycle, whose module names the parser
    return Health(
        service=service,
        profile=settings.profile,
        nonce=settings.nonce,
        pool=PoolSettings(size=settings.pool_size, overflow=settings.pool_overflow, timeout_s=settings.pool_timeout_s),
        threads=settings.threads,
        event_loop=type(asyncio.get_running_loop()).__module__.partition(".")[0],
        http_parser=type(protocol).__module__.rpartition(".")[2].removesuffix("_impl"),
        versions=library_versions(service),
    )


def metrics_of_this_process() -> Response:
    """Everything registered with prometheus-client: users created, the pool, threads, CPU and memory of the process.

    Call it from an `async def` endpoint: one on a thread would have to wait while all threads are busy.
    """
    limiter = current_default_thread_limiter()
    THREADS.set(limiter.total_tokens)
    THREADS_BUSY.set(limiter.borrowed_tokens)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
