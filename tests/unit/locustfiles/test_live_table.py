"""The web UI's tab: figures read from /metrics, backends told apart, and what is said of what is not known."""

import socket
from collections import Counter

import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client import Counter as Metric

from db.activity import Holder
from locustfiles import _backends, _figures
from locustfiles._backends import by_service
from locustfiles._figures import ServiceFigures
from locustfiles._table import COLUMNS, OTHERS, BackendCounts, ServiceAnswers, as_json, table

FULL = ServiceFigures(cpu_s=3.0, memory_bytes=101_400_000, threads=40, threads_busy=3, pool=10, pool_idle=6)


def text(prefix: str = "", workers: tuple[str, ...] = ("",)) -> str:
    """What prometheus-client makes of such figures, each worker process with a sample of its own."""
    registry = CollectorRegistry()
    values = {"threads": 40, "threads_busy": 3, "pool_connections": 10, "pool_connections_idle": 6}
    for name, value in values.items():
        gauge = Gauge(f"{prefix}{name}", "What it is.", ["pid"], registry=registry)
        for worker in workers:
            gauge.labels(worker).set(value)
    memory = Gauge("process_resident_memory_bytes", "Memory.", registry=registry)
    memory.set(101_400_000)
    Metric("process_cpu_seconds", "CPU time.", registry=registry).inc(3.0)
    Metric("users_created", "Users.", registry=registry).inc(7)
    return generate_latest(registry).decode()


def test_figures_are_found_by_what_they_are() -> None:
    assert _figures.parse(text()) == FULL
    assert _figures.parse(text(prefix="fastapi_")) == FULL


def test_workers_are_summed() -> None:
    found = _figures.parse(text(workers=("11", "12")))
    assert (found.threads, found.pool, found.pool_idle) == (80, 20, 12)


def test_what_a_service_does_not_say_is_not_known() -> None:
    assert _figures.parse("") == ServiceFigures()
    with pytest.raises(ValueError, match="could not convert"):
        _figures.parse("threads many\n")


def test_cpu_time_is_a_share_of_one_cpu() -> None:
    assert _figures.cpu_share(FULL, FULL._replace(cpu_s=3.5), 2.0) == 0.25
    assert _figures.cpu_share(FULL, FULL._replace(cpu_s=1.0), 2.0) is None  # started anew
    assert _figures.cpu_share(ServiceFigures(), FULL, 2.0) is None


def test_backends_are_told_apart_by_their_clients_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all services are on this machine."""
    ends = [(1, "active"), (1, "idle"), (2, "idle"), (3, "idle")]
    holders = [*(Holder("127.0.0.1", port, state) for port, state in ends), Holder("", -1, "active")]
    monkeypatch.setattr(_backends, "search", lambda: {1: "asyncpg_async", 2: "psycopg2_sync"})
    owners = _backends.Owners({"asyncpg_async": "http://127.0.0.1:8002", "psycopg2_sync": "http://127.0.0.1:8001"})
    assert by_service(holders, owners.of(holders)) == {
        "asyncpg_async": Counter(active=1, idle=1),
        "psycopg2_sync": Counter(idle=1),
        "": Counter(idle=1, active=1),
    }


def test_backends_are_told_apart_by_their_clients_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each service has one of its own; one that is not up has none, and is asked for again later."""
    addresses = {"asyncpg_async": "10.0.0.2"}

    def look_up(host: str) -> str:
        if host not in addresses:
            raise socket.gaierror
        return addresses[host]

    monkeypatch.setattr(socket, "gethostbyname", look_up)
    monkeypatch.setattr(_backends, "SEARCH_EVERY_S", 0.0)
    owners = _backends.Owners({name: f"http://{name}:8000" for name in ("asyncpg_async", "psycopg2_sync")})
    holders = [Holder("10.0.0.2", 5, "idle"), Holder("10.0.0.3", 5, "active"), Holder("", -1, "idle")]
    assert owners.of(holders) == ["asyncpg_async", "", ""]
    addresses["psycopg2_sync"] = "10.0.0.3"
    assert owners.of(holders) == ["asyncpg_async", "psycopg2_sync", ""]


def seen(name: str, figures: ServiceFigures, at_s: float = 10.0) -> ServiceAnswers:
    one = ServiceAnswers(name)
    one.answered(figures, at_s - 1)
    one.answered(figures._replace(cpu_s=(figures.cpu_s or 0) + 0.5), at_s)
    return one


def test_a_row_has_everything_that_is_known() -> None:
    backends = {
        "asyncpg_async": Counter(
            {"active": 2, "idle": 5, "idle in transaction": 1, "idle in transaction (aborted)": 1}
        ),
        "": Counter({"idle": 1, "unknown": 1}),
    }
    shown = table([seen("asyncpg_async", FULL), seen("no_database", FULL)], BackendCounts(backends), now_s=10.5)
    assert shown.rows == [
        ("asyncpg_async", "50%", "101", "3 of 40", "4 of 10", "2", "5", "2", "0"),
        ("no_database", "50%", "101", "3 of 40", "-", "-", "-", "-", "-"),
        (OTHERS, "", "", "", "", "0", "1", "0", "1"),
    ]
    assert shown.notes == []
    assert {len(row) for row in as_json(shown)["rows"]} == {len(COLUMNS)}


def test_what_is_not_known_is_said() -> None:
    down = ServiceAnswers("psycopg2_sync")
    down.failed("cannot connect: Connection refused")
    slow = seen("asyncpg_async", ServiceFigures(), at_s=3.0)
    shown = table([down, slow], BackendCounts(problem="DATABASE_URL is not set"), now_s=10.0)
    assert {cell for row in shown.rows for cell in row[1:]} == {"?"}
    assert shown.notes == [
        "psycopg2_sync: cannot connect: Connection refused",
        "asyncpg_async: as of 7 s ago; no answer since",
        "backends are unknown: DATABASE_URL is not set",
    ]


def test_backends_of_another_machines_services_are_counted_together() -> None:
    shown = table([seen("asyncpg_async", FULL)], BackendCounts({"": Counter(idle=10)}), now_s=10.0)
    assert shown.rows[-1] == (OTHERS, "", "", "", "", "0", "10", "0", "0")
    assert "some backends cannot be assigned to a service" in shown.notes[0]


def test_a_warning_example_is_marked() -> None:
    """And what is wrong is the first note."""
    found = table([ServiceAnswers("asyncpg_async"), ServiceAnswers("psycopg2_blocking")], BackendCounts(), 0.0)
    assert [row[0] for row in found.rows] == ["asyncpg_async", "psycopg2_blocking (!)"]
    assert found.notes[0].startswith("psycopg2_blocking (!) is a warning example: ")
