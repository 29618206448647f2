"""Counting: an operation is warmed up again only where its first count is not the expected one."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.measure.gate import counts
from bench.plan.costs import CALLS, Cost, expected
from bench.plan.matrix import default_setup
from services.contract.operations import OPERATIONS
from suite import catalogue

SERVICE = catalogue.service("asyncpg_async")


class Counted:
    """Counts what is called. `wrong` has the round trips that an operation seems to have too many, try by try."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, list[float]]) -> None:
        self.wrong, self.warmed, self.tried = wrong, list[str](), list[str]()
        self._asked: Iterator[tuple[str, str | None]]
        monkeypatch.setattr(counts, "SETTLE_S", 0.0)
        monkeypatch.setattr(counts, "requests", self._requests)
        monkeypatch.setattr(counts, "perform", lambda *_: None)
        monkeypatch.setattr(counts, "_cost", self._cost)

    def _requests(self, operation: str, times: int, _: object, variant: str | None = None) -> list[tuple[str, ...]]:
        if times != CALLS:
            self.warmed.append(operation)
        return [(operation, variant or "")] * times

    def _cost(self, _: object, __: object, todo: list[tuple[str, str]], *___: object) -> Cost:
        operation, variant = todo[0]
        self.tried.append(operation)
        should = expected(SERVICE, "idiomatic", operation, variant or None)
        more = self.wrong.get(operation, [])
        return Cost(should.round_trips + (more.pop(0) if more else 0.0), should.statements)

    def all(self) -> dict[str, Cost]:
        """The costs of all operations."""
        return counts.counted(SERVICE, default_setup(SERVICE.name), cast("Any", SimpleNamespace()), None)


READS = {name for name, one in OPERATIONS.items() if not one.writes}


def test_what_was_warmed_up_and_costs_what_it_should_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what writes is warmed up here: services must not do that side by side."""
    counted = Counted(monkeypatch, {})
    found = counted.all()
    assert set(counted.warmed) == OPERATIONS.keys() - READS
    assert len(counted.tried) == len(found)


def test_a_count_in_doubt_is_made_again_after_a_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that came back late makes the next call meet one that has not prepared the statement."""
    counted = Counted(monkeypatch, {"list_users": [0.2]})
    assert counted.all()["list_users"] == expected(SERVICE, "idiomatic", "list_users")
    assert counted.tried.count("list_users") == 2
    assert "list_users" in counted.warmed


def test_what_really_costs_more_keeps_its_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warm-up does not help, and of several tries at once the lowest counts."""
    counted = Counted(monkeypatch, {"list_users": [1, 1], "simulation": [2, 2, 0.4, 1, 1]})
    found = counted.all()
    assert found["list_users"].round_trips == expected(SERVICE, "idiomatic", "list_users").round_trips + 1
    assert found["simulation"].round_trips == expected(SERVICE, "idiomatic", "simulation").round_trips + 0.4
    assert counted.tried.count("simulation") == 1 + counts.TRIES_AT_ONCE


def test_only_reading_is_warmed_up_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what needs the database: two services that write would meet in the same rows."""
    counted = Counted(monkeypatch, {})
    counts.warm_up(SERVICE, 10)
    assert set(counted.warmed) == {name for name in READS if OPERATIONS[name].data_statements}
