"""Resolves requirements.lock by uv, where pip would look: `.venv/bin/python -m setup.lock [OPTION]...`.

What the user has set for uv itself comes before pip's configuration.
"""

import os
import subprocess
import sys
from pathlib import Path

from setup import pip_settings

CHECKOUT = Path(__file__).parents[1]
FIXED = (
    "--quiet", "--group", "dev", "--group", "build", "--universal", "--python-version", "3.11", "--generate-hashes",
    "--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "-o", "requirements.lock",
)  # fmt: skip


def main() -> int:
    """The command line; its arguments are uv's."""
    of_uv = {name: value for name, value in os.environ.items() if name.startswith("UV_")}
    of_pip = pip_settings.of(sys.executable, os.environ)
    given = [*FIXED, *pip_settings.options(of_pip), *sys.argv[1:]]
    command = [str(CHECKOUT / ".venv" / "bin" / "uv"), "pip", "compile", "pyproject.toml", *given]
    environ = os.environ | pip_settings.cache(CHECKOUT / ".venv", os.environ) | pip_settings.for_uv(of_pip) | of_uv
    return subprocess.run(command, env=environ, cwd=CHECKOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
