"""The load's HTTP client: answers in all the shapes that HTTP allows, on connections that are kept or not."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from locustfiles._address import address_of
from locustfiles._http import Answer, Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.conftest import InGreenlet, Peer, Serve

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n7;x=y\r\n, there\r\n0\r\nT: v\r\n\r\n"


def outcome(answer: Answer) -> tuple[int, bytes, str]:
    """All but the times, of which it is checked that they make sense."""
    assert 0 < answer.start_ns <= answer.end_ns
    return answer.status, answer.body, answer.error


def always(*parts: bytes) -> Callable[[Peer], None]:
    """Answer every request of a connection with these bytes."""

    def script(peer: Peer) -> None:
        while peer.request():
            peer.send(*parts)

    return script


def test_importing_the_client_patches_nothing() -> None:
    """Only Locust patches the process; bench and tests import this module without changing theirs."""
    code = "import locustfiles._http, socket, gevent.monkey; print(gevent.monkey.saved, socket.socket.__module__)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "{} socket\n"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (OK, (200, b"hi", "")),
        (CHUNKED, (200, b"hi, there", "")),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"", "")),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", (304, b"", "")),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n", (404, b"", "")),
        (b"HTTP/1.1 500 \r\nContent-Length: 3\r\n\r\n\x00\xff\n", (500, b"\x00\xff\n", "")),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, (200, b"hi", "")),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK, (200, b"hi", "")),
    ],
)
def test_answers_of_every_shape(
    serve: Serve, in_greenlet: InGreenlet, sent: bytes, expected: tuple[int, bytes, str]
) -> None:
    """Status and whole body, three times over one connection."""
    server = serve(always(sent))
    client = Client(server.url)
    for _ in range(3):
        assert outcome(in_greenlet(client.request, "GET", "/")) == expected
    assert (server.accepted, client.reconnects) == (1, 0)


@pytest.mark.parametrize("whole", [OK, CHUNKED, b"HTTP/1.1 100 Continue\r\n\r\n" + OK])
def test_an_answer_may_come_in_two_parts_split_anywhere(serve: Serve, in_greenlet: InGreenlet, whole: bytes) -> None:
    """Every byte boundary gives the same answer, and the connection stays usable."""
    splits = iter(range(1, len(whole)))

    def script(peer: Peer) -> None:
        for split, _ in zip(splits, iter(peer.request, b""), strict=False):
            peer.send(whole[:split])
            peer.pause(0.002)
            peer.send(whole[split:])

    server = serve(script)
    client = Client(server.url)
    for split in range(1, len(whole)):
        _, body, error = outcome(in_greenlet(client.request, "GET", "/"))
        assert (body, error) == (b"hi" if whole.endswith(OK) else b"hi, there", ""), split
    assert server.accepted == 1


def test_an_answer_may_come_byte_by_byte(serve: Serve, in_greenlet: InGreenlet) -> None:
    """However small the segments are."""
    server = serve(always(*(CHUNKED[i : i + 1] for i in range(len(CHUNKED)))))
    assert outcome(in_greenlet(Client(server.url).request, "GET", "/")) == (200, b"hi, there", "")


def test_large_bodies_arrive_whole(serve: Serve, in_greenlet: InGreenlet) -> None:
    """More than one receive's worth, both ways."""
    body = bytes(range(256)) * 8_000
    seen = []

    def script(peer: Peer) -> None:
        seen.append(peer.request())
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    server = serve(script)
    assert outcome(in_greenlet(Client(server.url).request, "POST", "/", body)) == (200, body, "")
    assert seen[0].endswith(b"\r\n\r\n" + body)


def test_a_megabyte_of_headers_is_no_trouble(serve: Serve, in_greenlet: InGreenlet) -> None:
    """It is read over, and the body is right."""
    headers = b"".join(b"X-%d: %s\r\n" % (n, b"v" * 1000) for n in range(1000))
    server = serve(always(OK.replace(b"\r\n\r\n", b"\r\n" + headers + b"\r\n")))
    assert outcome(in_greenlet(Client(server.url).request, "GET", "/")) == (200, b"hi", "")


def test_what_is_sent(serve: Serve, in_greenlet: InGreenlet) -> None:
    """Method, the base address's path in front of the request's, Host with its port, and JSON bodies with a length."""
    seen = []

    def script(peer: Peer) -> None:
        while request := peer.request():
            seen.append(request)
            peer.send(OK)

    server = serve(script)
    client = Client(f"{server.url}/base/")
    in_greenlet(client.request, "GET", "/users?limit=1")
    in_greenlet(client.request, "PUT", "/users/1", b"{}")
    common = f"Host: 127.0.0.1:{server.port}\r\nAccept: */*\r\nUser-Agent: locust\r\n".encode()
    assert seen == [
        b"GET /base/users?limit=1 HTTP/1.1\r\n" + common + b"\r\n",
        b"PUT /base/users/1 HTTP/1.1\r\n" + common + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    ]


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    ],
)
def test_a_connection_that_the_server_will_close_is_not_used_again(
    serve: Serve, in_greenlet: InGreenlet, sent: bytes
) -> None:
    """The next request opens another, which is no reconnect: nothing was lost."""
    server = serve(always(sent))
    client = Client(server.url)
    for number in (1, 2, 3):
        assert outcome(in_greenlet(client.request, "POST", "/")) == (200, b"hi", "")
        assert server.accepted == number
    assert client.reconnects == 0


def test_a_request_that_the_server_held_is_timed_from_its_first_send(serve: Serve, in_greenlet: InGreenlet) -> None:
    """It had been read, and was sent again when the connection closed without an answer."""

    def script(peer: Peer) -> None:
        peer.request()
        if not held:
            peer.send(OK)
            held.append(peer.request())
            peer.pause(0.3)
        else:
            peer.send(OK)

    held: list[bytes] = []
    server = serve(script)
    client = Client(server.url)
    assert outcome(in_greenlet(client.request, "GET", "/")) == (200, b"hi", "")
    answer = in_greenlet(client.request, "GET", "/")
    assert outcome(answer) == (200, b"hi", "")
    assert (server.accepted, client.reconnects) == (2, 1)
    assert 0.3 <= (answer.end_ns - answer.start_ns) / 1e9 < 0.6


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_body_may_end_with_the_connection(serve: Serve, in_greenlet: InGreenlet, version: bytes) -> None:
    """With no length given, the body is all that comes before the server closes."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/%s 200 OK\r\nServer: old\r\n\r\nsome " % version, b"more")

    server = serve(script)
    client = Client(server.url)
    for _ in range(2):
        assert outcome(in_greenlet(client.request, "GET", "/")) == (200, b"some more", "")
    assert server.accepted == 2


def test_addresses() -> None:
    """What cannot be an address of a service is refused with its name; default ports are those of the scheme."""
    for wrong in ("127.0.0.1:8001", "ftp://127.0.0.1", "http://", "", "/users"):
        with pytest.raises(ValueError, match="is not the address of a service"):
            Client(wrong)
    assert address_of("http://example.com").port == 80
    assert address_of("https://example.com").port == 443


def test_ipv6(serve: Serve, in_greenlet: InGreenlet) -> None:
    """Addresses in brackets, in the URL as in the Host header."""
    seen = []

    def script(peer: Peer) -> None:
        seen.append(peer.request())
        peer.send(OK)

    try:
        server = serve(script, host="::1")
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    assert outcome(in_greenlet(Client(server.url).request, "GET", "/")) == (200, b"hi", "")
    assert f"Host: [::1]:{server.port}\r\n".encode() in seen[0]


def test_localhost_is_reached_whichever_address_it_means(serve: Serve, in_greenlet: InGreenlet) -> None:
    """It is often ::1 first, while services listen on 127.0.0.1."""
    server = serve(always(OK))
    assert outcome(in_greenlet(Client(f"http://localhost:{server.port}").request, "GET", "/")) == (200, b"hi", "")
