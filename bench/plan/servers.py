"""The servers that can run a service, a row each. Another server is another row here, and a package in the lock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

UVLOOP = "uvloop"
"""The event loop of a plan that does not say, and of every run before there was a choice."""


@dataclass(frozen=True)
class Server:
    """How a server is started, how its processes are counted, and which settings of a run it can take.

    `library` is the distribution that has it. `arguments` follow `python -m`, with the places {application}, {address},
    {port}, {workers} and {loop}; `other_address` are those that make it listen on a second {address}, empty where it
    has one alone. `word` is in its command line, and in no other server's. `serves_alone`: with one worker it is that
    worker, and starts no process. `variables` are what the names of environment variables begin with that would set it
    up behind the plan's back.
    """

    name: str
    title: str
    library: str
    arguments: tuple[str, ...]
    other_address: tuple[str, ...]
    word: str
    serves_alone: bool
    variables: tuple[str, ...]

    @property
    def takes_workers(self) -> bool:
        """Whether the axis `workers` can be measured on it."""
        return any("{workers}" in argument for argument in self.arguments)

    @property
    def takes_bind_host(self) -> bool:
        """Whether it can listen on another address beside loopback (--bind-host)."""
        return bool(self.other_address)

    def command(
        self,
        application: str,
        address: str,
        port: int,
        workers: int,
        other_address: str | None = None,
        *,
        loop: str = UVLOOP,
    ) -> list[str]:
        """The command line after `python -m`."""
        places = {"application": application, "address": address, "port": port, "workers": workers, "loop": loop}
        other = [one.format(address=other_address, port=port) for one in self.other_address if other_address]
        return [one.format(**places) for one in self.arguments] + other

    def runs(self, command: Sequence[str]) -> bool:
        """Whether a process with this command line is this server."""
        return self.word in command

    def workers(self, children: int) -> int:
        """How many workers it has, with so many processes below its first one."""
        return 1 if self.serves_alone and not children else children


# All the same: HTTP/1.1, no access log, idle connections stay open for 75 s, 2048 clients may wait to be accepted, none
# is refused or held back, and requests have 2 s to end. What a command line cannot say is in services/worker.py,
# services/asgi_worker.py and services/under_granian.py.
# A service is frozen while others take their turns: its first process must not take a worker for hung, and kill it.
GUNICORN = Server(
    name="gunicorn",
    title="gunicorn (with uvicorn's workers)",
    library="gunicorn",
    arguments=(
        "gunicorn", "{application}", "--worker-class", "services.worker.Worker", "--bind", "{address}:{port}",
        "--workers", "{workers}", "--timeout", "0", "--keep-alive", "75", "--log-level", "warning",
        "--graceful-timeout", "2", "--no-control-socket",
    ),
    other_address=("--bind", "{address}:{port}"),
    word="services.worker.Worker",
    serves_alone=False,
    variables=("GUNICORN_", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"),
)  # fmt: skip
GUNICORN_ASGI = Server(
    name="gunicorn-asgi",
    title="gunicorn (with its own ASGI workers)",
    library="gunicorn",
    arguments=(
        "gunicorn", "{application}", "--worker-class", "services.asgi_worker.Worker", "--asgi-loop", "{loop}",
        "--http-parser", "python", "--asgi-lifespan", "on", "--bind", "{address}:{port}", "--workers", "{workers}",
        "--timeout", "0", "--keep-alive", "75", "--log-level", "warning", "--graceful-timeout", "2",
        "--no-control-socket",
    ),
    other_address=("--bind", "{address}:{port}"),
    word="services.asgi_worker.Worker",
    serves_alone=False,
    variables=GUNICORN.variables,
)  # fmt: skip
UVICORN = Server(
    name="uvicorn",
    title="uvicorn",
    library="uvicorn",
    arguments=(
        "uvicorn", "{application}", "--host", "{address}", "--port", "{port}", "--workers", "{workers}",
        "--loop", "{loop}", "--http", "httptools", "--no-access-log", "--log-level", "warning",
        "--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "2", "--timeout-worker-healthcheck", "3600",
    ),
    other_address=(),
    word="uvicorn",
    serves_alone=True,
    variables=("UVICORN_", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"),
)  # fmt: skip
GRANIAN = Server(
    name="granian",
    title="granian",
    library="granian",
    arguments=(
        "services.under_granian", "{application}", "--host", "{address}", "--port", "{port}", "--workers", "{workers}",
        "--loop", "{loop}",
    ),
    other_address=(),
    word="services.under_granian",
    serves_alone=False,
    variables=("GRANIAN_",),
)  # fmt: skip

SERVERS: Mapping[str, Server] = {one.name: one for one in (GUNICORN, GUNICORN_ASGI, UVICORN, GRANIAN)}
DEFAULT = GUNICORN


def checked(name: Any) -> Any:
    """A server's name as a plan has it; refused in the words that pydantic has for its other choices."""
    if not isinstance(name, str) or name not in SERVERS:
        known = either([repr(one) for one in SERVERS])
        raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": known})
    return name


def either(names: Sequence[str]) -> str:
    """The names in a sentence: a, b or c."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def titles() -> str:
    """All servers, for a help text."""
    return either([one.title for one in SERVERS.values()])


def refusal(names: Sequence[str], workers: Sequence[int]) -> str:
    """Why these numbers of workers cannot be measured on these servers; empty where they can."""
    single = next((name for name in names if not SERVERS[name].takes_workers), None)
    return f"the server {single} has one worker; measure it with workers = 1" if single and {*workers} != {1} else ""
