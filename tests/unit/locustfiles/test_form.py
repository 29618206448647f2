"""The web UI's form refuses what would test nothing, or something else than what was written."""

import json
import subprocess
import sys

from suite import catalogue

# In a process of its own: importing locust patches the standard library.
CHECK = """
import json, sys
import locustfiles.read_many
from locustfiles import _form

print(json.dumps([_form.problem(form, is_shaped=shaped) for form, shaped in json.load(sys.stdin)]))
"""
Form = list[tuple[str, str]]
GOOD = {"user_count": "1000", "spawn_rate": "0.5", "service": "all", "arrival": "closed", "rate": "80", "count": "100"}


ZEROS = {"user_count": "0", "spawn_rate": "0"}
REFUSED = {
    "number of users: 0 is not a whole number from 1 to 1,000,000,000": {"user_count": "0"},
    "number of users: -5 is not a whole number from 1 to 1,000,000,000": {"user_count": "-5"},
    "number of users: 2.5 is not a whole number from 1 to 1,000,000,000": {"user_count": "2.5"},
    "ramp up: 0 is not a positive number": {"spawn_rate": "0"},
    "ramp up: nan is not a positive number": {"spawn_rate": "nan"},
    "ramp up: 'fast' is not a number": {"spawn_rate": "fast"},
    "rate: -3 is not a positive number": {"rate": "-3"},
    "count: 101 is not a whole number from 1 to 100": {"count": "101"},
    "arrival: there is no 'opne' (did you mean 'open'?); there are: closed, open, batch": {"arrival": "opne"},
}


def problems(*forms: tuple[Form, bool]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        cwd=catalogue.CHECKOUT, input=json.dumps(forms), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def changed(**fields: str) -> Form:
    return list((GOOD | fields).items())


def test_the_first_value_that_cannot_be_is_named() -> None:
    assert problems(*((changed(**fields), False) for fields in REFUSED.values())) == list(REFUSED)


def test_what_can_be_is_accepted() -> None:
    """Several services come as several fields, or with commas; a load shape decides the number of users itself.

    Locust's form then sends 0 for both. What the suite's own options refuse is still refused.
    """
    several = [*changed(), ("service", "psycopg2_sync"), ("run_time", "soon"), ("host", "anything")]
    listed = changed(service="asyncpg_async,psycopg2_sync")
    assert problems(
        (changed(), False),
        (several, False),
        (listed, False),
        (changed(**ZEROS), True),
        (changed(**ZEROS, rate="0"), True),
    ) == ["", "", "", "", "rate: 0 is not a positive number"]
