"""Pools: opened at start, never larger than said, and a 503 with one body for who waits too long."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import Event
from typing import get_args
from uuid import uuid4

import httpx
import psutil
import pytest

from bench.measure.fleet.fleet import Fleet
from bench.plan.matrix import default_setup
from db import server
from db.address.dsn import Dsn
from services.contract import params
from services.contract.operations import STREAM_SESSIONS
from suite import catalogue
from suite.service import Service
from tests.contract.conftest import BLOCKING, POOL_TIMEOUT_S, WITH_DATABASE

LOADINGS = get_args(params.Loading)
BUSY = (503, b'{"detail":"no database connection came free in time"}')
# Each new client of httpx loads certificates anew. A connection for each request: the pools are what is tested.
HTTP = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0))
LOCK_WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND state = 'active'"


def status_and_body(answer: httpx.Response) -> tuple[int, bytes]:
    return answer.status_code, answer.content


def backends(fleet: Fleet, service: Service, database: Dsn) -> int:
    """How many server processes talk to this service's processes."""
    [child] = [child for setup, child in fleet._running.items() if setup.service == service.name]
    process = psutil.Process(child.pid)
    ports = {
        connection.laddr.port
        for member in (process, *process.children(recursive=True))
        for connection in member.net_connections("tcp4")
        if connection.raddr and connection.raddr.port == database.port
    }
    with server.connect(database) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE client_port = ANY(%s)", [list(ports)]
        ).fetchone()
    return int(row[0]) if row else 0


def test_pools_stay_open_and_within_bounds(services: tuple[Service, ...], fleet: Fleet, restored: Dsn) -> None:
    """As many connections as the pool's size before, during and after 50 requests at once.

    Before the first request of all: tests/integration/test_counts.py.
    """
    size = default_setup("asyncpg_async").pool_size
    for service in services:
        if service.needs_database:
            assert backends(fleet, service, restored) == size, service.name
            assert most_under_burst(fleet, service, restored) == size, service.name
            assert backends(fleet, service, restored) == size, service.name


def most_under_burst(fleet: Fleet, service: Service, database: Dsn) -> int:
    done = Event()

    def watch() -> int:
        most = 0
        while not done.is_set():
            most = max(most, backends(fleet, service, database))
        return most

    limits = httpx.Limits(max_connections=50)
    with ThreadPoolExecutor(51) as pool, httpx.Client(base_url=service.url, limits=limits, timeout=20) as client:
        watched = pool.submit(watch)
        answers = list(pool.map(client.get, ["/point-reads?count=40&seed=1"] * 50))
        done.set()
    assert {answer.status_code for answer in answers} == {200}
    return watched.result()


@contextmanager
def only_connection_held(database: Dsn, url: str, user_id: int) -> Iterator[None]:
    """An update that waits for a row lock of ours keeps the pool's only connection; it must succeed in the end."""
    # Never the same twice: an ORM sends no UPDATE for what does not change.
    fields = {"name": "Held", "email": f"{uuid4().hex}@example.com"}
    with server.connect(database) as locker, ThreadPoolExecutor(1) as pool, server.connect(database) as watcher:
        with locker.transaction():
            locker.execute("SELECT 1 FROM users WHERE id = %s FOR UPDATE", [user_id])
            update = pool.submit(HTTP.put, f"{url}/users/{user_id}", json=fields, timeout=20)
            while watcher.execute(LOCK_WAITERS).fetchone() == (0,):
                assert not update.done(), update.result().text
            yield
        assert update.result(20).status_code == 200


@pytest.mark.parametrize("name", [name for name in WITH_DATABASE if name not in BLOCKING])
@pytest.mark.usefixtures("cramped")
def test_waiting_too_long_for_a_connection_is_a_503(name: str, restored: Dsn) -> None:
    """On every operation, with the same body everywhere; afterwards all is as before, twice in a row."""
    url = catalogue.service(name).url
    fields = {"name": "A", "email": "mine@example.com"}
    user_id = HTTP.post(f"{url}/users", json=fields).json()["id"]
    good = status_and_body(HTTP.get(f"{url}/users/1"))
    assert good[0] == 200
    asked = [
        ("GET", "/users/1", None), ("GET", "/users", None), ("GET", "/point-reads?count=3&seed=1", None),
        ("POST", "/users", {"name": "B", "email": "b@example.com"}), ("PUT", "/users/2", fields),
        ("DELETE", "/users/3", None), ("GET", "/notes/1", None), ("GET", "/notes/1?transaction=explicit", None),
        ("POST", "/notes/1/synchronize", None), ("POST", "/notes/1/synchronize?transaction=explicit", None),
        ("GET", "/session-sleep?sleep=inside&seconds=0", None), ("GET", "/session-sleep?sleep=outside&seconds=0", None),
        ("GET", "/simulation?user_id=1", None), ("GET", "/slow-query?seconds=0", None),
    ]  # fmt: skip
    if catalogue.service(name).answers(["relations", "stream_own"]):
        asked += [("GET", f"/users-with-orders?first_id=1&loading={one}", None) for one in LOADINGS]
        asked += [("GET", f"/streams/{one}?stream_s=0", None) for one in STREAM_SESSIONS]
    for _ in range(2):
        with only_connection_held(restored, url, user_id), ThreadPoolExecutor(len(asked)) as pool:
            answers = [pool.submit(HTTP.request, m, url + path, json=body, timeout=10) for m, path, body in asked]
            assert [status_and_body(answer.result()) for answer in answers] == [BUSY] * len(asked)
            assert HTTP.get(f"{url}/ping").status_code == 200
        for _ in range(5):
            assert status_and_body(HTTP.get(f"{url}/users/1")) == good


@pytest.mark.parametrize("name", WITH_DATABASE)
@pytest.mark.usefixtures("cramped")
def test_a_connection_that_comes_free_in_time_is_used(name: str, restored: Dsn) -> None:
    """Who waits less than the time-out gets an answer, not an error."""
    url = catalogue.service(name).url
    user_id = HTTP.post(f"{url}/users", json={"name": "A", "email": "mine@example.com"}).json()["id"]
    with ThreadPoolExecutor(1) as pool:
        with only_connection_held(restored, url, user_id):
            waiting = pool.submit(HTTP.get, f"{url}/users/1")
        assert waiting.result().status_code == 200


@pytest.mark.parametrize("name", BLOCKING)
@pytest.mark.usefixtures("cramped")
def test_a_blocked_event_loop_answers_nothing_until_its_query_ends(name: str, restored: Dsn) -> None:
    """The mistake of a warning example: not even GET /ping, which needs no database. No request becomes a 503."""
    url = catalogue.service(name).url
    user_id = HTTP.post(f"{url}/users", json={"name": "A", "email": "mine@example.com"}).json()["id"]
    with ThreadPoolExecutor(2) as pool:
        with only_connection_held(restored, url, user_id):
            waiting = [pool.submit(HTTP.get, f"{url}{path}", timeout=20) for path in ("/ping", "/users/1")]
            assert wait(waiting, timeout=2 * POOL_TIMEOUT_S).done == set()
        assert [one.result().status_code for one in waiting] == [200, 200]
