"""Verification asks as the load does: the same bytes, and the same opinion of every answer."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import threading
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from bench.measure.gate import agreement, asking, contract
from bench.measure.gate.asking import Question, UnansweredError
from db import ports
from locustfiles._http import Client
from suite import trust
from tests.integration.checkout import wait_for
from tests.unit import certificates_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.conftest import InGreenlet, Peer, Serve

QUESTIONS = [
    Question("GET", "/users/1"),
    Question("POST", "/users", b'{"name":"A","email":"a@example.com"}'),
    Question("PUT", "/users/1", b"{}"),
    Question("DELETE", "/users/1"),
    Question("POST", "/notes/2/synchronize"),
    Question("GET", "/users/1%27--?offset=1"),
]
USERS = [one for one in contract.checks(1000, 7) if one.operation == "read_user"]


class Recorder:
    """An ASGI application that keeps what it was sent, headers in their order."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str, list[tuple[bytes, bytes]], bytes]] = []

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answer everything with 200."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path = scope["raw_path"].decode() + "?" + scope["query_string"].decode()
        self.seen.append((scope["method"], path, scope["http_version"], scope["headers"], body))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture
def recorder() -> Iterator[tuple[Recorder, str]]:
    """It, and its address."""
    application, port = Recorder(), ports.free()
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    assert wait_for(lambda: server.started, 10)
    yield application, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def test_gate_and_load_send_the_same(recorder: tuple[Recorder, str], in_greenlet: InGreenlet) -> None:
    """Method by method: every header, in one order, and the body."""
    application, url = recorder
    asking.ask(url, QUESTIONS)
    from_gate = application.seen[:]
    application.seen.clear()
    client = Client(url)
    for question in QUESTIONS:
        assert not in_greenlet(client.request, *question).error
    assert from_gate == application.seen
    assert len(from_gate) == len(QUESTIONS)
    names = {method: [name for name, _ in headers] for method, _, _, headers, _ in from_gate}
    assert names["GET"] == names["DELETE"] == [b"host", b"accept", b"user-agent"]
    assert names["PUT"] == [*names["GET"], b"content-type", b"content-length"]
    assert names["POST"] == [*names["GET"], b"content-length"]  # the last one has no body


def test_the_whole_contract_is_asked_with_these_headers(recorder: tuple[Recorder, str]) -> None:
    """As it is asked of targets: nothing that a real client of another kind would add."""
    application, url = recorder
    agreement.run_checks(url, agreement.target_checks(contract.checks(1000, 7), ["create_user", "read_user"]))
    allowed = {b"host", b"accept", b"user-agent", b"content-type", b"content-length"}
    assert {name for _, _, _, headers, _ in application.seen for name, _ in headers} == allowed


def body_of(path: str) -> bytes:
    return next(one.body or b"" for one in USERS if one.path == path)


def answering(head: str, body: bytes | None = None) -> Any:
    """A script that answers each check rightly, under this head; `{length}` is that of the body."""

    def script(peer: Peer) -> None:
        while request := peer.request():
            sent = body_of(request.split()[1].decode()) if body is None else body
            sent = gzip.compress(sent) if "gzip" in head else sent
            if "chunked" in head:
                sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(sent), sent)
            peer.send(head.format(length=len(sent)).replace("\n", "\r\n").encode() + b"\r\n\r\n" + sent)
            if head.startswith("HTTP/1.0"):
                return

    return script


CHECKS = agreement.target_checks(USERS, ["read_user"])


def opinions(url: str, in_greenlet: InGreenlet, trusted: str = "") -> tuple[list[str], list[bool]]:
    """What verification says of a target, and which of the same requests the load could use."""
    answers = agreement.run_checks(url, CHECKS, trusted=trusted)
    wrong = list(map(str, agreement.target_disagreements("mine", answers)))
    client, usable = Client(url, trusted=trusted), list[bool]()
    for check in CHECKS:
        answer = in_greenlet(client.request, check.method, check.path)
        usable.append((answer.status, answer.body) == (check.status, check.body))
    return wrong, usable


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 200 OK\nContent-Length: {length}",
        "HTTP/1.1 200 OK\nContent-Length: {length}\nContent-Encoding: identity",
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked",
        "HTTP/1.0 200 OK\nContent-Length: {length}",
        "HTTP/1.0 200 OK\nServer: without a length",
        "HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nContent-Length: {length}",
    ],
)
def test_what_either_can_read_the_other_can(serve: Serve, in_greenlet: InGreenlet, head: str) -> None:
    """Old servers, chunks, bodies that end with the connection."""
    assert opinions(serve(answering(head)).url, in_greenlet) == ([], [True] * len(CHECKS))


def test_compression_that_was_not_asked_for_is_named(serve: Serve, in_greenlet: InGreenlet) -> None:
    """The load does not decode it, so verification does not pass it."""
    server = serve(answering("HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: {length}"))
    wrong, usable = opinions(server.url, in_greenlet)
    assert not any(usable)
    assert len(wrong) == len(CHECKS)
    assert "compressed body (Content-Encoding: gzip)" in wrong[0]
    assert "switch that off for requests without Accept-Encoding" in wrong[0]


@pytest.mark.parametrize(
    ("to", "words"),
    [
        (
            "https://mine.example/users/1",
            "307 to https://mine.example/users/1: give that address (https://mine.example)",
        ),
        ("/users/1/", "/users/1/: requests go to /users/1, so answer there without a redirect"),
    ],
)
def test_a_redirect_is_named_with_where_it_leads(serve: Serve, in_greenlet: InGreenlet, to: str, words: str) -> None:
    """Neither follows it."""
    server = serve(answering(f"HTTP/1.1 307 X\nLocation: {to}\nContent-Length: {{length}}", b""))
    wrong, usable = opinions(server.url, in_greenlet)
    assert not any(usable)
    assert words in wrong[0]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_an_authority_of_ones_own_is_trusted_by_both(
    serve: Serve, in_greenlet: InGreenlet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a proxy of the environment is used by neither."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    own = certificates_of.authority(tmp_path)
    pem = trust.read(str(own.file)).pem
    for host in ("127.0.0.1", "::1"):
        server = serve(answering("HTTP/1.1 200 OK\nContent-Length: {length}"), host, own.context())
        assert opinions(server.url, in_greenlet, pem) == ([], [True] * len(CHECKS))


def test_a_second_answer_is_refused_by_both(serve: Serve, in_greenlet: InGreenlet) -> None:
    """Verification keeps its connection, as the load does. So it sees what comes behind an answer."""
    body = body_of("/users/1")
    more = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    server = serve(answering("HTTP/1.1 200 OK\nContent-Length: {length}", body))
    assert asking.ask(server.url, QUESTIONS[:1])[0].body == body

    def twice(peer: Peer) -> None:
        while peer.request():
            peer.send(more + more)

    server = serve(twice)
    with pytest.raises(UnansweredError, match="more than one answer"):
        asking.ask(server.url, [QUESTIONS[0]] * 2)
    answer = in_greenlet(Client(server.url).request, "GET", "/users/1")
    assert "more than one answer" in answer.error


def test_a_time_out_ends_each_thread_by_itself(serve: Serve) -> None:
    """Two in a row, which have a loop each."""

    def silent(peer: Peer) -> None:
        peer.request()
        peer.request()

    for _ in range(2):
        with pytest.raises(UnansweredError, match=r"no answer within 0\.5 s"):
            asking.ask(serve(silent).url, QUESTIONS[:1], timeout_s=0.5)


def test_an_answer_has_its_own_headers_only(serve: Serve) -> None:
    """What the one before had is not said of it."""

    def script(peer: Peer) -> None:
        for head in (b"Content-Encoding: br\r\n", b""):
            peer.request()
            peer.send(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 2\r\n\r\n{}")

    first, second = asking.ask(serve(script).url, [QUESTIONS[0]] * 2)
    assert (first.coding, second.coding) == ("br", "")
    assert json.loads(second.body) == {}
