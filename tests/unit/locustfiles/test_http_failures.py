"""The load's HTTP client when things go wrong: each failure has a name, none hangs, none passes for an answer."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import gevent
import pytest

from locustfiles._connection import HttpError
from locustfiles._http import Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.conftest import InGreenlet, Peer, Serve

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
NEXT = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"
CUT_SHORT = "connection closed in the middle of the answer"
NO_ANSWER = "connection closed before the answer"
UNASKED = "more than one answer to one request"
INVALID = "answer is not valid HTTP"


def first_then_fine(*parts: bytes, reset: bool = False) -> Callable[[Peer], None]:
    """On the first connection these bytes and the end; on all others good answers."""

    def script(peer: Peer) -> None:
        while peer.request():
            if peer.number > 1:
                peer.send(NEXT)
                continue
            peer.send(*parts)
            if reset:
                peer.pause(0.05)
                peer.reset()
            return

    return script


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length : 9\r\n\r\nhi", INVALID),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", CUT_SHORT),
        (b"HTTP/1.1 200 OK\r\nContent-Le", CUT_SHORT),
        (b"HTTP/1.1 100 Continue\r\n\r\n", CUT_SHORT),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", CUT_SHORT),
        (b"H", CUT_SHORT),
        (b"", NO_ANSWER),
        (b"220 mail.example.com ESMTP\r\n", INVALID),
        (b"\x00" * 1000, INVALID),
        (b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nhi", INVALID),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi", INVALID),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi", INVALID),
        (b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", INVALID),
        (OK + NEXT, UNASKED),
        (OK + b"HTTP/1.1 200 O", UNASKED),
        (OK + b"\x00", UNASKED),
        (b"HTTP/1.1 204 No Content\r\n\r\n" + NEXT, UNASKED),
    ],
)
def test_a_bad_answer_is_a_named_failure(serve: Serve, in_greenlet: InGreenlet, sent: bytes, error: str) -> None:
    """Status 0, no body, what was wrong; the next request gets its own answer over another connection."""
    server = serve(first_then_fine(sent))
    client = Client(server.url)
    answer = in_greenlet(client.request, "GET", "/")
    assert (answer.status, answer.body, answer.error) == (0, b"", error)
    assert 0 < answer.start_ns <= answer.end_ns
    assert in_greenlet(client.request, "GET", "/")[:2] == (200, b"next")
    assert server.accepted == 2


def test_a_reset_in_the_middle_of_a_body_is_named(serve: Serve, in_greenlet: InGreenlet) -> None:
    """As what the system calls it."""
    server = serve(first_then_fine(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", reset=True))
    client = Client(server.url)
    assert in_greenlet(client.request, "GET", "/").error == "Connection reset by peer"
    assert in_greenlet(client.request, "GET", "/").body == b"next"


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_a_server_may_close_a_connection_that_is_idle(
    serve: Serve, in_greenlet: InGreenlet, method: str, *, reset: bool
) -> None:
    """What can be sent twice is, over a new connection, and counted; a POST might be done twice, so it fails."""
    server = serve(first_then_fine(OK, reset=reset))
    client = Client(server.url)
    assert in_greenlet(client.request, method, "/").body == b"hi"
    in_greenlet(gevent.sleep, 0.1)
    again = in_greenlet(client.request, method, "/")
    if method == "POST":
        assert (again.status, again.error, client.reconnects) == (0, NO_ANSWER, 0)
    else:
        assert (again.status, again.body, again.error, client.reconnects) == (200, b"next", "", 1)
    assert in_greenlet(client.request, method, "/").body == b"next"
    assert server.accepted == 2


def test_bytes_that_came_between_two_requests_are_no_answer(serve: Serve, in_greenlet: InGreenlet) -> None:
    """A second answer, in a segment of its own, is not taken for the answer to the next request."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.send(NEXT if peer.number > 1 else OK)
            if peer.number == 1:
                peer.pause(0.05)
                peer.send(OK)

    server = serve(script)
    client = Client(server.url)
    assert in_greenlet(client.request, "GET", "/").body == b"hi"
    in_greenlet(gevent.sleep, 0.15)
    assert in_greenlet(client.request, "GET", "/")[:2] == (0, b"")
    assert in_greenlet(client.request, "GET", "/").body == b"next"


def test_no_answer_in_time(serve: Serve, in_greenlet: InGreenlet) -> None:
    """It ends within the time-out and a little, says so, and the client goes on over a new connection."""

    def script(peer: Peer) -> None:
        while peer.request():
            if peer.number > 1:
                peer.send(NEXT)
            else:
                peer.send(b"HTTP/1.1 200 OK\r\n")

    server = serve(script)
    client = Client(server.url, timeout_s=1)
    began = time.monotonic()
    answer = in_greenlet(client.request, "GET", "/")
    assert (answer.status, answer.error) == (0, "no answer within 1 s")
    assert 1 <= time.monotonic() - began < 2
    assert in_greenlet(client.request, "GET", "/").body == b"next"
    assert client.reconnects == 0


def test_no_answer_in_time_after_a_reconnect(serve: Serve, in_greenlet: InGreenlet) -> None:
    """A request that is sent again has a time-out too."""

    def script(peer: Peer) -> None:
        peer.request()
        if peer.number == 1:
            peer.send(OK)
        else:
            peer.request()  # until the client goes away

    client = Client(serve(script).url, timeout_s=0.5)
    assert in_greenlet(client.request, "GET", "/").body == b"hi"
    in_greenlet(gevent.sleep, 0.05)
    assert in_greenlet(client.request, "GET", "/").error == "no answer within 0.5 s"


def test_an_answer_that_comes_with_the_time_out_leaves_nothing_behind(serve: Serve, in_greenlet: InGreenlet) -> None:
    """Aborted when it was there but unread: it counts, and the next failure is not called a time-out."""
    answered = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(OK)
        answered.set()
        peer.request()

    def asked_and_aborted(client: Client) -> tuple[bytes, str]:
        asked = gevent.spawn(client.request, "GET", "/")
        gevent.sleep(0)
        assert answered.wait(5)  # holds up gevent's loop, so that the answer stays unread
        time.sleep(0.02)
        client.end_if_late(float("inf"))
        answer = asked.get()
        return answer.body, answer.error

    server = serve(script)
    client = Client(server.url, timeout_s=1e6)
    in_greenlet(client.connect)
    assert in_greenlet(asked_and_aborted, client) == (b"hi", "")
    assert in_greenlet(client.request, "POST", "/").body == b"hi"
    assert server.accepted == 2


def test_the_watch_outlives_a_connection_that_was_reset(serve: Serve, in_greenlet: InGreenlet) -> None:
    """Aborting what the peer ended just now is no error, or no later request would have a time-out."""
    seen = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.reset()
        seen.set()

    def asked_and_aborted(client: Client) -> str:
        asked = gevent.spawn(client.request, "POST", "/")
        gevent.sleep(0)
        assert seen.wait(5)
        time.sleep(0.02)
        client.end_if_late(float("inf"))
        return str(asked.get().error)

    client = Client(serve(script).url)
    in_greenlet(client.connect)
    assert in_greenlet(asked_and_aborted, client).startswith("no answer within")


def test_a_request_that_was_stopped_leaves_no_answer_for_the_next(serve: Serve, in_greenlet: InGreenlet) -> None:
    """When Locust stops a user in the middle of a request, the connection goes with it."""

    def script(peer: Peer) -> None:
        while request := peer.request():
            if b"/slow" in request:
                peer.pause(0.1)
                peer.send(OK)
            else:
                peer.send(NEXT)

    def stopped(client: Client) -> None:
        asked = gevent.spawn(client.request, "GET", "/slow")
        gevent.sleep(0.03)
        asked.kill()

    server = serve(script)
    client = Client(server.url)
    in_greenlet(stopped, client)
    in_greenlet(gevent.sleep, 0.15)
    assert in_greenlet(client.request, "GET", "/").body == b"next"
    assert server.accepted == 2


def test_nobody_listens(in_greenlet: InGreenlet) -> None:
    """A refused connection is a failure without a status, and `connect` raises it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}")
    answer = in_greenlet(client.request, "GET", "/")
    assert (answer.status, answer.body, answer.error) == (0, b"", "cannot connect: Connection refused")
    with pytest.raises(HttpError, match="cannot connect: Connection refused"):
        in_greenlet(client.connect)


def test_a_failure_that_connect_tells_at_once_is_named(in_greenlet: InGreenlet) -> None:
    """No route: the system says so only in connect's own result (a broadcast address has none for TCP)."""
    answer = in_greenlet(Client("http://255.255.255.255:9").request, "GET", "/")
    assert answer.status == 0
    assert answer.error.startswith("cannot connect: ")


def test_an_unknown_host_is_named(in_greenlet: InGreenlet) -> None:
    """A name reserved for not existing (RFC 6761)."""
    answer = in_greenlet(Client("http://nowhere.invalid").request, "GET", "/")
    assert answer.status == 0
    assert answer.error.startswith("cannot connect: ")
