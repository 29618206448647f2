"""The external API: it counts the calls that it has answered, and the harness reads the count."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from bench.measure.fleet.external import External
from services.external_api.app import app
from suite import catalogue, prometheus
from suite.errors import ServiceError


class Figures(BaseHTTPRequestHandler):
    """Answers what a test wants."""

    text = ""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/metrics" else 404)
        self.end_headers()
        self.wfile.write(Figures.text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def external(monkeypatch: pytest.MonkeyPatch) -> Iterator[External]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Figures) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = replace(catalogue.external(), port=server.server_address[1])
        monkeypatch.setattr(catalogue, "external", lambda: there)
        yield External("nonce", ())
        server.shutdown()


async def answered() -> tuple[list[int], float]:
    """The statuses of some requests, and how many more calls are counted after them."""
    there = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=there, base_url="http://external") as client:

        async def count() -> float:
            return prometheus.totals((await client.get("/metrics")).text)["calls_total"]

        before = await count()
        paths = ("/delayed/0/notes/7", "/delayed/0/notes/8", "/delayed/0/notes/0", "/ping")
        statuses = [(await client.get(path)).status_code for path in paths]
        return statuses, await count() - before


def test_answered_calls_are_counted() -> None:
    """Neither those that are refused, nor other routes."""
    assert asyncio.run(answered()) == ([200, 200, 422, 200], 2)


def test_the_harness_reads_the_count(external: External) -> None:
    """A whole number."""
    Figures.text = "# TYPE calls_total counter\ncalls_total 1234.0\n"
    assert external.calls() == 1234


@pytest.mark.parametrize("text", ["", "other_total 1\n", "<html>", "calls_total many\n"])
def test_an_api_that_does_not_count_is_an_error(external: External, text: str) -> None:
    """No zero stands for it."""
    Figures.text = text
    with pytest.raises(ServiceError, match="does not say how many calls"):
        external.calls()


def test_an_api_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its address."""
    there = replace(catalogue.external(), port=1)
    monkeypatch.setattr(catalogue, "external", lambda: there)
    with pytest.raises(ServiceError, match=r"127\.0\.0\.1:1/metrics"):
        External("nonce", ()).calls()
