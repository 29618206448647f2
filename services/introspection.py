"""The routes about the service itself: /health, /ping and /metrics."""

import asyncio
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from fastapi import FastAPI, Request, Response

from services import builds, collection, metrics, tracing
from services.contract.models import Health, Pong, PoolSettings
from services.settings import Settings

FRAMEWORK = ("fastapi", "starlette", "pydantic", "uvicorn", "gunicorn", "uvloop", "httptools")
EXTRA = ("granian",)
"""Servers that need not be installed. One that runs the service has been imported by now."""


def add_routes(app: FastAPI, module: str, settings: Settings, driver: str = "") -> None:
    """Add these routes to an application. `module` is its `__name__`: the name of a service is that of its folder.

    `driver` is the one that really connects, of a service that has a choice.

    The routes belong to the application, not to a router: a router would cost every request ten microseconds.
    """
    tracing.allow()
    name = module.split(".")[-2]
    described = tomllib.loads((Path(__file__).parent / name / "service.toml").read_text())
    below = described["drivers"][driver]["libraries"] if driver else []
    extra = [one for one in EXTRA if one in sys.modules]
    libraries = (*FRAMEWORK, *extra, *described["libraries"], *below)
    versions = {"python": python_version()} | {library: version(library) for library in libraries}
    pool = PoolSettings(size=settings.pool_size, overflow=settings.pool_overflow, timeout_s=settings.pool_timeout_s)

    @app.get("/health")
    async def health(request: Request) -> Health:
        server, http_parser = _running(request)
        return Health(
            service=name,
            driver=driver,
            profile=settings.profile,
            gc=collection.setting(),
            pooler=settings.pooler,
            nonce=settings.nonce,
            pool=pool,
            threads=settings.threads,
            server=server,
            event_loop=type(asyncio.get_running_loop()).__module__.partition(".")[0],
            http_parser=http_parser,
            versions=versions,
            builds=builds.of_process(),
        )

    # On a thread if all other endpoints are: its cost must be visible here, too.
    app.add_api_route("/ping", _ping if described["mode"] == "sync" else _ping_async, name="ping")
    app.add_api_route("/metrics", _metrics, name="metrics", response_class=Response)


def _running(request: Request) -> tuple[str, str]:
    """The server and the HTTP parser that handle a request, as `bench list` and the parser's library name them.

    Every server gives its own object for the request, with a method that the application awaits for the body.
    """
    handler = getattr(request.receive, "__self__", None)
    module = type(handler).__module__
    match module.partition(".")[0]:
        case "uvicorn":  # the module is named after the parser
            own = "gunicorn" if "gunicorn.arbiter" in sys.modules else "uvicorn"
            return own, module.rpartition(".")[2].removesuffix("_impl")
        case "gunicorn":  # its own, in Python, is in gunicorn; the one in C is in gunicorn_h1c
            parser = getattr(getattr(handler, "protocol", None), "_callback_parser", None)
            return "gunicorn-asgi", type(parser).__module__.partition(".")[0]
        case "granian":  # it has no other
            return "granian", "hyper"
    return module, module


def _ping() -> Pong:
    return Pong()


async def _ping_async() -> Pong:
    return Pong()


async def _metrics() -> Response:
    return metrics.of_all_workers()
