"""The servers that can run a service, a row each. Another server is another row here, and a package in the lock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError


@dataclass(frozen=True)
class Server:
    """How a server is started, how its processes are counted, and which settings of a run it can take.

    `arguments` follow `python -m`, with the places {application}, {address}, {port} and {workers}; `other_address` are
    those that make it listen on a second {address}, empty where it has one alone. `word` is in its command line, and
    in no other server's. `serves_alone`: with one worker it is that worker, and starts no process. `variables` are
    what the names of environment variables begin with that would set it up behind the plan's back.
    """

    name: str
    title: str
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
        self, application: str, address: str, port: int, workers: int, other_address: str | None = None
    ) -> list[str]:
        """The command line after `python -m`."""
        places = {"application": application, "address": address, "port": port, "workers": workers}
        other = [one.format(address=other_address, port=port) for one in self.other_address if other_address]
        return [one.format(**places) for one in self.arguments] + other

    def runs(self, command: Sequence[str]) -> bool:
        """Whether a process with this command line is this server."""
        return self.word in command

    def workers(self, children: int) -> int:
        """How many workers it has, with so many processes below its first one."""
        return 1 if self.serves_alone and not children else children


GUNICORN = Server(
    name="gunicorn",
    title="gunicorn (with uvicorn's workers)",
    arguments=(
        "gunicorn", "{application}", "--worker-class", "services.worker.Worker", "--bind", "{address}:{port}",
        "--workers", "{workers}", "--timeout", "0", "--keep-alive", "75", "--log-level", "warning",
        "--graceful-timeout", "2", "--no-control-socket",
    ),
    other_address=("--bind", "{address}:{port}"),
    word="gunicorn",
    serves_alone=False,
    variables=("GUNICORN_", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"),
)  # fmt: skip
UVICORN = Server(
    name="uvicorn",
    title="uvicorn",
    arguments=(
        "uvicorn", "{application}", "--host", "{address}", "--port", "{port}", "--workers", "{workers}",
        "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning",
        "--timeout-keep-alive", "75", "--timeout-graceful-shutdown", "2",
    ),
    other_address=(),
    word="uvicorn",
    serves_alone=True,
    variables=("UVICORN_", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS"),
)  # fmt: skip

SERVERS: Mapping[str, Server] = {one.name: one for one in (GUNICORN, UVICORN)}
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
