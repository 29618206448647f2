"""The set-up of a small environment, from an index of this machine that pip's configuration names."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from subprocess import PIPE, STDOUT
from threading import Thread

import pytest

from setup import packages
from setup.packages import Environment, SetupError

NOWHERE = "http://127.0.0.1:9/simple"
NO_HOME = "/proc/none"
UV = distribution("uv").version


class Index(SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    def log_message(self, *_: object) -> None:
        """To no log."""


def wheel(folder: Path, name: str, version: str, files: dict[str, bytes]) -> str:
    """Make a wheel below `folder`, listed as package indexes list it; its entry in a lock."""
    info = f"{name}-{version}.dist-info"
    files |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{path},sha256={_digest(content)},{len(content)}" for path, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    path = folder / name.replace("_", "-") / f"{name}-{version}-py3-none-any.whl"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        for inner, content in files.items():
            entry = zipfile.ZipInfo(inner)
            entry.external_attr = 0o100755 << 16  # pip keeps the right to execute a program
            archive.writestr(entry, content)
    (path.parent / "index.html").write_text(f'<a href="{path.name}">{path.name}</a>')
    return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of an index, and the lock of the two packages in it: uv itself and a small one."""
    folder = tmp_path_factory.mktemp("index")
    program = Path(sys.executable).parent / "uv"
    lock = wheel(folder, "uv", UV, {f"uv-{UV}.data/scripts/uv": program.read_bytes()})
    lock += wheel(folder, "small_one", "1.0", {"small_one.py": b"ANSWER = 42\n"})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Index, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", lock
        server.shutdown()


@dataclass(frozen=True)
class Checkout:
    """A folder with the set-up's own files, and a lock of two packages."""

    folder: Path
    index: str
    lock: str

    @property
    def environment(self) -> Environment:
        return Environment(self.folder / ".venv", self.environ())

    def environ(self, **more: str) -> dict[str, str]:
        """Of a user without a home, whose pip is told of the index and whose uv of one that does not exist."""
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "NO_PROXY") if name in os.environ}
        own = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": self.index, "UV_DEFAULT_INDEX": NOWHERE}
        return kept | own | {"HOME": NO_HOME} | more

    def set_up(self, lock: str, *options: str, **more: str) -> tuple[int, str]:
        (self.folder / "requirements.lock").write_text(lock)
        command = [sys.executable, "-m", "setup.packages", ".venv", *options]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ(**more), stdout=PIPE, stderr=STDOUT, text=True, check=False
        )
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def made(served: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, tuple[int, str]]:
    """One that was set up, and how that ended."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(packages.CHECKOUT / "setup", folder / "setup", ignore=shutil.ignore_patterns("__pycache__"))
    checkout = Checkout(folder, *served)
    return checkout, checkout.set_up(checkout.lock, "--compiled")


Made = tuple[Checkout, tuple[int, str]]


@pytest.mark.slow
def test_packages_come_from_where_pip_looks(made: Made) -> None:
    """Without a home, without a word, and with nothing left of it."""
    checkout, ended = made
    assert ended == (0, "")
    answer = [str(checkout.environment.python), "-c", "import small_one; print(small_one.ANSWER)"]
    assert subprocess.run(answer, capture_output=True, text=True, check=True).stdout == "42\n"
    assert {path.name for path in checkout.folder.iterdir()} == {".venv", "requirements.lock", "setup"}
    assert {"uv.txt", "cache"}.isdisjoint(path.name for path in (checkout.folder / ".venv").iterdir())


@pytest.mark.slow
def test_what_is_not_locked_any_more_goes(made: Made) -> None:
    checkout, _ = made
    only_uv = checkout.lock.split("small")[0]
    assert checkout.set_up(only_uv) == (0, "")
    names = {path.name for path in (checkout.folder / ".venv").glob("lib/*/site-packages/*")}
    assert "small_one.py" not in names
    assert f"uv-{UV}.dist-info" in names


@pytest.mark.slow
def test_another_file_than_the_locked_one_is_refused(made: Made) -> None:
    """In uv's own words, and in pip's for uv itself."""
    checkout, _ = made
    head, _, digest = checkout.lock.rpartition(":")
    code, said = checkout.set_up(f"{head}:{digest[::-1].strip()}\n")
    assert code == 1
    assert "Hash mismatch for `small-one==1.0`" in said
    assert said.splitlines()[-1].startswith("error: uv could not install the packages")
    other = checkout.lock.replace(f"uv=={UV}", "uv==0.0.1")
    code, said = checkout.set_up(other)
    assert code == 1
    assert said.splitlines()[-1].startswith("error: pip could not install uv (see above); both look where")


def test_the_lock_has_uv_with_its_hashes() -> None:
    """pip gets that part of it alone."""
    entry = packages.UV.search(packages.LOCK.read_text())
    assert entry is not None
    first, *hashes = entry[0].splitlines()
    assert first == f"uv=={UV} \\"
    assert hashes
    assert all(line.strip().startswith("--hash=sha256:") for line in hashes)
    assert not hashes[-1].endswith("\\")


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(SetupError, match=r"/proc/nowhere cannot be written: .* read-only mount"):
        Environment(Path("/proc/nowhere"), os.environ).set_up(packages.LOCK, project=True, compiled=False)


@pytest.mark.parametrize("folder", ["~/.cache/pip", f"{NO_HOME}/.cache/pip"])
def test_a_home_that_is_not_there_holds_no_cache(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a folder named `~` in the checkout, where pip of a user without any home would put it."""
    monkeypatch.setenv("HOME", NO_HOME)
    assert not packages.usable_cache(Path(folder))


def test_root_keeps_a_cache_only_where_root_owns_the_folder(tmp_path: Path) -> None:
    """As a container job of root has the home of another user: pip would warn of it and use none."""
    assert packages.usable_cache(tmp_path / "pip")
    if os.geteuid() == 0:
        os.chown(tmp_path, 4242, -1)
        assert not packages.usable_cache(tmp_path / "pip")
