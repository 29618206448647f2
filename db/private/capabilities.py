"""What this user lacks to run a private PostgreSQL, in a container for instance, and the remedy."""

import os
import pwd
import sys
from collections.abc import Iterable
from pathlib import Path

from db.private.cluster import Account, Cluster
from suite.errors import DatabaseError

STATUS, MAPPED = Path("/proc/self/status"), Path("/proc/self/uid_map")
OWN = "use your own PostgreSQL with --database-url"
# Their numbers in the kernel; root needs them to start and to stop a server that runs as another user.
NEEDED = {"CHOWN": 0, "DAC_OVERRIDE": 1, "SETGID": 6, "SETUID": 7}


def check(cluster: Cluster) -> None:
    """Raise DatabaseError unless this user may make and start the cluster's server."""
    if cluster.account is not None:
        _check_root(cluster.account)
    elif not cluster.data.exists():
        _check_named()


def _check_root(account: Account) -> None:
    if not _is_mapped(account.uid):
        raise DatabaseError(
            f"PostgreSQL refuses to run as root, and here root cannot run it as {account.name}: this user namespace has"
            f" no uid {account.uid}; run as an ordinary user (podman run --userns=keep-id), or {OWN}"
        )
    if lacking := missing(NEEDED):
        added = " ".join(f"--cap-add {name}" for name in lacking)
        raise DatabaseError(
            f"PostgreSQL refuses to run as root, and root may not run it as {account.name} here: it lacks"
            f" {', '.join(f'CAP_{name}' for name in lacking)}; run as the ordinary user who owns this checkout"
            f" (docker run --user UID:GID), or: docker run {added}, or {OWN}"
        )


def _check_named() -> None:
    """Initdb looks its user up, and ends if there is no entry. A server whose data are there does not."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise DatabaseError(
            f"PostgreSQL's initdb refuses a user without a name, and uid {os.geteuid()} has no entry in /etc/passwd;"
            " name it there (docker run --volume /etc/passwd:/etc/passwd:ro lends the host's names), use a uid that has"
            f" a name, or {OWN}"
        ) from None


def missing(names: Iterable[str]) -> list[str]:
    """Those of root's capabilities that this process does not have. Empty where the system does not say (macOS)."""
    if sys.platform != "linux":
        return []
    try:
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    held = next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), -1)
    return [name for name in names if not held >> NEEDED[name] & 1]


def _is_mapped(uid: int) -> bool:
    try:
        ranges = [[int(part) for part in line.split()] for line in MAPPED.read_text(encoding="ascii").splitlines()]
    except (OSError, ValueError):
        return True
    return not ranges or any(first <= uid < first + count for first, _, count in ranges)
