"""What the web UI says of a running test."""

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from suite import catalogue

# In a process of its own: importing locust patches the standard library.
BEGIN = """
import json, sys
from argparse import Namespace
from locust.env import Environment
from locustfiles import _targets
from locustfiles.point_read import PointRead
from locustfiles.synchronize import Synchronize
from locustfiles._running import RunningTest

def answer(asked):
    scenarios = [one for one in (PointRead, Synchronize) if one.__name__ in asked["scenarios"]]
    host = asked.get("host", _targets.HOST_OF_SERVICE)
    environment = Environment(user_classes=scenarios, host=host, parsed_options=Namespace(**asked["options"]))
    test.begin(environment)
    environment.parsed_options.service = ["sqlalchemy_sync"]  # as the form does when it is edited while a test runs
    return test.text, test.requests_per_s(asked["rows"])

test = RunningTest()
print(json.dumps(list(map(answer, json.load(sys.stdin)))))
"""
ROUNDED = " Locust rounds percentiles: to whole milliseconds, and from 100 ms on to two digits."
TWO = ["asyncpg_async", "psycopg2_sync"]


OPTIONS = {"service": TWO, "arrival": "closed", "rate": 100.0, "arrivals": 100, "batch_rate": 0.0}
IN_WORDS: dict[str, dict[str, Any]] = {
    "Tested: asyncpg_async, psycopg2_sync. Arrival: closed, each user sends again when it is answered.": {},
    "Tested: asyncpg_async. Arrival: open, 2,500 requests per second.": {
        "service": ["asyncpg_async"], "arrival": "open", "rate": 2500.0,
    },
    "Tested: asyncpg_async, psycopg2_sync. Arrival: open, 0.5 requests per second in all.": {
        "arrival": "open", "rate": 0.5,
    },
    "Tested: asyncpg_async, psycopg2_sync. Arrival: batch, 1,000 requests in all, at once.": {
        "arrival": "batch", "arrivals": 1000,
    },
    "Tested: asyncpg_async. Arrival: batch, 100 requests, 5 per second.": {
        "service": ["asyncpg_async"], "arrival": "batch", "batch_rate": 5.0,
    },
}  # fmt: skip


def asked(rows: Sequence[tuple[str, float]] = (), host: str = "", scenario: str = "PointRead", **options: Any) -> Any:
    found = {"scenarios": [scenario], "rows": rows, "options": OPTIONS | options}
    return found | ({"host": host} if host else {})


def begun(*tests: Any) -> list[tuple[str, dict[str, float]]]:
    """For each test, in this order: what is said of it, and its requests/s."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN],
        cwd=catalogue.CHECKOUT, input=json.dumps(tests), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [(text, rates) for text, rates in json.loads(done.stdout)]


def test_services_and_arrival_are_said_in_words() -> None:
    found = begun(*(asked(**options) for options in IN_WORDS.values()))
    assert [text for text, _ in found] == [shown + ROUNDED for shown in IN_WORDS]


def test_what_is_tested_is_what_gets_requests() -> None:
    """`all` are those that can answer the scenario; an address in the field "host" comes before all services."""
    with_database = [one.name for one in catalogue.usual().values() if one.needs_database]
    assert len(with_database) < len(catalogue.services())
    (of_all, rates), (of_address, rates_there) = begun(
        asked(service=["all"], scenario="Synchronize"), asked([("read_user", 7.0)], host="http://192.0.2.1:8000/")
    )
    assert of_all.startswith(f"Tested: {', '.join(with_database)}. ")
    assert list(rates) == with_database
    assert of_address.startswith("Tested: http://192.0.2.1:8000. ")
    assert rates_there == {"http://192.0.2.1:8000": 7.0}


def test_requests_are_counted_by_service() -> None:
    """Rows have a service's name before the operation's where there are several services."""
    rows = [("asyncpg_async read_user", 30.0), ("asyncpg_async list_users", 10.5), ("psycopg2_sync read_user", 7.0)]
    several, one, none = begun(
        asked([*rows, ("somebody's own row", 99.0)]),
        asked([("read_user", 30.0), ("list_users", 2.0)], service=["psycopg3_sync"]),
        asked(),
    )
    assert several[1] == {"asyncpg_async": 40.5, "psycopg2_sync": 7.0}
    assert one[1] == {"psycopg3_sync": 32.0}
    assert none[1] == {"asyncpg_async": 0.0, "psycopg2_sync": 0.0}


def test_a_warning_example_is_tested_where_it_is_named() -> None:
    """With its mark and its reason, in the words and in the chart; never as a part of `all`."""
    [(text, rates), (of_all, _)] = begun(
        asked([("psycopg2_blocking read_user", 3.0)], service=["psycopg2_blocking", "asyncpg_async"]),
        asked(service=["all"]),
    )
    assert text.startswith("Tested: psycopg2_blocking (!), asyncpg_async. ")
    assert catalogue.service("psycopg2_blocking").caution in text
    assert rates == {"psycopg2_blocking (!)": 3.0, "asyncpg_async": 0.0}
    assert "psycopg2_blocking" not in of_all
