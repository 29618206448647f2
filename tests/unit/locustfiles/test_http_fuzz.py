"""The load's HTTP client against answers that are broken at random."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import h11

from locustfiles._http import Answer, Client

if TYPE_CHECKING:
    from tests.unit.conftest import InGreenlet, Peer, Serve

CASES = 300
GOOD = (
    b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\ncontent-type: application/json\r\n\r\n" + b'{"id":12345',
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"id"\r\n6\r\n:12345\r\n0\r\n\r\n',
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnull",
    b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
)
NASTY = (
    b"\r\n",
    b"\n",
    b"\0",
    b"\xff",
    b":",
    b"0",
    b"9",
    b"-1",
    b" ",
    b"HTTP/1.1 ",
    b"\r\n\r\n",
    b"chunked",
    b"ffffffff",
)


def broken(choose: random.Random) -> bytes:
    """A good answer with one to four things wrong, or noise."""
    if choose.random() < 0.1:
        return choose.randbytes(choose.randrange(200))
    data = bytearray(choose.choice(GOOD))
    for _ in range(choose.randrange(1, 5)):
        where = choose.randrange(len(data) + 1)
        match choose.randrange(5):
            case 0:
                data[where : where + 1] = choose.randbytes(1)
            case 1:
                data[where:where] = choose.choice(NASTY)
            case 2:
                del data[where : where + choose.randrange(1, 9)]
            case 3:
                data[where:where] = data[where : where + choose.randrange(1, 30)]
            case _:
                del data[where:]
    return bytes(data)


def as_h11_reads(sent: bytes) -> tuple[int, bytes] | None:
    """Status and body by another parser; None where it finds no whole answer."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        connection.receive_data(sent)
        connection.receive_data(b"")
        while True:
            match connection.next_event():
                case h11.Response() as response:
                    status = response.status_code
                case h11.Data() as data:
                    body += bytes(data.data)
                case h11.EndOfMessage():
                    return status, body
                case h11.NEED_DATA | h11.PAUSED | h11.ConnectionClosed():
                    return None
    except h11.RemoteProtocolError:
        return None


def test_random_answers_never_hang_nor_pass_for_others(serve: Serve, in_greenlet: InGreenlet) -> None:
    """300 of them, one seed: each ends at once, and what counts as an answer is one that another parser reads alike."""
    choose = random.Random(20)
    sent = [broken(choose) for _ in range(CASES)]

    def script(peer: Peer) -> None:
        peer.request()
        case = sent[peer.number - 1]
        cut = len(case) // 3
        peer.send(case[:cut], case[cut:])

    server = serve(script)
    began = time.monotonic()
    answers: list[Answer] = []
    for _ in sent:
        client = Client(server.url, timeout_s=1)
        answers.append(in_greenlet(client.request, "GET", "/"))
        client.close()
    assert time.monotonic() - began < 20
    assert server.accepted == CASES
    succeeded = [(case, answer) for case, answer in zip(sent, answers, strict=True) if not answer.error]
    assert 20 < len(succeeded) < CASES - 100
    for case, answer in succeeded:
        assert (answer.status, answer.body) == as_h11_reads(case), case
    assert all((a.status, a.body) == (0, b"") for a in answers if a.error)
