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
pacing.answered()
print(of_the_first.get(timeout=5), of_the_second.ready())
pacing.answered()
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
