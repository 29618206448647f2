"""Makes a virtual environment hold the packages of requirements.lock: `python -m setup.packages FOLDER`.

`--extras` adds those of requirements.extras.lock: what only some services and servers need.

pip installs uv, and uv all else: it is fast, and removes what is not locked. Both look where pip's configuration says
(index, mirror, proxy, certificates, netrc), and both are held to the lock's hashes. This needs the standard library
only, since it runs before any package is there, and no home folder.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from setup import pip_settings

CHECKOUT = Path(__file__).parents[1]
LOCK = CHECKOUT / "requirements.lock"
EXTRAS = CHECKOUT / "requirements.extras.lock"
VERSION = """
import importlib.metadata as m
print(next((d.version for d in m.distributions() if d.metadata["Name"] == "uv"), ""))
"""
UV = re.compile(r"^uv==(?P<version>\S+)(?:.*\\\n)(?:    .*\n)+", re.MULTILINE)
ELSEWHERE = "both look where pip's own configuration says (`pip config list`)"


class SetupError(Exception):
    """What prevents the set-up, with the remedy."""


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
        # uv gets its settings from here, and none from the user's configuration of it.
        self.environ = {name: value for name, value in environ.items() if not name.startswith("UV_")}

    def set_up(self, lock: Path, *more: Path, project: bool, compiled: bool) -> None:
        """Install what the locks have and this environment lacks; with `project`, the checkout itself, too."""
        self._make()
        own = pip_settings.cache(self.folder, self.environ)
        of_pip = pip_settings.of(self.python, self.environ)
        self.environ |= {"UV_NO_CONFIG": "1"} | own | pip_settings.for_uv(of_pip, every_index=True)
        try:
            self._have_uv(lock.read_text(encoding="utf-8"))
            options = [*pip_settings.options(of_pip), *(["--compile-bytecode"] if compiled else [])]
            self._uv("sync", "--require-hashes", *options, *map(str, (lock, *more)))
            if project:
                self.environ["UV_OFFLINE"] = "1"
                self._uv("install", "--no-deps", "--editable", str(CHECKOUT))
        finally:
            if own:
                shutil.rmtree(self.folder / "cache", ignore_errors=True)

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

    def _have_uv(self, lock: str) -> None:
        """Have pip install uv itself, by the hashes of the lock, unless that release is there."""
        entry = UV.search(lock)
        if entry is None:
            raise SetupError("requirements.lock has no uv: take it from the repository again")
        there = subprocess.run([self.python, "-c", VERSION], capture_output=True, text=True, check=True).stdout.strip()
        if there == entry["version"]:
            return
        listed = self.folder / "uv.txt"
        listed.write_text(entry[0], encoding="utf-8")
        try:
            environ = self.environ | self._without_cache()
            command = self._pip("install", "-qq", "--no-deps", "--require-hashes", "--requirement", str(listed))
            if subprocess.run(command, env=environ, check=False).returncode:
                raise SetupError(f"pip could not install uv (see above); {ELSEWHERE}")
        finally:
            listed.unlink()

    def _pip(self, *arguments: str) -> list[str]:
        return [str(self.python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]

    def _without_cache(self) -> dict[str, str]:
        """What keeps pip from a cache that it cannot write."""
        command = self._pip("cache", "dir")
        found = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False)
        lines = found.stdout.split("\n")
        return {} if found.returncode == 0 and usable_cache(Path(lines[0])) else {"PIP_NO_CACHE_DIR": "1"}

    def _uv(self, command: str, *arguments: str) -> None:
        argv = [str(self.folder / "bin" / "uv"), "pip", command, "--quiet", "--python", str(self.python), *arguments]
        if subprocess.run(argv, env=self.environ, check=False).returncode:
            raise SetupError(f"uv could not install the packages (see above); {ELSEWHERE}")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the virtual environment, which is made unless it is there")
    parser.add_argument("--project", action="store_true", help="install the checkout itself, too")
    parser.add_argument("--extras", action="store_true", help="install what only some services and servers need, too")
    parser.add_argument("--compiled", action="store_true", help="compile all packages now")
    given = parser.parse_args()
    try:
        locks = [LOCK, *([EXTRAS] if given.extras else [])]
        Environment(given.folder, os.environ).set_up(*locks, project=given.project, compiled=given.compiled)
    except SetupError as error:
        head, _, last = str(error).rpartition("\n")
        print(f"{head}\nerror: {last}" if head else f"error: {last}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
