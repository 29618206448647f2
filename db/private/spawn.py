"""Starts PostgreSQL's programs as the cluster's user, in a clean environment."""

import os
import signal
import subprocess
from collections.abc import Collection
from pathlib import Path

from db.private.cluster import Cluster
from suite import launch
from suite.launch import Options


def environment() -> dict[str, str]:
    """The environment of PostgreSQL's programs, without the caller's PG* variables, locale and HOME."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {**kept, "PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def command(cluster: Cluster, program: list[str], *, attached: bool, cpus: Collection[int] | None = None) -> list[str]:
    """A command line that runs `program` as the cluster's user, in a separate session.

    With `attached`, the program gets SIGINT when the thread that starts it ends, in whatever way (Linux).
    """
    account = cluster.account
    options = Options(
        cpus=tuple(sorted(cpus or ())),
        signal=signal.SIGINT if attached else None,  # PostgreSQL's fast shutdown
        user=(account.uid, account.gid) if account else None,
        folder=str(cluster.home),
        own_session=True,  # the harness decides when the server stops, not Ctrl-C
        private=True,
    )
    return launch.command(program, options)


def background(argv: list[str], log: Path) -> int:
    """Start it with its output in `log`, which is emptied first. Returns the pid, which exec does not change."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    # Not subprocess.Popen: the server outlives the object, which would warn when it is collected.
    return os.posix_spawn(
        argv[0],
        argv,
        environment(),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsigmask=[],
    )


def send(cluster: Cluster, programs: Path, pid: int, number: signal.Signals) -> None:
    """Signal the server as the cluster's user."""
    kill = [str(programs / "pg_ctl"), "kill", number.name.removeprefix("SIG"), str(pid)]
    subprocess.run(command(cluster, kill, attached=False), env=environment(), capture_output=True, check=False)
