"""A run that is allowed less, as in a container: what cannot be placed is recorded and said, and the run goes on."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.plan.placement import available_cpus
from tests.integration.checkout import Checkout, copied

# What `docker run` leaves to root.
OF_DOCKER = (
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write"
)
WITHOUT_NICE = ["setpriv", "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice"]
AS_DOCKER = ["setpriv", "--bounding-set", f"-all,+{OF_DOCKER.replace(',', ',+')}", "--inh-caps", "-all"]
SMOKE = ("run", "--plan", "smoke", "--services", "psycopg2_sync", "--rounds", "1", "--scale", "0.001", "--users", "20")


def _can_drop() -> bool:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return False
    return all(
        subprocess.run([*before, "true"], capture_output=True, check=False).returncode == 0
        for before in (WITHOUT_NICE, AS_DOCKER)
    )


pytestmark = [
    pytest.mark.skipif(not _can_drop(), reason="needs root and setpriv, to give up what a container does not have"),
    pytest.mark.skipif(len(available_cpus()) < 2, reason="with one CPU nothing is placed"),
    pytest.mark.slow,
]


@pytest.fixture
def checkout(tmp_path: Path, stage: Callable[..., None]) -> Iterator[Checkout]:
    """A copy of its own, without a private PostgreSQL yet."""
    stage()
    yield from copied(tmp_path / "checkout")


def run(checkout: Checkout, name: str, before: list[str]) -> tuple[list[str], str]:
    """What environment.json says was not placed, and what was printed, of a run that came to its end."""
    process = checkout.start(*SMOKE, "--name", name, before=before)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode in {0, 3}, printed  # 3: others may work on this machine meanwhile
    assert "Traceback" not in printed
    environment = json.loads((checkout.results / name / "environment.json").read_text())
    return environment["placement"].get("unplaced", []), " ".join(printed.split())


@pytest.mark.parametrize("before", [WITHOUT_NICE, AS_DOCKER], ids=["without CAP_SYS_NICE", "as in Docker"])
def test_root_that_may_not_move_postgresql_measures_all_the_same(checkout: Checkout, before: list[str]) -> None:
    """PostgreSQL runs as another user: it starts on its CPUs, and cannot be let onto the others while it loads."""
    unplaced, printed = run(checkout, "started", before)
    assert unplaced == ["database while it loads"]
    assert printed.count("docker run --cap-add SYS_NICE") == 1


def test_a_running_postgresql_that_may_not_be_placed_is_measured_where_it_runs(checkout: Checkout) -> None:
    """Which is recorded and said; nothing is where all is allowed."""
    code, started = checkout.bench("db", "start")
    assert code == 0, started
    unplaced, printed = run(checkout, "elsewhere", WITHOUT_NICE)
    assert unplaced == ["database"]
    assert printed.count("docker run --cap-add SYS_NICE") == 1
    unplaced, printed = run(checkout, "allowed", [])
    assert unplaced == []
    assert "SYS_NICE" not in printed
