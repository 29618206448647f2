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


def test_a_batch_that_was_stopped_does_not_end_the_next_test() -> None:
    """Whoever waits for its last answer learns that another test has begun."""
    command = [sys.executable, "-c", STOPPED_AND_BEGUN_ANEW]
    done = subprocess.run(command, cwd=catalogue.CHECKOUT, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["False", "False", "True"], done.stderr
