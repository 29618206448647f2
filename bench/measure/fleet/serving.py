"""Serving an application: command lines, /health, ports."""

import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpx

from bench.plan.matrix import Setup
from bench.plan.servers import SERVERS, UVICORN
from db import ports
from db.address import dsn, libraries
from db.ports import LOOPBACK
from suite import catalogue
from suite.errors import PreflightError


def command(setup: Setup, application: str, port: int, bind_host: str = LOOPBACK) -> list[str]:
    """The command line that serves an application (the service's own, or one that wraps it) with this setup.

    It listens on loopback and, if the server supports it, also on `bind_host`.
    """
    other = None if bind_host == LOOPBACK else bind_host
    words = SERVERS[setup.server].command(application, LOOPBACK, port, setup.workers, other, loop=setup.loop)
    return [sys.executable, "-m", *words]


def settings_of(setup: Setup, database_url: str, cells: int) -> dict[str, str]:
    """The variables of services/settings.py that a setup decides, and the loop for services/worker.py.

    The database's address is in the library's own form. While `cells` take turns, a pool's time-out goes on. So it is
    as many times as long.
    """
    address = libraries.form(dsn.parse(database_url), libraries.library_of(setup.described.libraries))
    waits = {} if address.connect_timeout_s is None else {"CONNECT_TIMEOUT_S": f"{address.connect_timeout_s:g}"}
    return waits | {
        "DATABASE_URL": address.url,
        "POOL_SIZE": str(setup.pool_size),
        "POOL_OVERFLOW": str(setup.pool_overflow),
        "POOL_TIMEOUT_S": str(setup.pool_timeout_s * cells),
        "THREADS": str(setup.threads),
        "PROFILE": setup.profile,
        "DRIVER": setup.driver,
        "GC": setup.gc,
        "POOLER": setup.pooler,
        "LOOP": setup.loop,
    }


def external_command() -> list[str]:
    """The command line that serves the external API."""
    external = catalogue.external()
    return [sys.executable, "-m", *UVICORN.command(external.application, LOOPBACK, external.port, workers=1)]


def ask_health(url: str) -> dict[str, Any] | None:
    """The answer of /health. None while there is no answer."""
    try:
        answer = _client().get(f"{url}/health")
        health: Any = answer.json() if answer.status_code == 200 else None
    except (httpx.HTTPError, ValueError):
        return None
    return health if isinstance(health, dict) else None


def answer_of(url: str) -> int | None:
    """The status of whatever answer `GET /` has. None while there is no answer."""
    try:
        return _client().get(f"{url}/").status_code
    except httpx.HTTPError:
        return None


@cache
def _client() -> httpx.Client:
    # One client for all requests: creating one takes 20 ms of CPU time (certificates), and a starting service is polled
    # every 50 ms. A new connection for each request: by then, another service may have the port. Whether a target's
    # certificate is trusted is looked at once it answers, with a better message.
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(timeout=2.0, trust_env=False, limits=limits, verify=False)  # noqa: S501  # see above


def check_ports(
    wanted: Iterable[int],
    host: str = LOOPBACK,
    remedy: str = "leave the service of this port out, or move all ports: BENCH_PORT_OFFSET=1000",
) -> None:
    """Raise PreflightError that names the first taken port and, if known, the process that holds it."""
    for port in wanted:
        if ports.refusal(port, host):
            raise PreflightError(f"port {port} is taken{ports.holder(port)}; end that process, or {remedy}")
