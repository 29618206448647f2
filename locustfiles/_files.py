"""The limit of open files: every user needs a socket. It is raised as far as possible, and checked at the start."""

import logging
import resource
import sys
from contextlib import suppress
from typing import Any

from locust import events
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

SPARE_FILES = 200
MOST_FILES = 2**20  # some systems report an infinite limit, and then refuse it


def limit_problem(users: int, limit: int) -> str:
    """A message if this many users do not fit into one process with this limit. Empty if they fit."""
    needed = users + SPARE_FILES
    if limit in (resource.RLIM_INFINITY, -1) or needed <= limit:
        return ""
    return (
        f"{users} users in one process need {needed} open files and the limit is {limit}: raise it with"
        f" `ulimit -Hn {needed}` (as root), spread the users with --processes, or use fewer users"
    )


def _raise_limit() -> int:
    """Raise the limit as far as possible, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= limit:
        return soft
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


@events.init.add_listener
def on_init(environment: Environment, **_: Any) -> None:
    """Raise the limit. End a headless run that cannot have a socket for each user."""
    limit, options = _raise_limit(), environment.parsed_options
    if isinstance(environment.runner, WorkerRunner) or options is None:
        return
    processes = max(1, options.expect_workers) if isinstance(environment.runner, MasterRunner) else 1
    if options.headless and (problem := limit_problem(-(-(options.num_users or 1) // processes), limit)):
        sys.exit(f"error: {problem}")
    if isinstance(environment.runner, LocalRunner):
        environment.events.test_start.add_listener(lambda **_: _warn(environment, limit))


def _warn(environment: Environment, limit: int) -> None:
    """Check the limit when a test starts: only then is the number of users in the web UI known."""
    if environment.runner is not None and (problem := limit_problem(environment.runner.target_user_count, limit)):
        logging.getLogger(__name__).error(problem)
