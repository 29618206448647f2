"""The private PostgreSQL of a checkout: start, find, stop, delete.

    running = start(locate(checkout), detached=False)
    ...connect to running.dsn.url...
    stop(locate(checkout))

Signals go only to a process that was found through the cluster's own postmaster.pid.
"""

import shutil
import signal
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import psutil

from db import ports, server
from db.address.dsn import Dsn
from db.private import capabilities, initialize, postmaster, spawn
from db.private.cluster import Cluster, locate, locked
from db.settings import SETTINGS
from suite import waiting
from suite.errors import DatabaseError

__all__ = ["SETTINGS", "Cluster", "Running", "destroy", "locate", "place", "running", "start", "stop"]

READY_TIMEOUT_S = 30
_PORT_ATTEMPTS = 3
_LOG_LINES = 12
READY, ENDED = "ready", "ended"


@dataclass(frozen=True)
class Running:
    """A running server. `reused` is True if it was running before `start` was called.

    `placed` is False if it may run on other CPUs than those that `start` got.
    """

    dsn: Dsn
    pid: int
    port: int
    reused: bool = False
    placed: bool = True


def start(
    cluster: Cluster,
    *,
    detached: bool,
    port: int | None = None,
    settings: Mapping[str, str] = SETTINGS,
    cpus: Collection[int] | None = None,
) -> Running:
    """Start the cluster's server, or return the running one. It is ready for connections when this returns.

    Without `detached`, the server ends with the calling process, even after SIGKILL (Linux). The kernel watches the
    calling thread, so that thread must live as long as the server is needed. `port` None picks a free port.

    Raises:
        DatabaseError: the port is taken, the server does not come up within 30 s (with its last log lines), or one is
            running with another port or other settings.
    """
    with locked(cluster):
        if found := _reuse(cluster, port, settings):
            return replace(found, placed=place(found, cpus)) if cpus else found
        postmaster.forget_killed(cluster.data)
        if port is not None:
            _refuse_taken(port)
        capabilities.check(cluster)
        folder = initialize.programs(cluster)
        initialize.ensure_data(cluster, folder)
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            chosen = port or ports.free()
            argv = [str(folder / "postgres"), "-D", str(cluster.data), *_options(chosen, settings)]
            command = spawn.command(cluster, argv, attached=not detached, cpus=cpus)
            pid, failure = _launch(cluster, command, chosen)
            if not failure:
                break
            if port is not None or "could not bind" not in failure or attempt == _PORT_ATTEMPTS:
                raise DatabaseError(
                    f"the private PostgreSQL in {cluster.home} did not start: {failure}\nCorrect this and start"
                    " again; `bench db reset` makes a new one."
                )
        placed = not cpus or postmaster.is_on(psutil.Process(pid), cpus)
        return Running(initialize.dsn(cluster, chosen), pid, chosen, placed=placed)


def running(cluster: Cluster) -> Running | None:
    """The cluster's running server, whichever process started it. None if there is none (or only a stale pid file)."""
    found = postmaster.find(cluster.data)
    if found is None:
        return None
    noted, process = found
    return Running(initialize.dsn(cluster, noted.port), process.pid, noted.port, reused=True)


def stop(cluster: Cluster, *, timeout_s: float = 10) -> bool:
    """Shut the server down: fast (SIGINT), and after `timeout_s` at once (SIGQUIT). False if none was running."""
    with locked(cluster):
        return _stop(cluster, timeout_s)


def destroy(cluster: Cluster) -> None:
    """Stop the server and delete everything of the cluster: data, password, log, copied programs."""
    with locked(cluster):
        _stop(cluster, timeout_s=10)
        try:
            shutil.rmtree(cluster.home)
        except OSError as error:
            raise DatabaseError(f"deleting {cluster.home} failed: {error}; delete it by hand") from error


def place(server_: Running, cpus: Collection[int]) -> bool:
    """Keep a running server and its backends on these CPUs. False if that is not allowed, or if this is not Linux."""
    try:
        return postmaster.place(psutil.Process(server_.pid), cpus)
    except psutil.NoSuchProcess:
        raise DatabaseError(f"the private PostgreSQL (pid {server_.pid}) has ended: start it again") from None


def _options(port: int, settings: Mapping[str, str]) -> list[str]:
    # A loopback port only: the folders of sockets differ between systems, and drivers use them differently.
    own = {"listen_addresses": ports.LOOPBACK, "unix_socket_directories": "", "port": str(port)}
    return [part for name, value in {**settings, **own}.items() for part in ("-c", f"{name}={value}")]


def _reuse(cluster: Cluster, port: int | None, settings: Mapping[str, str]) -> Running | None:
    """The running server, once it answers. Waits for one that is shutting down because its harness was killed."""
    found = postmaster.find(cluster.data)
    if found is None:
        return None
    noted, process = found
    dsn = initialize.dsn(cluster, noted.port)

    def state() -> str | None:
        if not process.is_running() or not postmaster.find(cluster.data):
            return ENDED
        return READY if _answers(dsn) else None

    seen = waiting.until(state, READY_TIMEOUT_S)
    if seen is None:
        raise DatabaseError(
            f"the private PostgreSQL (pid {noted.pid}, {cluster.home}) is running but does not answer: run"
            f" `bench db stop`.{_log_tail(cluster)}"
        )
    if seen == ENDED:
        return None
    _refuse_other(process, noted.port, port, settings)
    return Running(dsn, noted.pid, noted.port, reused=True)


def _refuse_taken(port: int) -> None:
    if why := ports.refusal(port):
        raise DatabaseError(
            f"port {port} on {ports.LOOPBACK} is taken{ports.holder(port)} ({why}): free it for the private"
            " PostgreSQL, or leave out the port to use a free one"
        )


def _refuse_other(process: psutil.Process, its_port: int, port: int | None, settings: Mapping[str, str]) -> None:
    """Raise DatabaseError if the server has another port or other settings: it would be wrong to measure with them."""
    try:
        has = postmaster.options(process)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return
    wanted = {**settings, **({"port": str(port)} if port is not None else {})}
    has = {**has, "port": str(its_port)}
    different = [
        f"{name}={has.get(name)} instead of {value}" for name, value in wanted.items() if has.get(name) != value
    ]
    if different:
        raise DatabaseError(
            f"the private PostgreSQL is running (pid {process.pid}) with {', '.join(different)}: run `bench db stop`,"
            " then start again"
        )


def _launch(cluster: Cluster, command: list[str], port: int) -> tuple[int, str]:
    """Start the server. Returns its pid and why it failed; the reason is empty if the server is ready."""
    maintenance = initialize.dsn(cluster, port, "postgres")
    process = psutil.Process(spawn.background(command, cluster.log))
    try:
        failure = _wait_ready(cluster, process, maintenance)
        if not failure:
            initialize.ensure_database(maintenance)
    except BaseException:  # also Ctrl-C: a detached server would go on running
        _end(cluster, process, timeout_s=2)
        raise
    return process.pid, failure


def _wait_ready(cluster: Cluster, process: psutil.Process, maintenance: Dsn) -> str:
    def state() -> str | None:
        if postmaster.has_ended(process):
            return ENDED
        # Only the server that wrote this file is ours: another program could have the port by now.
        noted = postmaster.read_pid_file(cluster.data)
        ours = noted is not None and noted.pid == process.pid and noted.status == "ready"
        return READY if ours and _answers(maintenance) else None

    found = waiting.until(state, READY_TIMEOUT_S, 0.02)
    if found is None:
        _end(cluster, process, timeout_s=0)
        return f"it did not answer within {READY_TIMEOUT_S} s.{_log_tail(cluster)}"
    return "" if found == READY else f"it ended at once.{_log_tail(cluster)}"


def _answers(dsn: Dsn) -> bool:
    try:
        server.connect(dsn, timeout_s=2).close()
    except DatabaseError:
        return False
    return True


def _stop(cluster: Cluster, timeout_s: float) -> bool:
    found = postmaster.find(cluster.data)
    if found is None:
        return False
    _end(cluster, found[1], timeout_s)
    return True


def _end(cluster: Cluster, process: psutil.Process, timeout_s: float) -> None:
    for number, patience_s in ((signal.SIGINT, timeout_s), (signal.SIGQUIT, 10.0)):
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            pass
        except psutil.AccessDenied:  # root without CAP_KILL, and the server runs as another user
            spawn.send(cluster, initialize.programs(cluster), process.pid, number)
        if waiting.until(lambda: postmaster.has_ended(process), patience_s, 0.01):
            return
    raise DatabaseError(f"the private PostgreSQL (pid {process.pid}) does not stop: end it by hand")


def _log_tail(cluster: Cluster) -> str:
    try:
        lines = cluster.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
    except OSError:
        return ""
    return "".join(f"\n  {line}" for line in [f"Last lines of {cluster.log}:", *lines])
