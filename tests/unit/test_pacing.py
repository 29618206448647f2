"""What outlives a test, and must not reach into the next one."""

from argparse import Namespace

import gevent
from locust.env import Environment

from locustfiles._pacing import Pacing


def test_a_batch_that_was_stopped_does_not_end_the_next_test() -> None:
    """Whoever waits for its last answer learns that another test has begun."""
    environment = Environment(parsed_options=Namespace(arrival="batch", samples=""))
    pacing = Pacing()
    pacing.prepare(environment)
    waiting = gevent.spawn(pacing.wait_until_answered, 2)
    gevent.sleep(0)
    pacing.prepare(environment)
    pacing.answered()
    assert waiting.get(timeout=2) is False
    waiting = gevent.spawn(pacing.wait_until_answered, 2)
    gevent.sleep(0)
    pacing.answered()
    assert waiting.get(timeout=2) is True
