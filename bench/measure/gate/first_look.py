"""The first check of a target, before anything is started: is it there, trusted, and at this address?"""

import os
from collections.abc import Collection

from bench.measure import targets
from bench.measure.gate import asking, obstacles
from bench.measure.gate.asking import Question, UnansweredError
from bench.plan.matrix import Setup
from suite import trust
from suite.errors import ServiceError
from suite.records import TIMED_OUT

TIMEOUT_S = 5.0
PATH = "/users/1"
OPERATION = "read_user"


def check(setup: Setup, operations: Collection[str], trusted: str = "") -> None:
    """Raise ServiceError that names target, address, reason and remedy, unless requests can be sent to it.

    What it answers is looked at later, but for redirects: one to another address, and each one of an operation that is
    measured. `trusted`: certificates (PEM) beside the system's.
    """
    if setup.url.startswith("https:"):
        trust.check_variables(os.environ)
    targets.check_reachable(setup)
    try:
        [reply] = asking.ask(setup.url, [Question("GET", PATH)], trusted=trusted, timeout_s=TIMEOUT_S)
    except UnansweredError as error:
        if str(error).startswith(TIMED_OUT):  # verification has more patience
            return
        why = obstacles.of_silence(setup.url, asking.explained(setup.url, trusted, error))
        raise ServiceError(f"target {setup.service} on {setup.url}: {why}") from None
    if obstacles.is_elsewhere(setup.url, PATH, reply) or (reply.redirects_to and OPERATION in operations):
        said = obstacles.of_reply(setup.url, PATH, reply)
        raise ServiceError(f"target {setup.service} answers GET {PATH} with {said}")
