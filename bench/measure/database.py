"""The database of a run: a private PostgreSQL that is started for it, or another server that the user named."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psutil

from bench.measure.named import locate, moving
from bench.measure.named.moving import Placed
from bench.plan import placement
from bench.plan.note import Kind, Note
from db import gaps, pooler, rights, server
from db.address import dsn, libraries, parameters
from db.address.dsn import Dsn
from db.address.libraries import SettingError
from db.data import loader
from db.data.marker import Dataset
from db.data.steps import Progress
from db.pooler import Pooler
from db.private import embedded, postmaster
from db.rights import Rights
from suite import catalogue, waiting
from suite.errors import DatabaseError, RestartedError
from suite.service import Service

SPARE_CONNECTIONS = 5  # for the harness itself
UNWATCHED = "PostgreSQL is not watched and not placed, and database_cpu_ms_per_request stays empty"
RESTART_TIMEOUT_S = 15.0
POLL_EVERY_S = 0.2
STOP_TIMEOUT_S = 3.0  # Ctrl-C ends everything within 5 s


@dataclass(frozen=True)
class Database:
    """A server that answers. `private` is true for the embedded one, whose process is `pid`.

    `placed`: it runs on the CPUs that were requested. `movable`: it may be placed on other CPUs. Of a named server:
    `rights` are those of the role; `pid` is its process if that was found on this machine, `lent` if it was moved for
    the time of the run; `unseen` says why it was not found. `pooler` is between it and its address, and `poolers` are
    the processes of that.
    """

    dsn: Dsn
    private: bool
    pid: int | None = None
    placed: bool = True
    movable: bool = True
    rights: Rights | None = None
    lent: bool = False
    poolers: tuple[int, ...] = ()
    unseen: str = ""
    pooler: Pooler | None = None

    @property
    def pids(self) -> tuple[int, ...]:
        """The roots of the processes that are the database's."""
        return () if self.pid is None else (self.pid, *self.poolers)

    def as_dict(self) -> dict[str, Any]:
        """Its processes, for environment.json."""
        if self.pid is None:
            return {"unseen": self.unseen}
        return {"pid": self.pid, "poolers": self.poolers, "placed": self.placed}

    def __str__(self) -> str:
        return f"{'private PostgreSQL' if self.private else 'PostgreSQL'} at {self.dsn.redacted}"


def named(url: str | None) -> Dsn | None:
    """The server that --database-url, DATABASE_URL or PG* name. None means the private one.

    Raises DatabaseError that says which of them it was.
    """
    with _naming(url):
        return dsn.parse(url, os.environ) if url else dsn.from_environment(os.environ)


@contextmanager
def _naming(url: str | None) -> Iterator[None]:
    """Let an error say where the address came from."""
    try:
        yield
    except DatabaseError as error:
        raise DatabaseError(f"{_source(url)}: {error}") from None


def _source(url: str | None) -> str:
    return "--database-url" if url else dsn.source(os.environ)


def check_settings(found: Dsn, url: str | None, services: Iterable[Service]) -> None:
    """Raise DatabaseError for a setting of the address that a service's library cannot do.

    It names the library, the setting, where it came from and the services.
    """
    wrong: dict[str, tuple[SettingError, list[str]]] = {}
    for service in dict.fromkeys(services):
        try:
            libraries.form(found, libraries.library_of(service.libraries))
        except SettingError as error:
            wrong.setdefault(str(error), (error, []))[1].append(service.name)
    for refused, who in wrong.values():
        variable = parameters.variables().get(refused.name, "")
        in_url = f"{refused.name}=" in (url or os.environ.get("DATABASE_URL", ""))
        came_from = _source(url) if in_url or variable not in os.environ else variable
        raise DatabaseError(f"{came_from}: {refused}; leave it out, or leave out the services {', '.join(who)}")


@contextmanager
def opened(url: str | None, cpus: tuple[int, ...] = (), services: Iterable[Service] = ()) -> Iterator[Database]:
    """The named server, or the private one. The private one is stopped at the end, unless it already ran before.

    `services` are going to use it: each must be able to do what the address sets.
    """
    if (external := named(url)) is not None:
        check_settings(external, url, services)
        with _naming(url):
            found = rights.of(external)
            if found.read_only:
                raise DatabaseError(f"no run is possible at {external.redacted}: {gaps.writing(found)}")
            before = pooler.find(external)
        seen = locate.find(external)
        with moving.placed(seen.pids, cpus) as placed:
            yield Database(
                external,
                private=False,
                pid=seen.postmaster,
                placed=placed is not Placed.NOT,
                lent=placed is Placed.MOVED,
                rights=found,
                poolers=seen.poolers,
                unseen=seen.why_not,
                pooler=before,
            )
        return
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # PGSSLMODE, PGOPTIONS and the like are meant for another server
    cluster = embedded.locate(catalogue.CHECKOUT)
    running = embedded.start(cluster, detached=False, cpus=cpus or None)
    try:
        movable = not cpus or _movable(running.pid)
        yield Database(running.dsn, private=True, pid=running.pid, placed=running.placed, movable=movable)
    finally:
        if not running.reused:
            embedded.stop(cluster, timeout_s=STOP_TIMEOUT_S)


def check_connections(database: Database, needed: int) -> None:
    """Raise DatabaseError, with the sum, when the services may need more connections than the role can have.

    How many a pooler allows is not known.
    """
    if database.pooler is not None:
        return
    limit = rights.of(database.dsn).tightest
    if needed + SPARE_CONNECTIONS > limit.free:
        raise DatabaseError(
            f"the plan's services may open {needed} connections (pool x workers, all services that run side by side)"
            f" and {SPARE_CONNECTIONS} are kept free for the suite: {needed + SPARE_CONNECTIONS} in all, but"
            f" {limit.who}, and {limit.taken} are in use; use smaller pools, or {limit.remedy}"
        )


def notes(database: Database) -> list[Note]:
    """What a run will not know or do with the rights of its role and from here, each with the remedy."""
    if database.rights is None:
        return []
    found = [Note("", Kind.RIGHTS, str(one)) for one in gaps.gaps(database.rights)]
    if database.unseen:
        found.append(Note("", Kind.PLACEMENT, f"{UNWATCHED}: {database.unseen}"))
    return found


def check_not_restarted(database: Database, since: datetime) -> None:
    """Raise RestartedError when the server was restarted after `since`.

    Waits for a server that is just restarting. Raises DatabaseError when it does not come back.
    """
    found = waiting.until(lambda: _start_time(database.dsn), RESTART_TIMEOUT_S, POLL_EVERY_S)
    started = found or server.postmaster_start_time(database.dsn)  # it raises an error that says what is wrong
    if started != since:
        raise RestartedError(f"PostgreSQL was restarted at {started:%H:%M:%S} UTC, while this was measured")


def _start_time(dsn: Dsn) -> datetime | None:
    with suppress(DatabaseError):
        return server.postmaster_start_time(dsn)
    return None


def loaded(database: Database, scale: float, progress: Progress | None = None) -> Dataset:
    """The dataset of this scale. It is loaded unless it is already there; only loading calls `progress`.

    Raises DatabaseError, with the remedy, where the role may make no tables.
    """
    if database.rights is not None and not database.rights.creates_tables and loader.inspect(database.dsn) is None:
        refused = [one for one in gaps.findings(database.rights) if one.forbids]
        raise DatabaseError(f"no dataset can be loaded at {database.dsn.redacted}: {'; '.join(map(str, refused))}")
    with _on_all_cpus(database.pid if database.private or database.lent else None):
        return loader.load(database.dsn, scale, progress)


def _movable(pid: int) -> bool:
    try:
        process = psutil.Process(pid)
        return postmaster.place(process, process.cpu_affinity())
    except psutil.NoSuchProcess:  # the next connection fails with a better message
        return True


@contextmanager
def _on_all_cpus(pid: int | None) -> Iterator[None]:
    """Let the private server use every CPU inside the block: nothing is measured while it loads."""
    cpus = placement.available_cpus()
    if pid is None or not cpus:
        yield
        return
    with suppress(psutil.NoSuchProcess):  # it has ended meanwhile; the next connection fails with a better message
        process = psutil.Process(pid)
        before = process.cpu_affinity()
        postmaster.place(process, cpus)
        try:
            yield
        finally:
            postmaster.place(process, before)
