"""How an application is served, and whether somebody answers: command lines, /health, ports."""

import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpx

from bench.plan.matrix import Setup
from bench.plan.servers import SERVERS, UVICORN
from db import ports
from db.ports import LOOPBACK
from suite import catalogue
from suite.errors import PreflightError


def command(setup: Setup, application: str, bind_host: str = LOOPBACK) -> list[str]:
    """The command line that serves an application (the service's own, or one around it) as a setup says.

    It listens on loopback and, where the server can, on another address besides.
    """
    port, other = catalogue.service(setup.service).port, None if bind_host == LOOPBACK else bind_host
    words = SERVERS[setup.server].command(application, LOOPBACK, port, setup.workers, other)
    return [sys.executable, "-m", *words]


def external_command() -> list[str]:
    """The command line that serves the external API."""
    external = catalogue.external()
    return [sys.executable, "-m", *UVICORN.command(external.application, LOOPBACK, external.port, workers=1)]


def ask_health(url: str) -> dict[str, Any] | None:
    """What /health answers, or None while there is no answer."""
    try:
        answer = _client().get(f"{url}/health")
        health: Any = answer.json() if answer.status_code == 200 else None
    except (httpx.HTTPError, ValueError):
        return None
    return health if isinstance(health, dict) else None


@cache
def _client() -> httpx.Client:
    # One for all questions: making a client takes 20 ms of CPU time (certificates), and a service that starts is asked
    # every 50 ms. A connection for each question: the service may be another one by then.
    return httpx.Client(timeout=2.0, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


def check_ports(
    wanted: Iterable[int], host: str = LOOPBACK, remedy: str = "leave the service of this port out"
) -> None:
    """Raise PreflightError that names the first taken port and, where it can be known, who holds it."""
    for port in wanted:
        if ports.refusal(port, host):
            raise PreflightError(f"port {port} is taken{ports.holder(port)}; end that process, or {remedy}")
