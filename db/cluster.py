"""Where the private PostgreSQL of a checkout lives, and who it runs as."""

import fcntl
import hashlib
import os
import pwd
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from suite import waiting
from suite.errors import DatabaseError

SHARED_FOLDER = Path("/var/tmp")  # noqa: S108  # survives a reboot; `_make` refuses a folder that is not ours
ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An existing unprivileged user of the system."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Cluster:
    """The folder of one private PostgreSQL. `account` is None when it runs as the caller."""

    home: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The data directory; it exists only once it is complete."""
        return self.home / "data"

    @property
    def password_file(self) -> Path:
        """The superuser's password, readable by its owner alone."""
        return self.home / "password"

    @property
    def log(self) -> Path:
        """What the server said since its last start."""
        return self.home / "server.log"


def locate(checkout: Path) -> Cluster:
    """The cluster of a checkout; nothing is made yet.

    PostgreSQL refuses to run as root, and an unprivileged user may not reach the checkout: for root it lives in
    /var/tmp, in a folder named after the checkout's path.
    """
    checkout = checkout.resolve()
    if os.geteuid() != 0:
        return Cluster(checkout / ".postgres", None)
    name = f"fastapi-postgres-bench-{hashlib.sha256(os.fsencode(checkout)).hexdigest()[:12]}"
    return Cluster(SHARED_FOLDER / name, _unprivileged())


@contextmanager
def locked(cluster: Cluster, *, timeout_s: float = 60) -> Iterator[None]:
    """Make the cluster's folder if need be, and hold its lock: two starts at once take turns.

    Raises:
        DatabaseError: the folder cannot be made or is somebody else's, or the lock stays taken.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        _make(cluster)
        lock = cluster.home / "lock"
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if not waiting.until(partial(_acquired, descriptor), deadline - time.monotonic()):
                raise DatabaseError(
                    f"another process is starting or stopping the private PostgreSQL in {cluster.home}: wait for it"
                    " to end, then try again"
                )
            # `destroy` removes the folder with the lock in it: a lock on a removed file excludes nobody.
            if _same_file(descriptor, lock):
                yield
                return
        finally:
            os.close(descriptor)


def _acquired(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _make(cluster: Cluster) -> None:
    """The folder belongs to the caller. In a shared place anybody could have made one of that name before us."""
    mode = 0o711 if cluster.account else 0o700
    try:
        cluster.home.mkdir(mode=mode, exist_ok=True)
        facts = cluster.home.lstat()
        ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o022
        if ours:
            cluster.home.chmod(mode)
    except OSError as error:
        raise DatabaseError(
            f"the private PostgreSQL's folder {cluster.home} cannot be made: {error.strerror}; make that place"
            " writable, or use a PostgreSQL of your own with --database-url"
        ) from error
    if not ours:
        raise DatabaseError(f"{cluster.home} is not a folder that only this user can write: move it away and try again")


def _unprivileged() -> Account:
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise DatabaseError(
        f"PostgreSQL refuses to run as root, and this system has no user {' or '.join(ACCOUNTS)}: run as another user,"
        " or use a PostgreSQL of your own with --database-url"
    )
