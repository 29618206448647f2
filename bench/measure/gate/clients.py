"""HTTP clients of verification, and work on several services at once."""

import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import httpx

TIMEOUT_S = 40.0
T = TypeVar("T")
R = TypeVar("R")


def client(url: str) -> httpx.Client:
    """A client for a service of the suite. Targets are asked by `asking`, with the load's client."""
    # Loading the certificates takes 40 ms of CPU time for each client, and plain HTTP needs none.
    return httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False, verify=_no_certificates())


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
