"""The first start of a cluster: programs, password, initdb, the database and its extension."""

import os
import secrets
import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from db import ports, server
from db.address.dsn import Dsn
from db.private import binaries, spawn
from db.private.cluster import Cluster
from suite.errors import DatabaseError

USER = "bench"
DATABASE = "bench"
_TIMEOUT_S = 120


def programs(cluster: Cluster) -> Path:
    """The folder with programs (`postgres`, `initdb`) that the cluster's user can execute."""
    pginstall = binaries.installed()
    if cluster.account and not binaries.usable(pginstall, cluster.account.uid, cluster.account.gid):
        pginstall = binaries.copied(pginstall, cluster.home / "programs")
    return pginstall / "bin"


def dsn(cluster: Cluster, port: int, dbname: str = DATABASE) -> Dsn:
    """The DSN of the cluster's server on this port."""
    try:
        password = cluster.password_file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise DatabaseError(
            f"the private PostgreSQL's password file {cluster.password_file} cannot be read ({error.strerror}):"
            " run `bench db reset`"
        ) from error
    return Dsn(ports.LOOPBACK, port, USER, password, dbname)


def ensure_data(cluster: Cluster, folder: Path) -> None:
    """Create the data directory unless it exists. After a failure, or a kill -9, the next start creates it again.

    Raises:
        DatabaseError: initdb failed, with the end of its output.
    """
    if cluster.data.exists():
        return
    partial = cluster.home / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)  # left by a start that was killed
    try:
        _write_password(cluster)
        partial.mkdir(mode=0o700)
        if cluster.account:
            os.chown(partial, cluster.account.uid, cluster.account.gid)
        _initdb(cluster, folder, partial)
        partial.rename(cluster.data)  # a data directory may be renamed; this name means that it is complete
    except OSError as error:
        raise DatabaseError(f"creating a PostgreSQL data directory in {cluster.home} failed: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def ensure_database(maintenance: Dsn) -> None:
    """Create the database `bench` and its extension if they are missing. `maintenance` is another database."""
    mine = Dsn(maintenance.host, maintenance.port, maintenance.user, maintenance.password, DATABASE)
    with server.explained(maintenance, "creating the database", "run `bench db reset`"):
        with server.connect(maintenance) as conn:
            if not conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        with server.connect(mine) as conn:
            _ensure_statistics(conn)


def _ensure_statistics(conn: psycopg.Connection) -> None:
    if conn.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_stat_statements'").fetchone():
        conn.execute("SET client_min_messages = warning")  # no notice if it exists already
        conn.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")


def _write_password(cluster: Cluster) -> None:
    cluster.password_file.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(cluster.password_file, flags, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(24) + "\n")
    if cluster.account:
        os.chown(cluster.password_file, cluster.account.uid, cluster.account.gid)  # initdb reads it


def _initdb(cluster: Cluster, folder: Path, data: Path) -> None:
    argv = [str(folder / "initdb"), "-D", str(data), f"--username={USER}", f"--pwfile={cluster.password_file}"]
    argv += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", "--no-instructions"]
    # PostgreSQL's own C.UTF-8: text has the same order on every system.
    argv += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    try:
        done = subprocess.run(
            spawn.command(cluster, argv, attached=True),
            env=spawn.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DatabaseError(
            f"initdb in {cluster.home} did not end within {_TIMEOUT_S} s: check whether the disk responds"
        ) from None
    if done.returncode:
        output = " / ".join(done.stderr.decode(errors="replace").strip().splitlines()[-5:])
        raise DatabaseError(
            f"initdb in {cluster.home} failed: {output}; correct that (space, rights) and start again, or use"
            " your own PostgreSQL with --database-url"
        )
