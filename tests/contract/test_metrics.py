"""GET /metrics: Prometheus' conventions, and figures of all workers whichever of them is asked."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import httpx
import psutil
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from bench.measure.fleet.fleet import Fleet
from bench.plan.matrix import default_setup
from db.address.dsn import Dsn
from suite import catalogue
from suite.service import Service
from tests.contract.conftest import WITH_DATABASE

TYPES = {
    "users_created": "counter",
    "process_cpu_seconds": "counter",
    "process_resident_memory_bytes": "gauge",
    "workers": "gauge",
    "threads": "gauge",
    "threads_busy": "gauge",
    "pool_connections": "gauge",
    "pool_connections_idle": "gauge",
    "gc_full_collections": "counter",
    "gc_seconds": "counter",
    "gc_longest_pause_seconds": "gauge",
}
REFRESHED_S = 1.5


def families(service: Service) -> dict[str, Metric]:
    """What one scrape says, over a connection of its own, which any worker may take."""
    answer = httpx.get(f"{service.url}/metrics")
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(found: dict[str, Metric], name: str) -> float:
    [sample] = found[name].samples
    return sample.value


def assert_conventional(found: dict[str, Metric]) -> None:
    """Type and help of each; base units; counters, and nothing else, end in _total."""
    for name, kind in TYPES.items():
        if name in found:
            assert (found[name].type, found[name].documentation.endswith(".")) == (kind, True), name
    for family in found.values():
        assert family.documentation, family.name
        assert not family.name.endswith(("_ms", "_milliseconds", "_mb", "_kb")), family.name
        for sample in family.samples:
            assert sample.name != "users_created_created"
            assert sample.name.endswith("_total") == (family.type == "counter"), sample.name


@pytest.mark.parametrize("name", catalogue.services())
def test_one_worker_follows_the_conventions(name: str, services: tuple[Service, ...]) -> None:
    """All of TYPES are there, but for the pool of a service that has none."""
    assert services
    found = families(catalogue.service(name))
    assert_conventional(found)
    assert {key for key in TYPES if not key.startswith("pool_") or name in WITH_DATABASE} <= set(found)
    assert value(found, "workers") == 1


@contextmanager
def connections(service: Service, count: int) -> Iterator[None]:
    """So many open ones. What a service keeps of each makes it collect garbage; a request alone leaves nothing."""
    with ExitStack() as held:
        for _ in range(count):
            held.enter_context(socket.create_connection(("127.0.0.1", service.port)))
        yield


def collections(service: Service, least: float) -> tuple[float, float, float]:
    """Full ones, the time of all and the longest, as soon as they took longer than `least`, or after some seconds."""
    deadline = time.monotonic() + 5
    while True:
        found = families(service)
        figures = [value(found, f"gc_{name}") for name in ("full_collections", "seconds", "longest_pause_seconds")]
        if figures[1] > least or time.monotonic() > deadline:
            return figures[0], figures[1], figures[2]
        time.sleep(0.1)


@pytest.mark.parametrize("name", catalogue.services())
def test_collections_are_counted(name: str, services: tuple[Service, ...]) -> None:
    """Their time grows, and the longest one is a part of it."""
    service = catalogue.service(name)
    assert service in services
    full, total_s, _ = collections(service, -1)
    with connections(service, 300):
        full_later, total_later_s, longest_s = collections(service, total_s)
    assert total_s < total_later_s < total_s + 5
    assert 0 < longest_s <= total_later_s
    assert full_later >= full


@pytest.mark.slow
@pytest.mark.parametrize(("name", "server"), [("asyncpg_async", "gunicorn"), ("psycopg2_sync", "uvicorn")])
def test_several_workers_answer_for_all(
    name: str, server: str, restored: Dsn, stage: Callable[..., None], fleet: Fleet
) -> None:
    """Every scrape counts every user; pools, threads, memory and CPU time are sums, also after one has died."""
    assert restored
    setup = replace(default_setup(name), workers=2, server=server, pool_size=3, threads=7, external_delay_s=0.0)
    stage(setup, anew=True)
    service = catalogue.service(name)
    threads = 2 * (7 if service.mode == "sync" else 40)  # asynchronous services leave anyio's own limit alone
    deadline = time.monotonic() + 15
    while value(families(service), "workers") < 2 and time.monotonic() < deadline:
        time.sleep(0.1)

    def create(number: int) -> int:
        return httpx.post(f"{service.url}/users", json={"name": "A", "email": f"of-{number}@example.com"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(create, range(60))) == {201}
        scrapes = list(pool.map(lambda _: families(service), range(40)))
    assert {value(found, "users_created") for found in scrapes} == {60}
    time.sleep(REFRESHED_S)
    found = families(service)
    assert_conventional(found)
    assert {key: value(found, key) for key in ("workers", "threads", "threads_busy", "pool_connections")} == {
        "workers": 2, "threads": threads, "threads_busy": 0, "pool_connections": 6,
    }  # fmt: skip
    assert value(found, "pool_connections_idle") == 6
    with connections(service, 600):
        _, total_s, longest_s = collections(service, 0)
        assert 0 < longest_s <= total_s
    [pid] = fleet.pids()
    workers = [one for one in psutil.Process(pid).children() if "resource_tracker" not in " ".join(one.cmdline())]
    memory = sum(one.memory_info().rss for one in workers)
    assert value(found, "process_resident_memory_bytes") == pytest.approx(memory, rel=0.1)
    cpu_s = sum(one.cpu_times().user + one.cpu_times().system for one in workers)
    assert value(found, "process_cpu_seconds") == pytest.approx(cpu_s, rel=0.1, abs=0.1)

    workers[0].kill()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        time.sleep(0.5)
        after = families(service)
        if value(after, "workers") == 2 and workers[0].pid not in {one.pid for one in psutil.Process(pid).children()}:
            break
    time.sleep(REFRESHED_S)
    after = families(service)
    assert value(after, "users_created") == 60
    assert value(after, "process_cpu_seconds") > value(found, "process_cpu_seconds") - 0.5
    assert (value(after, "workers"), value(after, "pool_connections"), value(after, "threads")) == (2, 6, threads)
