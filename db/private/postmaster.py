"""The server process of a cluster: found by its pid file, distinguished from other processes, placed on CPUs."""

import os
import sys
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil

from suite import waiting
from suite.errors import DatabaseError


@dataclass(frozen=True)
class PidFile:
    """The lines of postmaster.pid that are needed here. `status` is empty until the server writes it."""

    pid: int
    data: Path
    started_s: int
    port: int
    status: str


def read_pid_file(data: Path) -> PidFile | None:
    """Read postmaster.pid. None if it does not exist, or is not complete yet."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        return PidFile(
            pid=int(lines[0]),
            data=Path(lines[1]),
            started_s=int(lines[2]),
            port=int(lines[3]),
            status=lines[7].strip() if len(lines) > 7 else "",
        )
    except (FileNotFoundError, NotADirectoryError, IndexError, ValueError):
        return None
    except PermissionError as error:
        raise DatabaseError(
            f"the private PostgreSQL's folder {data} cannot be read ({error.strerror}): it belongs to another user, and"
            " root may not read it; run as another user than root, or: docker run --cap-add DAC_OVERRIDE"
        ) from None


def find(data: Path) -> tuple[PidFile, psutil.Process] | None:
    """The running postmaster of this data directory. None if it is not running, even if a stale pid file exists.

    A pid alone proves nothing, because another process may have got it. The process must have been started as
    `postgres ... -D DATA`, and its working directory must be DATA. The start time in the file is not used: it becomes
    wrong when the clock is set or a virtual machine is resumed. Backends of the server change their title, so they do
    not match.
    """
    noted = read_pid_file(data)
    if noted is None or noted.pid <= 0:
        return None
    try:
        process = psutil.Process(noted.pid)
        command = process.cmdline()
        if process.status() == psutil.STATUS_ZOMBIE or not _serves(command, data):
            return None
        if not _works_in(process, data):
            return None
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # a process that hides its command line belongs to another user
        return None
    return noted, process


def has_ended(process: psutil.Process) -> bool:
    """Whether it has ended. Reaps our own child. A zombie has ended: in a container, pid 1 may never reap it."""
    try:
        ended = not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        ended = True
    with suppress(ChildProcessError):  # not our child, or reaped
        os.waitpid(process.pid, os.WNOHANG)  # after the check, so that a zombie that was seen does not stay
    return ended


def forget_killed(data: Path, timeout_s: float = 5.0) -> None:
    """Wait until a killed server of this data directory has ended, and remove its traces.

    PostgreSQL refuses to start while the pid of the old server exists, even as a zombie. Our own child is reaped. If
    another process has to reap the zombie (in a container, pid 1 may never do so), the pid file is deleted once no
    backend is left.
    """
    noted = read_pid_file(data)
    if noted is None or noted.pid <= 0:
        return
    deadline = time.monotonic() + timeout_s
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(noted.pid)
        # An ending process has no command line any more. With a command line, it is another process with the same pid.
        waiting.until(lambda: has_ended(process) or bool(process.cmdline()), timeout_s, 0.01)
        alone = waiting.until(lambda: not _left_behind(process, data), deadline - time.monotonic())
        if alone and process.status() == psutil.STATUS_ZOMBIE:
            (data / "postmaster.pid").unlink(missing_ok=True)


def _left_behind(process: psutil.Process, data: Path) -> bool:
    """Whether the server is a zombie and one of its backends is left."""
    zombie = process.status() == psutil.STATUS_ZOMBIE
    return zombie and any(_is_in(one, data) for one in psutil.process_iter())


def _is_in(process: psutil.Process, data: Path) -> bool:
    """Whether its working directory is this one, as for all processes of the server. False if it cannot be seen."""
    try:
        return Path(process.cwd()) == data.resolve()
    except psutil.Error:
        return False


def options(process: psutil.Process) -> dict[str, str]:
    """The settings in its command line."""
    given = [value.partition("=") for flag, value in pairwise(process.cmdline()) if flag == "-c"]
    return {name: value for name, _, value in given}


def place(process: psutil.Process, cpus: Collection[int]) -> bool:
    """Keep the postmaster and its children on these CPUs. False if that is not allowed, or if this is not Linux.

    The server runs as another user, so root needs CAP_SYS_NICE, which a container may not have.
    """
    if sys.platform != "linux":
        return False
    wanted = sorted(cpus)
    try:
        process.cpu_affinity(wanted)  # the postmaster first: new backends inherit its CPUs
        for child in process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.cpu_affinity(wanted)
    except (psutil.AccessDenied, OSError, ValueError):  # ValueError: no such CPU, or not for this control group
        return False
    return is_on(process, cpus)


def is_on(process: psutil.Process, cpus: Collection[int]) -> bool:
    """Whether a process may run on these CPUs only. Raises psutil.NoSuchProcess if it has ended."""
    return sys.platform != "linux" or set(process.cpu_affinity()) <= set(cpus)


def _serves(command: list[str], data: Path) -> bool:
    return bool(command) and Path(command[0]).name == "postgres" and ("-D", str(data)) in pairwise(command)


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        return Path(process.cwd()) == data.resolve()
    except psutil.AccessDenied:
        return True  # macOS does this for other users' processes: the command line must suffice
