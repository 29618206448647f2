"""Start PostgreSQL's programs as the cluster's user, in an environment of our own making."""

import os
import signal
from collections.abc import Collection
from pathlib import Path

from db.cluster import Cluster
from suite import launch
from suite.launch import Options


def environment() -> dict[str, str]:
    """For PostgreSQL's programs: none of the caller's PG* variables, locale or HOME."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {**kept, "PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def command(cluster: Cluster, program: list[str], *, attached: bool, cpus: Collection[int] | None = None) -> list[str]:
    """The command line that becomes `program`: as the cluster's user, in a session of its own.

    Attached, the program gets SIGINT when the thread that starts it ends, however it ends (Linux).
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
    """Start it with its output in `log` (emptied before); the pid, which stays the same through exec."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    # Not subprocess.Popen: a server outlives the object, which would complain when it is collected.
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
