"""How an application is served, and whether somebody answers: command lines, /health, ports."""

import socket
import sys
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpx

from bench.plan.matrix import Setup
from db import ports
from suite import catalogue
from suite.errors import PreflightError

LOOPBACK = "127.0.0.1"


def command(setup: Setup, application: str, bind_host: str = LOOPBACK) -> list[str]:
    """The command line that serves an application (the service's own, or one around it) as a setup says.

    It listens on loopback and, with gunicorn, on another address besides.
    """
    service = catalogue.service(setup.service)
    besides = [] if bind_host == LOOPBACK else ["--bind", f"{bind_host}:{service.port}"]
    if setup.server == "uvicorn":
        return uvicorn(application, service.port, setup.workers)
    return [
        sys.executable, "-m", "gunicorn", application, "--worker-class", "services.worker.Worker",
        "--bind", f"{LOOPBACK}:{service.port}", *besides, "--workers", str(setup.workers), "--timeout", "0",
        "--keep-alive", "75", "--log-level", "warning", "--graceful-timeout", "2", "--no-control-socket",
    ]  # fmt: skip


def uvicorn(application: str, port: int, workers: int) -> list[str]:
    """The command line that serves an application with uvicorn alone."""
    return [
        sys.executable, "-m", "uvicorn", application, "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(workers), "--loop", "uvloop", "--http", "httptools", "--no-access-log",
        "--log-level", "warning", "--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "2",
    ]  # fmt: skip


def ask_health(url: str) -> dict[str, Any] | None:
    """What /health answers, or None while nobody does."""
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
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                raise PreflightError(
                    f"port {port} is taken{ports.holder(port)}; end that process, or {remedy}"
                ) from None
