"""Applications of the user that the suite starts: a target's command, in its folder, as from the user's own shell."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import httpx

from bench.measure import targets
from bench.measure.fleet import variables
from bench.measure.fleet.processes import Child
from bench.measure.fleet.serving import answer_of, check_ports
from bench.plan.address import host_and_port
from bench.plan.matrix import Setup
from suite.errors import EndedError, PreflightError, ServiceError

IN_THE_PLAN = "targets.command"


def check(setups: Iterable[Setup]) -> None:
    """Raise PreflightError for a target that cannot be started, with the remedy: address, port, folder, program."""
    for setup in setups:
        host, port = host_and_port(setup.url)
        if not targets.on_this_machine(setup.url):
            raise PreflightError(
                f"target {setup.service} has a command, and {setup.url} is not on this machine: give an address of this"
                f" machine, or leave {IN_THE_PLAN} out and start it there"
            )
        remedy = f"give target {setup.service} another port (targets.url and {IN_THE_PLAN}), or leave its command out"
        check_ports([port], host, f"{remedy}, so that the one that runs is measured")
        folder = Path(setup.folder)
        if not folder.is_dir():
            raise PreflightError(f"target {setup.service}: there is no folder {folder} (targets.folder)")
        program = shlex.split(setup.command)[0]
        known = shutil.which(folder / program) if "/" in program else shutil.which(program, path=_path())
        if known is None:
            raise PreflightError(
                f"target {setup.service}: there is no program {program!r} ({IN_THE_PLAN}); it is looked for in PATH and"
                " in the suite's own environment: install it, or give its path"
            )


def launch(setup: Setup, database_url: str, log: Path) -> Child:
    """Start a target. It need not answer yet."""
    own = variables.of_user() | {"DATABASE_URL": database_url, "PATH": _path()}
    return Child(shlex.split(setup.command), log=log, cwd=Path(setup.folder), environment=own, clean=False)


def wait(setup: Setup, child: Child, timeout_s: float, all_s: float) -> None:
    """Wait until it answers. Raises ServiceError with the end of its log if it does not, or if another one does.

    `timeout_s`: what is left of `all_s`, the time that it has.
    """
    if child.wait_until(lambda: answer_of(setup.url), timeout_s) is None:
        if ended := child.how_it_ended():
            error = ServiceError if child.was_killed() else EndedError
            raise error(f"could not start target {setup.service}: `{setup.command}` {ended}:\n{child.log_tail()}")
        raise ServiceError(
            f"target {setup.service} did not answer on {setup.url} within {all_s:.0f} s after `{setup.command}`"
            f" ({_why_not(setup.url)}):\n{child.log_tail()}"
        )
    listening = targets.processes(setup.url)
    if sys.platform == "linux" and not (listening and all(_is_of(child, one) for one in listening)):
        raise ServiceError(
            f"what answers on {setup.url} is no process of the group that `{setup.command}` started, so the suite can"
            f" neither measure nor end it (a container, a daemon): start it without one, or leave {IN_THE_PLAN} out and"
            f" start it yourself:\n{child.log_tail()}"
        )


def answers(setup: Setup, child: Child, timeout_s: float) -> bool:
    """Whether a target that was started answers in time. One that is stopped (SIGSTOP) does not."""
    if child.exit_code() is not None:
        return False
    stopped = 0
    return bool(child.wait_until(lambda: stopped if child.is_stopped() else answer_of(setup.url), timeout_s))


def _is_of(child: Child, pid: int) -> bool:
    """Whether a process is in the group that is stopped and ended with a child."""
    try:
        return os.getpgid(pid) == child.pid
    except OSError:  # it has just ended
        return False


def _path() -> str:
    """That of the user's shell, and behind it the suite's own programs: it has uvicorn and gunicorn."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])


def _why_not(url: str) -> str:
    try:
        httpx.get(url, timeout=1.0, trust_env=False, verify=False)  # noqa: S501  # only whether it answers
    except httpx.HTTPError as error:
        return str(error) or type(error).__name__
    return "it has just begun to"
