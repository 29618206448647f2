"""Clients of the external API: opened by the first call, once, however many call at once."""

import asyncio
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
import httpx
import pytest

from services.contract.errors import ExternalApiError
from services.external import AsyncExternalApi, ExternalApi

AT_ONCE = 16


class Notes(BaseHTTPRequestHandler):
    """Answers with the path that it was asked for."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path.startswith("/notes/") else 500)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"data": self.path}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Notes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Client]:
    """The clients that were opened. Each takes its time, so that all threads wait for the first one."""
    found: list[httpx.Client] = []
    real, begun = httpx.Client, threading.Event()

    def slowly(**settings: object) -> httpx.Client:
        begun.wait(0.2)
        found.append(real(**settings))  # type: ignore[arg-type]  # they are passed on
        return found[-1]

    monkeypatch.setattr(httpx, "Client", slowly)
    return found


def test_threads_that_call_at_once_share_one_client(url: str, opened: list[httpx.Client]) -> None:
    """Which is closed at the end of the block."""
    together = threading.Barrier(AT_ONCE)

    def call(number: int) -> str:
        together.wait()
        return api.note(number)

    with ExternalApi(url) as api, ThreadPoolExecutor(AT_ONCE) as pool:
        assert opened == []
        assert list(pool.map(call, range(AT_ONCE))) == [f"/notes/{number}" for number in range(AT_ONCE)]
        assert [one.is_closed for one in opened] == [False]
    assert [one.is_closed for one in opened] == [True]


def test_tasks_that_call_at_once_share_one_session(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is closed at the end of the block."""
    opened: list[aiohttp.ClientSession] = []
    real = aiohttp.ClientSession

    def remembered(**settings: object) -> aiohttp.ClientSession:
        opened.append(real(**settings))  # type: ignore[arg-type]  # they are passed on
        return opened[-1]

    monkeypatch.setattr(aiohttp, "ClientSession", remembered)

    async def calls() -> list[str]:
        async with AsyncExternalApi(url) as api:
            assert opened == []
            return await asyncio.gather(*(api.note(number) for number in range(AT_ONCE)))

    assert asyncio.run(calls()) == [f"/notes/{number}" for number in range(AT_ONCE)]
    assert [one.closed for one in opened] == [True]


def test_an_api_that_was_never_called_is_left_alone(opened: list[httpx.Client]) -> None:
    """Nothing is opened at the end."""

    async def nothing() -> None:
        async with AsyncExternalApi("http://127.0.0.1:1"):
            pass

    with ExternalApi("http://127.0.0.1:1"):
        pass
    asyncio.run(nothing())
    assert opened == []


@pytest.mark.parametrize("path", ["/broken", ""])
def test_no_answer_is_an_error_of_its_own(url: str, path: str) -> None:
    """An error's status, and nobody there."""
    address = f"{url}{path}" if path else "http://127.0.0.1:1"

    async def call() -> str:
        async with AsyncExternalApi(address) as api:
            return await api.note(1)

    with ExternalApi(address) as api, pytest.raises(ExternalApiError):
        api.note(1)
    with pytest.raises(ExternalApiError):
        asyncio.run(call())
