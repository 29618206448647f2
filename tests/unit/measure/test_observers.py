"""What watches beside a load, and whom it asks."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.measure.watch.observers import Observers
from bench.plan import matrix
from bench.plan.matrix import Cell
from bench.plan.model import Load, Matrix, Plan
from bench.plan.placement import Placement
from db.address.dsn import Dsn

[CELL] = matrix.cells(Plan(matrix=Matrix(scenarios=["point_read"], services=["asyncpg_async"], workers=[2])))
NOWHERE = Dsn("127.0.0.1", 1, "nobody", "", "nothing")
PLACED = Placement((1,), (0,), (0,))


class Service(BaseHTTPRequestHandler):
    """Answers whatever it is asked, and remembers."""

    asked: set[str]

    def do_GET(self) -> None:
        Service.asked.add(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"pool_connections 5\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Service.asked = set()
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("cell", "load", "asked", "pooled"),
    [
        (CELL, Load(ping=True), {"/metrics", "/ping"}, 20),
        (CELL, Load(), {"/metrics"}, 20),
        (replace(CELL, setup=replace(CELL.setup, url="http://127.0.0.1:1")), Load(ping=True), set(), 0),
    ],
    ids=["with pings", "without pings", "target"],
)
def test_a_target_is_asked_for_nothing(url: str, cell: Cell, load: Load, asked: set[str], pooled: int) -> None:
    """A service of the suite is asked for its metrics, and for pings if the plan wants them."""
    with Observers(cell, load, url, NOWHERE, {}) as observers:
        time.sleep(1.3)
        observers.look()
    recording = observers.recording((), PLACED, 7)
    assert Service.asked == asked
    assert (len(recording.readings), recording.activity, recording.marks) == (2, (), ())
    assert (len(recording.gauges) > 0, len(recording.pings) > 0) == ("/metrics" in asked, "/ping" in asked)
    assert (recording.pooled, recording.placement, recording.locust_requests) == (pooled, PLACED, 7)
