"""HTTP clients of verification, and work on several services at once."""

import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import httpx

TIMEOUT_S = 40.0
PLAIN = "http://"
NO_REUSE = httpx.Limits(max_keepalive_connections=0)
T = TypeVar("T")
R = TypeVar("R")


def client(url: str, *, reuse: bool = True) -> httpx.Client:
    """A client for this address. Without `reuse`, every request has a new connection."""
    # Loading the certificates takes 40 ms of CPU time for each client, and plain HTTP needs none.
    verify = _no_certificates() if url.startswith(PLAIN) else True
    limits = httpx.Limits() if reuse else NO_REUSE
    return httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False, verify=verify, limits=limits)


@cache
def _no_certificates() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it trusts no certificate


def side_by_side(do: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The results of `do` for all items at once, in their order. Raises the error of the first item that failed.

    It does not wait for the others then, nor when it is interrupted: they end when their service does.
    """
    todo = list(items)
    pool = ThreadPoolExecutor(max(1, len(todo)))
    try:
        return [one.result() for one in [pool.submit(do, item) for item in todo]]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
