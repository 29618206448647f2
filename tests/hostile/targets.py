"""Starts hostile services as somebody else would: processes of their own, on free ports, stopped at the end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from db import ports
from suite import catalogue
from tests.integration.checkout import wait_for

START_S, STOP_S = 20.0, 10.0


@contextmanager
def running(modules: Sequence[str], logs: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The services in these modules of tests/hostile/services, as {name: URL}.

    When the block has ended, `logs/NAME/` has each one's log.
    """
    started = dict[str, subprocess.Popen[bytes]]()
    found = dict[str, int]()
    try:
        for module in modules:
            name = module.rpartition(".")[2]
            found[name] = ports.free()
            (logs / name).mkdir(parents=True)
            started[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.hostile.serve", module, str(found[name])],
                cwd=catalogue.CHECKOUT,
                env=os.environ | environment | {"HOSTILE_LOG": str(logs / name)},
                start_new_session=True,
            )
            assert wait_for(lambda port=found[name]: ports.answers(port), START_S), name  # type: ignore[misc]
        yield {name: f"http://127.0.0.1:{port}" for name, port in found.items()}
    finally:
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        for process in started.values():
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # its own group: start_new_session
                process.wait()
