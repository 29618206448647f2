"""The server process of a cluster: found by its own pid file, told apart from every other, placed on CPUs."""

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
    """The lines of postmaster.pid that matter here. `status` is empty until the server writes it."""

    pid: int
    data: Path
    started_s: int
    port: int
    status: str


def read_pid_file(data: Path) -> PidFile | None:
    """What postmaster.pid says; None when there is none, or it is not complete yet."""
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
    """The live postmaster of this data directory; None when it is not running, whatever a stale pid file says.

    A pid alone proves nothing (it may have been given to a stranger since), so the process must have been started as
    `postgres ... -D DATA` and must work in DATA. Both outlast what the start time in the file does not: a clock that
    is set, or a virtual machine that is resumed. Backends of the same server retitle themselves and do not match.
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
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # what hides its command line is another user's
        return None
    return noted, process


def has_ended(process: psutil.Process) -> bool:
    """Whether it has ended; reaps our own child. A zombie has ended: in a container, pid 1 may never reap it."""
    try:
        ended = not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        ended = True
    with suppress(ChildProcessError):  # not our child, or reaped
        os.waitpid(process.pid, os.WNOHANG)  # after the look: a zombie that was seen is not left behind
    return ended


def forget_killed(data: Path, timeout_s: float = 5.0) -> None:
    """Wait for a server of this data directory that was killed until it has ended, and forget it.

    As long as its pid is taken PostgreSQL refuses to start another one, even if only a zombie has it. One of ours is
    reaped. One that somebody else has to reap, and in a container pid 1 may never do so, loses its pid file once none
    of its backends is left.
    """
    noted = read_pid_file(data)
    if noted is None or noted.pid <= 0:
        return
    deadline = time.monotonic() + timeout_s
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        process = psutil.Process(noted.pid)
        # Whoever ends has no command line any more; whoever has one is a stranger that got the pid since.
        waiting.until(lambda: has_ended(process) or bool(process.cmdline()), timeout_s, 0.01)
        alone = waiting.until(lambda: not _left_behind(process, data), deadline - time.monotonic())
        if alone and process.status() == psutil.STATUS_ZOMBIE:
            (data / "postmaster.pid").unlink(missing_ok=True)


def _left_behind(process: psutil.Process, data: Path) -> bool:
    """Whether a backend is left of a server that is a zombie; False for one that is none."""
    zombie = process.status() == psutil.STATUS_ZOMBIE
    return zombie and any(_is_in(one, data) for one in psutil.process_iter())


def _is_in(process: psutil.Process, data: Path) -> bool:
    """Whether it works in this directory, as all processes of its server do; those of other users are not seen."""
    try:
        return Path(process.cwd()) == data.resolve()
    except psutil.Error:
        return False


def options(process: psutil.Process) -> dict[str, str]:
    """The settings its command line gave it."""
    given = [value.partition("=") for flag, value in pairwise(process.cmdline()) if flag == "-c"]
    return {name: value for name, _, value in given}


def place(process: psutil.Process, cpus: Collection[int]) -> bool:
    """Keep the postmaster and its children on these CPUs; False where the system cannot (not Linux) or may not.

    Root may not without CAP_SYS_NICE, as in a container, since the server runs as another user.
    """
    if sys.platform != "linux":
        return False
    wanted = sorted(cpus)
    try:
        process.cpu_affinity(wanted)  # first: every backend from now on inherits it
        for child in process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.cpu_affinity(wanted)
    except (psutil.AccessDenied, OSError, ValueError):  # ValueError: no such CPU, or not for this control group
        return False
    return is_on(process, cpus)


def is_on(process: psutil.Process, cpus: Collection[int]) -> bool:
    """Whether a process may run on these CPUs alone. Raises psutil.NoSuchProcess when it has ended."""
    return sys.platform != "linux" or set(process.cpu_affinity()) <= set(cpus)


def _serves(command: list[str], data: Path) -> bool:
    return bool(command) and Path(command[0]).name == "postgres" and ("-D", str(data)) in pairwise(command)


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        return Path(process.cwd()) == data.resolve()
    except psutil.AccessDenied:
        return True  # as on macOS for other users' processes: the command line has to do
