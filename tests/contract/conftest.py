"""What contract tests share beside the services of the default plan."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from psycopg import sql

from bench.plan.matrix import Setup, default_setup
from db import server
from db.address.dsn import Dsn
from suite import catalogue
from suite.service import PORT_OFFSET
from tests.unit import catalogue_of

WITH_DATABASE = tuple(name for name, service in catalogue.services().items() if service.needs_database)
POOL_TIMEOUT_S = 0.5
"""Of the services of `cramped`."""
BLOCKING = tuple(name for name in WITH_DATABASE if catalogue.service(name).warning)
"""Services that handle one request at a time, so that none waits for a connection."""


@pytest.fixture(scope="package", autouse=True)
def ports_of_their_own() -> Iterator[None]:
    """Files of these tests run side by side, on several CPUs: each process of pytest has its own services."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PORT_OFFSET, str(1100 * (int(worker) % 20)))
        catalogue_of.forget()
        yield
    catalogue_of.forget()


@pytest.fixture
def cramped(database: Dsn, stage: Callable[..., None]) -> Iterator[tuple[Setup, ...]]:
    """Every service with one connection, for which requests wait half a second; other settings differ, too.

    Uvicorn serves them alone, and sessions would begin in another time zone than UTC. One set-up, since a start of all
    takes seconds.
    """
    setups = tuple(
        replace(
            default_setup(name),
            server="uvicorn",
            pool_size=1,
            pool_timeout_s=POOL_TIMEOUT_S,
            threads=20,
            external_delay_s=0.0,
            gc="freeze",
        )
        for name in WITH_DATABASE
    )
    alter = sql.SQL("ALTER DATABASE {name} {change}")
    name = sql.Identifier(database.dbname)
    with server.connect(database) as conn:
        conn.execute(alter.format(name=name, change=sql.SQL("SET timezone = 'Asia/Tokyo'")))
        try:
            stage(*setups)
            yield setups
        finally:
            conn.execute(alter.format(name=name, change=sql.SQL("RESET timezone")))
