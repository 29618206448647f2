"""What services say of themselves: /health and /metrics."""

import re
import ssl
from collections.abc import Sequence
from importlib.metadata import version

import httpx
import psycopg
import psycopg2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.measure.fleet.fleet import Fleet
from bench.plan.matrix import Setup, default_setup
from db.address.dsn import Dsn
from services.introspection import FRAMEWORK
from suite import catalogue
from suite.service import Service
from tests.contract.conftest import WITH_DATABASE


def assert_healthy(setup: Setup, fleet: Fleet) -> None:
    service = setup.described
    health = httpx.get(f"{service.url}/health").json()
    versions, builds = health.pop("versions"), health.pop("builds")
    assert health == {
        "service": setup.service,
        "driver": setup.driver,
        "profile": "idiomatic",
        "gc": setup.gc,
        "pooler": setup.pooler,
        "nonce": fleet.settings.nonce,
        "pool": {"size": setup.pool_size, "overflow": setup.pool_overflow, "timeout_s": setup.pool_timeout_s},
        "threads": setup.threads,
        "server": setup.server,
        "event_loop": setup.loop,
        "http_parser": "httptools",
    }
    names = (*FRAMEWORK, *service.libraries)
    assert {name: versions[name] for name in names} == {name: version(name) for name in names}
    assert re.fullmatch(r"3\.\d+\.\d+\S*", versions["python"])
    assert builds == expected_builds(service.libraries)


def expected_builds(libraries: Sequence[str]) -> dict[str, str]:
    """What this process, which has the same packages, says of the service's libraries."""
    found = {"openssl": ssl.OPENSSL_VERSION}
    if "psycopg" in libraries:
        found |= {"psycopg": psycopg.pq.__impl__, "libpq": pq_version(psycopg.pq.version())}
    if "peewee" in libraries:  # it imports each driver that it finds
        found["psycopg"] = psycopg.pq.__impl__
    if "psycopg2-binary" in libraries:
        found["libpq"] = pq_version(psycopg2.__libpq_version__)
    if {"sqlalchemy", "databases"} & {*libraries}:
        found["sqlalchemy"] = "compiled"
    return found


def pq_version(number: int) -> str:
    return ".".join(map(str, divmod(number, 10000)))


def metrics(service: Service) -> dict[str, float]:
    answer = httpx.get(f"{service.url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = text_string_to_metric_families(answer.text)
    return {sample.name: sample.value for family in families for sample in family.samples if not sample.labels}


@pytest.mark.parametrize("name", catalogue.services())
def test_health_under_gunicorn(name: str, services: tuple[Service, ...], fleet: Fleet) -> None:
    """Name, nonce, settings and versions are those of this run, on uvloop and httptools."""
    assert catalogue.service(name) in services
    assert_healthy(default_setup(name), fleet)


@pytest.mark.parametrize("name", WITH_DATABASE)
def test_users_created_are_counted(name: str, restored: Dsn, services: tuple[Service, ...]) -> None:
    """A create that succeeded counts once; one that was refused does not."""
    assert restored
    service = catalogue.service(name)
    assert service in services
    fields = {"name": "Counted", "email": "counted@example.com"}
    before = metrics(service)["users_created_total"]
    assert httpx.post(f"{service.url}/users", json=fields).status_code == 201
    assert metrics(service)["users_created_total"] == before + 1
    assert httpx.post(f"{service.url}/users", json=fields).status_code == 409
    assert metrics(service)["users_created_total"] == before + 1


@pytest.mark.parametrize("name", catalogue.services())
def test_metrics_of_process_and_pool(name: str, services: tuple[Service, ...]) -> None:
    """CPU and memory of the process everywhere; the pool's own figures where the library keeps them, never made up."""
    service = catalogue.service(name)
    assert service in services
    found = metrics(service)
    assert found["process_cpu_seconds_total"] > 0
    assert found["process_resident_memory_bytes"] > 10_000_000
    assert (found["threads"], found["threads_busy"]) == (default_setup(name).threads, 0)
    pool = {key: value for key, value in found.items() if key.startswith("pool_")}
    if name in WITH_DATABASE:
        size = default_setup(name).pool_size
        assert pool == {"pool_connections": size, "pool_connections_idle": size}
    else:
        assert pool == {}
