"""`make setup` of a fresh checkout from a mirror alone: no internet, no home folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from suite.catalogue import CHECKOUT

# Serves the folder of the first argument, tells pip of it by a configuration file, and runs the other arguments.
SERVE = """
import functools, http.server, os, subprocess, sys, threading
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
handler.func.log_message = lambda *_: None
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with open("pip.conf", "w") as file:
    file.write(f"[global]\\nindex-url = http://127.0.0.1:{server.server_port}/\\n")
os.environ["PIP_CONFIG_FILE"] = os.path.abspath("pip.conf")
sys.exit(subprocess.run(sys.argv[2:]).returncode)
"""
OFFLINE = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "offline"]


def _can_be_offline() -> bool:
    return shutil.which("unshare") is not None and subprocess.run([*OFFLINE, "true"], check=False).returncode == 0


pytestmark = [
    pytest.mark.skipif(not _can_be_offline(), reason="needs root and unshare, to take the internet away"),
    pytest.mark.release,
]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files that the lock needs here, from wherever this machine has them."""
    folder = tmp_path_factory.mktemp("wheels")
    fetch = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--require-hashes", "-d", str(folder)]
    subprocess.run([*fetch, "-r", CHECKOUT / "requirements.lock"], check=True)
    return folder


@pytest.fixture(scope="module")
def mirror(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package index as a folder (PEP 503)."""
    index = tmp_path_factory.mktemp("index")
    for path in wheels.iterdir():
        page = index / re.sub(r"[-_.]+", "-", path.name.split("-")[0]).lower() / "index.html"
        page.parent.mkdir()
        (page.parent / path.name).symlink_to(path)
        page.write_text(f'<!DOCTYPE html><a href="{path.name}">{path.name}</a>')
    return index


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What git has of this checkout, as it is now, in a folder that nothing was set up in."""
    folder = tmp_path / "clone"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, target)
    return folder


def make_setup(clone: Path, *before: str, **pip: str) -> str:
    """What `make setup` printed, with no home and no other configuration of pip than this."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "XDG_", "HOME"))}
    make = [*OFFLINE, *before, "make", "setup", f"PYTHON={sys.executable}"]
    done = subprocess.run(
        make, cwd=clone, env=kept | pip, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert (clone / ".venv" / "bin" / "bench").exists()
    assert not (clone / "~").exists()
    return done.stdout


SAID = "setting up .venv (once; about a minute)\n"


def test_a_mirror_in_a_configuration_file_is_enough(clone: Path, mirror: Path) -> None:
    """Served over HTTP, as the only address that answers."""
    assert make_setup(clone, sys.executable, "-c", SERVE, str(mirror)) == SAID


def test_a_folder_of_wheels_is_enough(clone: Path, wheels: Path) -> None:
    """PIP_NO_INDEX and PIP_FIND_LINKS, for a machine that never has a network; and the home is read-only."""
    assert make_setup(clone, PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels), HOME="/proc") == SAID
