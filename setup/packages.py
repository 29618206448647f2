"""Makes a virtual environment hold the packages of requirements.lock: `python setup/packages.py FOLDER`.

pip alone uses the network, so that its whole configuration holds: index, mirror, proxy, certificates, netrc. uv then
installs what pip fetched. It is fast, removes what is not locked, and checks the lock's hashes again. This needs the
standard library only, since it runs before any package is there, and no home folder.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
LOCK = CHECKOUT / "requirements.lock"
AT_ONCE = 2  # one pip waits for the network half of the time; more of them are no faster on two CPUs
LOG_LINES = 15
INSTALLED = """
import importlib.metadata as m, json
print(json.dumps([[d.name, d.version] for d in m.distributions()]))
"""
ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;]+)")


class SetupError(Exception):
    """What prevents the set-up, with the remedy."""


def entries(lock: str) -> dict[tuple[str, str], str]:
    """Each requirement of a lock with its hashes, by normalised name and version."""
    found = {}
    for text in re.split(r"(?m)^(?=[A-Za-z0-9])", lock):
        if match := ENTRY.match(text):
            found[normalised(match["name"]), match["version"]] = text
    return found


def normalised(name: str) -> str:
    """As package indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def usable_cache(folder: Path) -> bool:
    """Whether pip can keep its cache there without a warning: as root it wants a folder that root owns."""
    home = Path(os.environ.get("HOME") or "~")
    if not folder.is_absolute() or (home in folder.parents and not home.is_dir()):  # relative: below a `~` of no home
        return False
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        owned = os.geteuid() != 0 or existing.stat().st_uid == 0
    except OSError:
        return False
    return owned and os.access(existing, os.W_OK | os.X_OK)


class Environment:
    """One virtual environment that is being set up."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.folder, self.python = folder.absolute(), folder.absolute() / "bin" / "python"
        self.wheels, self.cache = self.folder / "wheels", self.folder / "cache"
        # uv gets its files, cache and rules from here, and none from the user's configuration of it.
        kept = {name: value for name, value in environ.items() if not name.startswith("UV_")}
        self.environ = kept | {"UV_NO_CONFIG": "1", "UV_CACHE_DIR": str(self.cache), "UV_OFFLINE": "1"}

    def set_up(self, lock: Path, *, project: bool, compiled: bool) -> None:
        """Install what the lock has and this environment lacks; with `project`, the checkout itself, too."""
        self._make()
        wanted = entries(lock.read_text(encoding="utf-8"))
        there = self._installed()
        lacking = {key: text for key, text in wanted.items() if key not in there}
        try:
            self._clear()
            self._fetch(list(lacking.values()))
            self._install(lock, compiled=compiled)
            if project:
                self._uv("install", "--no-deps", "--editable", str(CHECKOUT))
        finally:
            self._clear()

    def _make(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            writable = os.access(self.folder, os.W_OK | os.X_OK)
        except OSError:
            writable = False
        if not writable:
            raise SetupError(
                f"{self.folder} cannot be written: set up as a user who may write there, or once where the checkout"
                " is writable; a read-only mount of it works afterwards"
            )
        if subprocess.run([sys.executable, "-m", "venv", self.folder], check=False).returncode:
            raise SetupError(f"{sys.executable} cannot make a virtual environment (see above)")

    def _clear(self) -> None:
        for folder in (self.wheels, self.cache):
            shutil.rmtree(folder, ignore_errors=True)

    def _installed(self) -> set[tuple[str, str]]:
        done = subprocess.run([self.python, "-c", INSTALLED], capture_output=True, text=True, check=True)
        return {(normalised(name), version) for name, version in json.loads(done.stdout)}

    def _pip(self, *arguments: str) -> list[str]:
        return [str(self.python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]

    def _without_cache(self) -> dict[str, str]:
        """What keeps pip from a cache that it cannot write."""
        found = subprocess.run(self._pip("cache", "dir"), capture_output=True, text=True, check=False)
        lines = found.stdout.split("\n")
        return {} if found.returncode == 0 and usable_cache(Path(lines[0])) else {"PIP_NO_CACHE_DIR": "1"}

    def _fetch(self, requirements: Sequence[str]) -> None:
        """Have pip download them, held to their hashes, some at a time."""
        self.wheels.mkdir()
        environ = self.environ | self._without_cache()
        running = []
        for number in range(min(AT_ONCE, len(requirements))):
            part = self.wheels / f"{number}.txt"
            part.write_text("".join(requirements[number::AT_ONCE]), encoding="utf-8")
            command = self._pip("download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(self.wheels))
            log = self.wheels / f"{number}.log"
            with log.open("wb") as file:
                one = subprocess.Popen([*command, "-r", str(part)], env=environ, stdout=file, stderr=file)
            running.append((one, log))
        failed = [log for one, log in running if one.wait()]
        if failed:
            raise SetupError(
                f"{_tail(failed[0])}\npip could not fetch the packages; it looks for them where its own configuration"
                " says (`pip config list`)"
            )

    def _install(self, lock: Path, *, compiled: bool) -> None:
        names = [path.name for path in self.wheels.iterdir()]
        if any(name.endswith((".tar.gz", ".zip")) for name in names):
            # There is no wheel for this system: pip builds it, since only pip may fetch what that needs.
            command = self._pip("install", "--quiet", "--no-deps", "--require-hashes", "--find-links", str(self.wheels))
            if subprocess.run([*command, "-r", str(lock)], env=self.environ, check=False).returncode:
                raise SetupError("pip could not build a package that has no wheel for this system (see above)")
            return
        if wheel := next((name for name in names if name.startswith("uv-")), None):
            self._unpack_uv(self.wheels / wheel)
        options = ["--compile-bytecode"] if compiled else []
        self._uv("sync", "--require-hashes", *options, "--no-index", "--find-links", str(self.wheels), str(lock))

    def _unpack_uv(self, wheel: Path) -> None:
        """Take the program out of its wheel, to install uv with it: it is not there yet, or another release is."""
        with zipfile.ZipFile(wheel) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
            (self.wheels / "uv").write_bytes(archive.read(name))
        (self.wheels / "uv").chmod(0o700)

    def _uv(self, command: str, *arguments: str) -> None:
        fetched = self.wheels / "uv"
        program = fetched if fetched.exists() else self.folder / "bin" / "uv"
        argv = [str(program), "pip", command, "--quiet", "--python", str(self.python), *arguments]
        if subprocess.run(argv, env=self.environ, check=False).returncode:
            raise SetupError("uv could not install the packages (see above)")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:])


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the virtual environment, which is made unless it is there")
    parser.add_argument("--project", action="store_true", help="install the checkout itself, too")
    parser.add_argument("--compiled", action="store_true", help="compile all packages now")
    given = parser.parse_args()
    try:
        Environment(given.folder, os.environ).set_up(LOCK, project=given.project, compiled=given.compiled)
    except SetupError as error:
        head, _, last = str(error).rpartition("\n")
        print(f"{head}\nerror: {last}" if head else f"error: {last}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
