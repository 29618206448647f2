"""Asks as the load does, with the load's own client. So nothing passes verification and then fails under load."""

from collections.abc import Callable, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple, TypeVar

import gevent

from locustfiles._address import address_of
from locustfiles._connection import Headers, HttpError, connect
from locustfiles._http import Client, reason

TIMEOUT_S = 40.0
HEARING_S = 2.0
FAILED = 500
T = TypeVar("T")


class Question(NamedTuple):
    """One request. `body` is sent as JSON."""

    method: str
    path: str
    body: bytes | None = None


class Reply(NamedTuple):
    """An answer, with its headers by name in small letters."""

    status: int
    body: bytes
    headers: Headers

    @property
    def redirects_to(self) -> str:
        """Where it sends the client instead of an answer. Empty if it does not."""
        return self.headers.get("location", "") if 300 <= self.status < 400 else ""

    @property
    def coding(self) -> str:
        """The coding of its body, such as gzip. Empty if it is what it says."""
        coding = self.headers.get("content-encoding", "").lower()
        return "" if coding == "identity" else coding

    @property
    def text(self) -> str:
        """The body, for a reader."""
        return self.body.decode(errors="replace")


class UnansweredError(Exception):
    """There was no usable answer. Its cause is what failed, if the connection did."""


def ask(
    url: str, questions: Sequence[Question], *, trusted: str = "", reuse: bool = True, timeout_s: float = TIMEOUT_S
) -> list[Reply]:
    """Send these requests one after the other. Raises UnansweredError for the first one without an answer.

    `trusted`: certificates (PEM) beside the system's. Without `reuse`, every request has a new connection.
    """
    return _in_thread(lambda: _asked(url, questions, trusted, timeout_s, reuse=reuse))


def explained(url: str, trusted: str, error: UnansweredError) -> UnansweredError:
    """The same, or what a TLS server says after the handshake: a request sent at once may be lost with the words."""
    if not url.startswith("https:") or error.__cause__ is not None or "ALERT" in str(error):
        return error
    return _in_thread(lambda: _heard(url, trusted)) or error


def _in_thread(do: Callable[[], T]) -> T:
    """gevent's loop would swallow the exceptions of our signal handlers. The thread holds up no exit."""
    done = SimpleQueue[tuple[list[T], BaseException | None]]()

    def work() -> None:
        try:
            done.put(([do()], None))
        except BaseException as error:  # noqa: BLE001  # raised below, where the caller is
            done.put(([], error))
        finally:
            gevent.get_hub().destroy(destroy_loop=True)

    Thread(target=work, daemon=True).start()
    found, error = done.get()
    if error is not None:
        raise error
    return found[0]


def _heard(url: str, trusted: str) -> UnansweredError | None:
    try:
        connection = connect(address_of(url, trusted), HEARING_S)
        try:
            with gevent.Timeout(HEARING_S, False):
                connection.receive()
        finally:
            connection.close()
    except OSError as error:
        return UnansweredError(reason(error))
    return None


def _asked(url: str, questions: Sequence[Question], trusted: str, timeout_s: float, *, reuse: bool) -> list[Reply]:
    headers, replies = Headers(), list[Reply]()
    client = Client(url, timeout_s=timeout_s, trusted=trusted, headers=headers)
    try:
        for method, path, body in questions:
            try:
                client.connect()
            except HttpError as error:
                raise UnansweredError(str(error)) from error.__cause__
            headers.clear()
            answer = client.request(method, path, body)
            if answer.error:
                raise UnansweredError(answer.error)
            replies.append(Reply(answer.status, answer.body, dict(headers)))
            if not reuse or answer.status >= FAILED:  # uvicorn closes a connection when the application raises
                client.close()
        return replies
    finally:
        client.close()
