"""A run that is allowed less, as in a container: what cannot be placed is recorded and said, and the run goes on."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.plan.placement import available_cpus
from db.private import capabilities
from tests.integration.checkout import Checkout, copied

# What `docker run` leaves to root.
OF_DOCKER = (
    "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write"
)


def without(*capabilities: str) -> list[str]:
    """What starts a command as root without these."""
    listed = ",".join(f"-{name}" for name in capabilities)
    return ["setpriv", "--bounding-set", listed, "--inh-caps", listed]


WITHOUT_NICE = without("sys_nice")
AS_DOCKER = ["setpriv", "--bounding-set", f"-all,+{OF_DOCKER.replace(',', ',+')}", "--inh-caps", "-all"]
# An ordinary user who has no home and no name. It may read what root owns, Python for instance, and nothing else.
READS = "+dac_read_search"
UID = 54321
NAMELESS = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups", "--inh-caps", READS]
NAMELESS += ["--ambient-caps", READS, "env", "-u", "HOME", "-u", "XDG_CACHE_HOME"]
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


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(WITHOUT_NICE, id="without CAP_SYS_NICE", marks=pytest.mark.release),
        pytest.param(AS_DOCKER, id="as in Docker"),
    ],
)
def test_root_that_may_not_move_postgresql_measures_all_the_same(checkout: Checkout, before: list[str]) -> None:
    """PostgreSQL runs as another user: it starts on its CPUs, and cannot be let onto the others while it loads."""
    unplaced, printed = run(checkout, "started", before)
    assert unplaced == ["database while it loads"]
    assert printed.count("docker run --cap-add SYS_NICE") == 1


def test_doctor_says_beforehand_what_will_not_be_placed(checkout: Checkout) -> None:
    """And it does not where all is allowed."""
    for before, times in ((AS_DOCKER, 1), ([], 0)):
        doctor = checkout.start("doctor", before=before)
        printed, _ = doctor.communicate(timeout=60)
        assert doctor.returncode == 0, printed
        assert " ".join(printed.replace("│", " ").split()).count("docker run --cap-add SYS_NICE") == times


@pytest.mark.release  # CI has too little time
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


def refused(checkout: Checkout, before: list[str]) -> str:
    """Why a run cannot start there, which `bench doctor` says beforehand."""
    doctor = checkout.start("doctor", before=before)
    said, _ = doctor.communicate(timeout=60)
    process = checkout.start(*SMOKE, before=before)
    printed, _ = process.communicate(timeout=60)
    assert (doctor.returncode, process.returncode) == (1, 1), said + printed
    assert "Traceback" not in said + printed
    error = printed.strip().splitlines()[-1]
    assert error.removeprefix("error: ") in " ".join(said.replace("│", " ").split())
    return error


@pytest.mark.parametrize("lacking", [["chown"], ["dac_override", "setuid"], ["all"]], ids="-".join)
def test_root_that_may_not_run_postgresql_is_told_how_to(checkout: Checkout, lacking: list[str]) -> None:
    """As with `docker run --cap-drop ALL`: one line, with all that is missing."""
    error = refused(checkout, without(*lacking))
    named = [name for name in capabilities.NEEDED if lacking == ["all"] or name.lower() in lacking]
    assert f"it lacks {', '.join(f'CAP_{name}' for name in named)};" in error
    assert f"docker run {' '.join(f'--cap-add {name}' for name in named)}, or use your own PostgreSQL" in error
    assert "docker run --user UID:GID" in error


def test_root_of_a_namespace_with_one_user_is_told_so(checkout: Checkout) -> None:
    """As in a rootless container that has no other uid."""
    before = ["unshare", "--user", "--map-root-user"]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system allows no user namespace")
    error = refused(checkout, before)
    assert "this user namespace has no uid" in error
    assert "podman run --userns=keep-id" in error


@pytest.mark.release  # CI has too little time
def test_root_that_may_signal_no_other_user_ends_postgresql_all_the_same(checkout: Checkout) -> None:
    """As its user: CAP_KILL is not needed."""
    unplaced, _ = run(checkout, "ended", without("kill"))
    assert unplaced == []
    assert checkout.wait_until_empty() == []


@pytest.mark.release  # CI has too little time
def test_a_user_without_a_name_is_told_what_initdb_needs(checkout: Checkout, tmp_path: Path) -> None:
    """`docker run --user` with any uid. With a name, and still without a home, the run has nothing to say of it."""
    own(checkout)
    error = refused(checkout, NAMELESS)
    assert f"uid {UID} has no entry in /etc/passwd" in error
    assert "--volume /etc/passwd:/etc/passwd:ro" in error
    names = tmp_path / "passwd"
    names.write_text(Path("/etc/passwd").read_text() + f"somebody:x:{UID}:{UID}::/nonexistent:/bin/sh\n")
    unplaced, printed = run(checkout, "named", [*mounted(f"mount --bind {names} /etc/passwd"), *NAMELESS])
    assert unplaced == []
    assert "home" not in printed.lower()
    assert "matplotlib" not in printed.lower()
    assert not (checkout.folder / "~").exists()


@pytest.mark.release  # CI has too little time
def test_a_checkout_that_cannot_be_written_needs_results_alone(checkout: Checkout) -> None:
    """Root's PostgreSQL is elsewhere. Without results/, the error names the folder."""
    results, folder = checkout.results, checkout.folder
    (folder / "home").mkdir()
    read_only = f"mount --bind {folder} {folder} && mount -o remount,bind,ro {folder}"
    error = refused(checkout, mounted(read_only))
    assert f"cannot write to {results}: Read-only file system; make the folder writable" in error
    kept = results.rename(results.with_name("elsewhere"))
    results.mkdir()
    writable = f"{read_only} && mount --bind -o rw {kept} {results}"
    before = mounted(f"mount --bind {kept} /mnt && {writable.replace(f'-o rw {kept}', '/mnt')}")
    process = checkout.start(*SMOKE, "--name", "inside", before=before)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode in {0, 3}, printed
    assert "Traceback" not in printed
    assert (kept / "inside" / "report.html").exists()


def mounted(how: str) -> list[str]:
    """What starts a command where this was mounted; no other process sees it."""
    return ["unshare", "--mount", "sh", "-ec", f'{how}; exec "$@"', "mounted"]


def own(checkout: Checkout) -> None:
    """Give the copy to the user without a name."""
    for path in (checkout.folder, *checkout.folder.rglob("*")):
        os.chown(path, UID, UID)
