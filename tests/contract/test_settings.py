"""Services with other settings than the default plan's: uvicorn alone, a pool of one, a server in another time zone."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from bench.measure.fleet.fleet import Fleet
from bench.plan.matrix import Setup
from db import server
from db.address.dsn import Dsn
from db.data import buyer, dataset
from suite import catalogue
from tests.contract.test_health import assert_healthy

UNREACHABLE = (502, b'{"detail":"the external API did not answer"}')


def test_health_under_uvicorn_alone(cramped: tuple[Setup, ...], fleet: Fleet) -> None:
    """The same without gunicorn, and with other settings than the default ones."""
    for setup in cramped:
        assert_healthy(setup, fleet)


def test_an_external_api_that_is_down_is_a_502(
    restored: Dsn, cramped: tuple[Setup, ...], fleet: Fleet, tmp_path: Path
) -> None:
    """On either kind of transaction; nothing was written, and the pool's only connection is free again."""
    fleet.external.stop()
    try:
        for setup in cramped:
            url = catalogue.service(setup.service).url
            for transaction in ("implicit", "explicit"):
                answer = httpx.post(f"{url}/notes/1/synchronize?transaction={transaction}")
                assert (answer.status_code, answer.content) == UNREACHABLE, setup.service
                assert httpx.get(f"{url}/notes/1").json() == {"id": 1, "data": dataset.note(1)}, setup.service
    finally:
        fleet.external.url(0.0, tmp_path / "external_api.log")
        fleet.external.wait()
    with server.connect(restored) as conn:
        assert conn.execute("SELECT data FROM notes WHERE id = 1").fetchone() == (dataset.note(1),)


def test_times_are_utc_whatever_the_server_says(restored: Dsn, cramped: tuple[Setup, ...]) -> None:
    """Stored and new times are written in UTC with a Z, fields in the contract's order."""
    with server.connect(restored) as conn:
        assert conn.execute("SHOW timezone").fetchone() == ("Asia/Tokyo",)
    services = [catalogue.service(setup.service) for setup in cramped]
    stored = {service.name: httpx.get(f"{service.url}/users/1").text for service in services}
    assert len(set(stored.values())) == 1
    for number, service in enumerate(services):
        fields = {"name": "New", "email": f"new{number}@example.com"}
        made = httpx.post(f"{service.url}/users", json=fields)
        read = httpx.get(f"{service.url}/users/{made.json()['id']}")
        changed = httpx.put(f"{service.url}/users/{made.json()['id']}", json=fields)
        page = httpx.get(f"{service.url}/users?offset=0&limit=1")
        assert made.text == read.text == changed.text
        assert page.text == f"[{stored[service.name]}]"
        for text in (made.text, stored[service.name]):
            assert re.fullmatch(
                r'\{"id":\d+,"name":"[^"]+","email":"[^"]+","created_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"\}',
                text,
            ), service.name
        age = datetime.now(UTC) - datetime.fromisoformat(made.json()["created_at"])
        assert abs(age) < timedelta(seconds=30), service.name


def test_orders_are_in_utc_as_well(restored: Dsn, cramped: tuple[Setup, ...]) -> None:
    """The simulation's times go through a table, not through a model's field."""
    path = f"/simulation?user_id={buyer.of_little(restored)}"
    answers = {setup.service: httpx.get(f"{catalogue.service(setup.service).url}{path}").text for setup in cramped}
    assert answers == dict.fromkeys(answers, answers["asyncpg_async"])
    written = json.loads(answers["asyncpg_async"])["orders"]["created_at"]
    assert written
    assert [time for time in written if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", time)] == []
