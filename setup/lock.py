"""Resolves requirements.lock by uv, where pip would look: `.venv/bin/python setup/lock.py [OPTION]...`.

uv does not read pip's configuration, so it is translated. What the user has set for uv itself comes first.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
FIXED = (
    "--quiet", "--group", "dev", "--group", "build", "--universal", "--python-version", "3.11", "--generate-hashes",
    "--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "-o", "requirements.lock",
)  # fmt: skip
# pip's option, uv's variables, and what separates several values (pip: white space).
TRANSLATED = (
    ("find-links", ("UV_FIND_LINKS",), ","),
    ("trusted-host", ("UV_INSECURE_HOST",), " "),
    ("cert", ("SSL_CERT_FILE",), " "),
    ("client-cert", ("SSL_CLIENT_CERT",), " "),
    ("proxy", ("HTTP_PROXY", "HTTPS_PROXY"), " "),
    ("timeout", ("UV_HTTP_TIMEOUT",), " "),
    ("default-timeout", ("UV_HTTP_TIMEOUT",), " "),
    ("keyring-provider", ("UV_KEYRING_PROVIDER",), " "),
)
SECTIONS = ("global", "install", ":env:")  # the later one counts
TRUE = {"1", "true", "yes", "on", "t", "y"}


def settings(listed: str) -> dict[str, str]:
    """Pip's options as `pip install` has them, from what `pip config list` printed."""
    found: dict[str, str] = {}
    for section in SECTIONS:
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            where, _, option = name.partition(".")
            if where == section and (text := str(ast.literal_eval(value)).strip()):
                found[option] = text
    return found


def for_uv(pip: Mapping[str, str]) -> dict[str, str]:
    """The same for uv, as environment variables."""
    found = {
        variable: separator.join(pip[option].split())
        for option, variables, separator in TRANSLATED
        if option in pip
        for variable in variables
    }
    if pip.get("no-index", "").lower() in TRUE:
        found["UV_NO_INDEX"] = "1"
    elif "index-url" in pip:
        # In this order: uv takes a package from the first that has it. Extra indexes beside pip's usual one are left
        # out, since that one has every package of the lock, and theirs may be older.
        indexes = [pip["index-url"], *pip.get("extra-index-url", "").split()]
        found["UV_DEFAULT_INDEX"] = indexes.pop()  # which uv asks last
        found |= {"UV_INDEX": " ".join(indexes)} if indexes else {}
    return found


def cache(environ: Mapping[str, str]) -> dict[str, str]:
    """A cache inside .venv for a user without a home that can be written."""
    home = Path(environ.get("XDG_CACHE_HOME") or environ.get("HOME") or "~")
    usable = home.is_absolute() and os.access(home, os.W_OK | os.X_OK)
    return {} if usable else {"UV_CACHE_DIR": str(CHECKOUT / ".venv" / "cache")}


def main() -> int:
    """The command line; its arguments are uv's."""
    pip = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(pip, capture_output=True, text=True, check=True).stdout
    command = [str(CHECKOUT / ".venv" / "bin" / "uv"), "pip", "compile", "pyproject.toml", *FIXED, *sys.argv[1:]]
    of_uv = {name: value for name, value in os.environ.items() if name.startswith("UV_")}
    environ = os.environ | cache(os.environ) | for_uv(settings(listed)) | of_uv
    return subprocess.run(command, env=environ, cwd=CHECKOUT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
