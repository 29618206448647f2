"""Load workers on other machines: what to start there."""

import os
import shlex
from collections.abc import Mapping

from bench.measure import load
from bench.measure.job import Job
from db.ports import LOOPBACK
from suite import trust


def invitation(job: Job) -> str:
    """The instructions for the other machines of a load."""
    count, host = job.plan.load.expect_workers or 0, job.request.bind_host
    where = (
        f"everything listens on {host} only: for workers on other machines, start again with --bind-host ADDRESS"
        if host == LOOPBACK
        else f"the services and Locust's master listen on {host}, without a password"
    )
    secured = any(one.url.startswith("https:") for one in job.plan.targets)
    variables = trust.of_openssl(os.environ) if secured and not job.request.trust.pem else {}
    same = (
        f" Each needs the certificates of {' and '.join(variables)} at that path. In place of these,"
        f" {trust.OPTION} FILE of this run is enough: workers get its certificates from here.\n"
        if variables
        else ""
    )
    return (
        f"waiting for {count} load worker{'s'[: count > 1]}. On each other machine, run this once for each worker, in"
        f" the same version of this checkout (after make setup):\n\n    {_loop(host, variables)}\n\n"
        f"It serves every cell of this run. It ends five minutes after the run, or with Ctrl-C; {where}.\n{same}"
    )


def _loop(master_host: str, variables: Mapping[str, str]) -> str:
    """A shell command for another machine: it starts a worker for every cell of a run, one after the other.

    A worker ends with exit code 0 after its cell, and with another code when it finds no master for five minutes.
    Ctrl-C ends the loop.
    """
    settings = [f"{name}={shlex.quote(value)} " for name, value in variables.items()]
    worker = "".join(settings) + shlex.join([".venv/bin/locust", *load.worker_command("-", master_host)[1:]])
    return f"(trap exit INT TERM; while {worker}; do :; done)"
