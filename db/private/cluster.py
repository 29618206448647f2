"""The folder of a checkout's private PostgreSQL, and the account that runs it."""

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
        """The file with the superuser's password. Only its owner can read it."""
        return self.home / "password"

    @property
    def log(self) -> Path:
        """The server's log since its last start."""
        return self.home / "server.log"


def locate(checkout: Path) -> Cluster:
    """The cluster of a checkout. Nothing is created yet.

    PostgreSQL refuses to run as root, and an unprivileged user may not be able to read the checkout. For root, the
    folder is therefore in /var/tmp, and its name is derived from the checkout's path.
    """
    checkout = checkout.resolve()
    if os.geteuid() != 0:
        return Cluster(checkout / ".postgres", None)
    name = f"fastapi-postgres-bench-{hashlib.sha256(os.fsencode(checkout)).hexdigest()[:12]}"
    return Cluster(SHARED_FOLDER / name, _unprivileged())


@contextmanager
def locked(cluster: Cluster, *, timeout_s: float = 60) -> Iterator[None]:
    """Create the cluster's folder if necessary, and hold its lock: two starts at once take turns.

    Raises:
        DatabaseError: the folder cannot be created or belongs to another user, or the lock stays taken.
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
            # `destroy` deletes the folder with the lock in it: a lock on a deleted file excludes no process.
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
    """Create the folder, or check that it is ours: in a shared place, another user could have created it first."""
    mode = 0o711 if cluster.account else 0o700
    try:
        cluster.home.mkdir(mode=mode, exist_ok=True)
        facts = cluster.home.lstat()
        ours = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o022
        if ours:
            cluster.home.chmod(mode)
    except OSError as error:
        raise DatabaseError(
            f"the private PostgreSQL's folder {cluster.home} cannot be created: {error.strerror}; make that place"
            " writable, or use your own PostgreSQL with --database-url"
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
        " or use your own PostgreSQL with --database-url"
    )
