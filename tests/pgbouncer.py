"""PgBouncer in front of a PostgreSQL: a pooler as services meet it, with few connections to the server."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from db import ports
from db.address.dsn import Dsn
from suite import waiting

START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 10.0
POOL_SIZE = 3
# It does not run as root. Debian's package has no account of its own: its service runs as postgres.
ACCOUNT_OF_ROOT = 65534


def program() -> str:
    """PgBouncer's path. Debian installs it where only root looks."""
    found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, "PgBouncer is not installed: apt-get install pgbouncer"
    return found


@contextmanager
def pooled(dsn: Dsn, mode: str = "transaction", pool_size: int = POOL_SIZE, **settings: str) -> Iterator[Dsn]:
    """The address of a PgBouncer in front of this server, with this many connections to it, inside the block."""
    with running(dsn, mode, pool_size, **settings) as (address, _):
        yield address


@contextmanager
def running(
    dsn: Dsn, mode: str = "transaction", pool_size: int = POOL_SIZE, **settings: str
) -> Iterator[tuple[Dsn, int]]:
    """The same, with PgBouncer's pid.

    Clients and PgBouncer prove the password by SCRAM, as on real servers.
    """
    port = ports.free()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as made:
        folder = Path(made)
        (folder / "users.txt").write_text(f'"{dsn.user}" "{dsn.password}"\n')
        chosen = {
            "listen_addr": ports.LOOPBACK,
            "listen_port": str(port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(folder / "users.txt"),
            "pool_mode": mode,
            "default_pool_size": str(pool_size),
            "max_client_conn": "1000",
            **settings,
        }
        if os.geteuid() == 0:
            account = pwd.getpwuid(ACCOUNT_OF_ROOT)
            chosen["user"] = account.pw_name
            for path in (folder, *folder.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
        lines = ["[databases]", f"{dsn.dbname} = host={dsn.host} port={dsn.port}", "[pgbouncer]"]
        config = folder / "pgbouncer.ini"
        config.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in chosen.items())]) + "\n")
        config.chmod(0o644)
        with (folder / "log").open("w") as log:
            process = subprocess.Popen([program(), str(config)], stdout=log, stderr=subprocess.STDOUT)
        try:
            started = waiting.until(lambda: ports.answers(port) or process.poll() is not None, START_TIMEOUT_S, 0.02)
            assert started, f"PgBouncer did not start:\n{(folder / 'log').read_text()}"
            assert process.poll() is None, f"PgBouncer ended:\n{(folder / 'log').read_text()}"
            yield replace(dsn, host=ports.LOOPBACK, port=port), process.pid
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_S)
