"""A PostgreSQL as people have it: not the suite's, with its own settings and pg_hba.conf, and named by its address.

    with postgresql.running(settings={"max_connections": "40"}) as named:
        server.connect(named.dsn)

Debian's programs are used where they are installed; else those of the embedded server (`PROGRAMS` says which).
"""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from db import ports, server
from db.address.dsn import Dsn
from db.private import binaries, cluster, spawn
from suite import launch, waiting
from suite.errors import DatabaseError
from suite.launch import Options

SUPERUSER = "owner"
TIMEOUT_S = 30.0
# A role may use the socket's folder as another user of the system.
HBA = (
    "local all all scram-sha-256",
    "host all all 127.0.0.1/32 scram-sha-256",
    "host all all ::1/128 scram-sha-256",
    "host all all samehost scram-sha-256",
)
DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
PROGRAMS = str(DEBIAN[-1].parent) if DEBIAN else "the embedded server's, because Debian's postgresql is not installed"


@dataclass(frozen=True)
class NamedServer:
    """`dsn` is its superuser's, by TCP on loopback. `folder` has data/, server.log and the socket."""

    dsn: Dsn
    folder: Path
    postmaster: psutil.Process

    def of(self, role: str, dbname: str = "", *, host: str = "") -> Dsn:
        """The DSN of a role that `add_role` made, for the database of its name unless another is named."""
        return replace(self.dsn, user=role, dbname=dbname or role, host=host or self.dsn.host)

    def execute(self, *statements: str, dbname: str = "") -> None:
        """Execute statements as the superuser, each on its own."""
        with server.connect(replace(self.dsn, dbname=dbname or self.dsn.dbname)) as conn:
            for one in statements:
                conn.execute(one.encode())

    def add_role(self, role: str, options: str = "", *, owns: str = "") -> Dsn:
        """Make a role that can log in, with the superuser's password; `owns` is a new database that it owns."""
        self.execute(f"CREATE ROLE {role} LOGIN {options} PASSWORD '{self.dsn.password}'")
        if owns:
            self.execute(f"CREATE DATABASE {owns} OWNER {role}")
        return self.of(role, owns or self.dsn.dbname)


@contextmanager
def running(
    settings: Mapping[str, str] | None = None,
    hba: Sequence[str] = HBA,
    files: Mapping[str, str] | None = None,
    *,
    embedded: bool = False,
    contained: bool = False,
) -> Iterator[NamedServer]:
    """A server that nothing of the suite has started, on a free port and on a socket, until the end of the block.

    It has a distribution's settings but for those given. `hba` are the lines of pg_hba.conf, `files` more files of the
    data directory (a certificate and its key), which only the server's user can read. `embedded`: with the programs
    of the embedded server. For root, it runs as an unprivileged user. `contained` (root only): its pids are its own, as
    in a container.
    """
    # In a folder that this user can reach; a test's own is closed to all others. And a socket's path must be short.
    home = Path(tempfile.mkdtemp(prefix="named-postgresql-", dir="/var/tmp"))
    account = cluster.locate(home).account
    try:
        programs = _programs(home, account, embedded=embedded)
        home.chmod(0o755)
        for folder in ("data", "socket"):
            (home / folder).mkdir(mode=0o700 if folder == "data" else 0o755)
            _give(home / folder, account)
        dsn = Dsn(ports.LOOPBACK, ports.free(), SUPERUSER, secrets.token_hex(12), "postgres")
        by_socket = replace(dsn, host=str(home / "socket"))
        _initdb(programs, home, account, dsn.password)
        _write(home, account, {"pg_hba.conf": "\n".join(hba) + "\n", **(files or {})})
        given = {
            "listen_addresses": "*",
            "port": str(dsn.port),
            "unix_socket_directories": str(home / "socket"),
            **(settings or {}),
        }
        argv = [str(programs / "postgres"), "-D", str(home / "data")]
        argv += [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        with (home / "server.log").open("wb") as log:
            command = _contained(account, argv) if contained and account else argv
            user = None if contained else account
            process = subprocess.Popen(
                _as(user, command, home, ends_with_us=True), env=spawn.environment(), stdout=log, stderr=log
            )
        try:
            if (
                not waiting.until(lambda: process.poll() is not None or _answers(by_socket), TIMEOUT_S)
                or process.poll()
            ):
                raise AssertionError(f"the named PostgreSQL did not start:\n{(home / 'server.log').read_text()}")
            first = psutil.Process(process.pid)
            yield NamedServer(dsn, home, first.children()[0] if contained else first)
        finally:
            if contained:
                psutil.wait_procs(_ended(psutil.Process(process.pid)), TIMEOUT_S)
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGINT)  # a fast shutdown
            try:
                process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait()
    finally:
        shutil.rmtree(home)


def _programs(home: Path, account: cluster.Account | None, *, embedded: bool) -> Path:
    if DEBIAN and not embedded:
        return DEBIAN[-1].parent
    found = binaries.installed()
    if account and not binaries.usable(found, account.uid, account.gid):
        found = binaries.copied(found, home / "programs")
    return found / "bin"


def _as(account: cluster.Account | None, argv: list[str], folder: Path, *, ends_with_us: bool) -> list[str]:
    return launch.command(
        argv,
        Options(
            signal=signal.SIGINT if ends_with_us else None,
            user=(account.uid, account.gid) if account else None,
            folder=str(folder),
            own_session=True,
        ),
    )


def _contained(account: cluster.Account, argv: list[str]) -> list[str]:
    # A change of the user takes the signal away that the end of `unshare` would send.
    user = ["setpriv", "--pdeathsig=INT", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    return ["unshare", "--pid", "--fork", *user, *argv]


def _ended(unshare: psutil.Process) -> list[psutil.Process]:
    """The server behind it, which ends with it."""
    found = unshare.children()
    unshare.kill()
    return found


def _initdb(programs: Path, home: Path, account: cluster.Account | None, password: str) -> None:
    secret = home / "secret"
    secret.write_text(password)
    _give(secret, account)
    argv = [str(programs / "initdb"), "-D", str(home / "data"), f"--username={SUPERUSER}", f"--pwfile={secret}"]
    argv += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions", "--auth=scram-sha-256"]
    command = _as(account, argv, home, ends_with_us=False)
    done = subprocess.run(command, env=spawn.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    secret.unlink()


def _write(home: Path, account: cluster.Account | None, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = home / "data" / name
        path.write_text(text)
        path.chmod(0o600)
        _give(path, account)


def _give(path: Path, account: cluster.Account | None) -> None:
    if account:
        os.chown(path, account.uid, account.gid)


def _answers(dsn: Dsn) -> bool:
    try:
        server.connect(dsn, timeout_s=2).close()
    except DatabaseError:
        return False
    return True
