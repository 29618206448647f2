"""What outlives a test, and must not reach into the next one."""

import subprocess
import sys

from suite import catalogue

# In a process of its own: importing locust patches the standard library.
STOPPED_AND_BEGUN_ANEW = """
from argparse import Namespace
import gevent
from locust.env import Environment
from locustfiles._pacing import Pacing

environment, pacing = Environment(parsed_options=Namespace(arrival="batch", samples="")), Pacing()
pacing.prepare(environment)
of_the_first = gevent.spawn(pacing.wait_until_answered, 2)
gevent.sleep(0)
pacing.prepare(environment)
of_the_second = gevent.spawn(pacing.wait_until_answered, 2)
pacing.ended(due=True)
print(of_the_first.get(timeout=5), of_the_second.ready())
pacing.ended(due=True)
print(of_the_second.get(timeout=5))
"""

HELD_AND_LET_GO = """
from argparse import Namespace
import gevent
from locust.env import Environment
from locustfiles._pacing import Pacing

environment, pacing = Environment(parsed_options=Namespace(arrival="closed", samples="")), Pacing()
pacing.prepare(environment)
print(pacing.take("x"))
pacing.hold()
held = gevent.spawn(pacing.take, "x")
gevent.sleep(0.05)
print(held.ready())
held.kill()
pacing.prepare(environment)
print(pacing.take("x"))
"""

BEGUN_BY_ANSWERS = """
from argparse import Namespace
import gevent
from locust.env import Environment
from locustfiles._pacing import FIRST_USERS, Pacing

environment, pacing = Environment(parsed_options=Namespace(arrival="closed", samples="")), Pacing()
pacing.prepare(environment)
users = [gevent.spawn(pacing.wait_to_begin, 0.0, 30.0) for _ in range(FIRST_USERS + 3)]
late = gevent.spawn(pacing.wait_to_begin, 0.0, 0.5)
gevent.sleep(0.1)
print(sum(user.ready() for user in users) - FIRST_USERS)
pacing.ended(due=False)
pacing.ended(due=False)
gevent.sleep(0.1)
print(sum(user.ready() for user in users) - FIRST_USERS)
late.get(timeout=5)
pacing.ended(due=False)
print(gevent.joinall(users, timeout=5) == users)
"""


def test_users_that_are_held_send_no_more_until_another_test_begins() -> None:
    """They can be ended while they wait."""
    command = [sys.executable, "-c", HELD_AND_LET_GO]
    done = subprocess.run(command, cwd=catalogue.CHECKOUT, capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout.split() == ["0", "False", "0"], done.stderr


def test_a_batch_that_was_stopped_does_not_end_the_next_test() -> None:
    """Whoever waits for its last answer learns that another test has begun."""
    command = [sys.executable, "-c", STOPPED_AND_BEGUN_ANEW]
    done = subprocess.run(command, cwd=catalogue.CHECKOUT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "False", "True"], done.stderr


def test_a_user_begins_with_an_answer_or_after_its_time() -> None:
    """A slow service is not asked by all users at once. One that never answers is, in the end."""
    command = [sys.executable, "-c", BEGUN_BY_ANSWERS]
    done = subprocess.run(command, cwd=catalogue.CHECKOUT, capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout.split() == ["0", "2", "True"], done.stderr
