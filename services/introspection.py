"""What a running service says of itself: /health."""

import asyncio
import tomllib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from fastapi import Request

from services.contract.models import Health, PoolSettings
from services.settings import Settings

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
