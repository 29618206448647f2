"""Resolves both locks by uv, where pip would look: `.venv/bin/python -m setup.lock [OPTION]...`.

requirements.lock has what every installation needs, requirements.extras.lock what the extras of pyproject.toml add.
Both come from one resolution, so that they go together. What the user has set for uv itself comes before pip's
configuration.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from setup import pip_settings
from setup.packages import CHECKOUT, EXTRAS, LOCK

FIXED = (
    "--quiet", "--group", "dev", "--group", "build", "--universal", "--python-version", "3.11", "--generate-hashes",
    "--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links",
)  # fmt: skip
ENTRY = re.compile(r"^(?P<name>[^\s=]+)==.*\n(?: .*\n)*", re.MULTILINE)


def entries(lock: str) -> dict[str, str]:
    """The packages of a lock, each with its version and hashes."""
    return {found["name"]: found[0] for found in ENTRY.finditer(lock)}


def added(everything: str, base: str) -> str:
    """The lock of what `everything` has and `base` has not, or has only for some systems."""
    known = entries(base)
    return "".join(entry for name, entry in entries(everything).items() if known.get(name) != entry)


def main() -> int:
    """The command line; its arguments are uv's."""
    with tempfile.TemporaryDirectory() as folder:
        everything, base = Path(folder) / "everything.lock", Path(folder) / "base.lock"
        # uv keeps the versions of the file that it writes to.
        everything.write_text("".join(one.read_text() for one in (LOCK, EXTRAS) if one.exists()))
        code = _resolve([*sys.argv[1:], "--all-extras", "-o", str(everything)])
        code = code or _resolve([*sys.argv[1:], "--constraint", str(everything), "-o", str(base)])
        if code == 0:
            LOCK.write_text(base.read_text())
            EXTRAS.write_text(added(everything.read_text(), base.read_text()))
    return code


def _resolve(arguments: Sequence[str]) -> int:
    of_uv = {name: value for name, value in os.environ.items() if name.startswith("UV_")}
    of_pip = pip_settings.of(sys.executable, os.environ)
    given = [*FIXED, *pip_settings.options(of_pip), *arguments]
    command = [str(CHECKOUT / ".venv" / "bin" / "uv"), "pip", "compile", "pyproject.toml", *given]
    environ = os.environ | pip_settings.cache(CHECKOUT / ".venv", os.environ) | pip_settings.for_uv(of_pip) | of_uv
    return subprocess.run(command, env=environ, cwd=CHECKOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
