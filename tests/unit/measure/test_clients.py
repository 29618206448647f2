"""Clients of verification, and work side by side."""

import time
from threading import Barrier, Event

import pytest

from bench.measure.gate import clients
from bench.measure.gate.clients import side_by_side


def test_all_are_worked_on_at_once() -> None:
    """Each waits for the others, and the results are in the order of the items."""
    all_there = Barrier(3)

    def met(item: str) -> str:
        all_there.wait(timeout=10)
        return item.upper()

    assert side_by_side(met, ["c", "a", "b"]) == ["C", "A", "B"]
    assert side_by_side(met, []) == []


def test_the_error_is_that_of_the_first_item_and_no_other_is_waited_for() -> None:
    """As if they had been worked on one after the other; one that hangs must not hold up the end of a run."""
    free, last_failed = Event(), Event()

    def fails(item: int) -> None:
        if item == 0:
            free.wait(10)
        elif item == 1:
            last_failed.wait(10)
            raise ValueError("first")
        else:
            last_failed.set()
            raise ValueError("second")

    began = time.monotonic()
    with pytest.raises(ValueError, match="first"):
        side_by_side(fails, [1, 2])
    last_failed.set()
    with pytest.raises(ValueError, match="first"):
        side_by_side(fails, [1, 0])
    assert time.monotonic() - began < 5
    free.set()


def test_no_certificates_are_loaded_for_the_suites_own_services() -> None:
    """That takes 40 ms for each client, and they answer without TLS."""
    with clients.client("http://127.0.0.1:1") as client:
        context = client._transport._pool._ssl_context  # type: ignore[attr-defined]
        assert not context.get_ca_certs()
        assert context.check_hostname
