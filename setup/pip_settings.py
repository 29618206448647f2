"""pip's configuration, translated for uv, which reads none of it."""

import ast
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

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
LATER_INDEXES = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
"""uv looks in every index, as pip does. What it takes is held to the hashes of the lock."""


def of(python: Path | str, environ: Mapping[str, str]) -> dict[str, str]:
    """Pip's options as `pip install` has them, asked of the pip of this Python."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "config", "list"]
    return settings(subprocess.run(command, env=dict(environ), capture_output=True, text=True, check=True).stdout)


def settings(listed: str) -> dict[str, str]:
    """The same, from what `pip config list` printed."""
    found: dict[str, str] = {}
    for section in SECTIONS:
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            where, _, option = name.partition(".")
            if where == section and (text := str(ast.literal_eval(value)).strip()):
                found[option] = text
    return found


def for_uv(pip: Mapping[str, str], *, every_index: bool = False) -> dict[str, str]:
    """The same for uv, as environment variables.

    `every_index`: for what is locked, extra indexes count beside pip's usual one, too. For a new lock they are left
    out, since that one has every package, and theirs may be older.
    """
    found = {
        variable: separator.join(pip[option].split())
        for option, variables, separator in TRANSLATED
        if option in pip
        for variable in variables
    }
    extra = pip.get("extra-index-url", "").split()
    if "index-url" in pip:
        indexes = [pip["index-url"], *extra]
        found["UV_DEFAULT_INDEX"] = indexes.pop()  # which uv asks last
        found |= {"UV_INDEX": " ".join(indexes)} if indexes else {}
    elif every_index and extra:
        found["UV_INDEX"] = " ".join(extra)
    if pip.get("no-cache-dir", "").lower() in TRUE:
        found["UV_NO_CACHE"] = "1"
    return found | (LATER_INDEXES if every_index else {})


def options(pip: Mapping[str, str]) -> list[str]:
    """What uv has no variable for."""
    no_index = ["--no-index"] if pip.get("no-index", "").lower() in TRUE else []
    return [*no_index, "--no-build"] if pip.get("only-binary") == ":all:" else no_index


def cache(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """A cache of uv inside `folder` for a user without a home that can be written."""
    home = Path(environ.get("HOME") or "~")
    place = Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "uv"
    inside = {"UV_CACHE_DIR": str(folder / "cache")}
    if not (place.is_absolute() and home.is_dir()):
        return inside
    try:
        place.mkdir(parents=True, exist_ok=True)  # as uv does; /proc looks as if root could write there
    except OSError:
        return inside
    return {} if os.access(place, os.W_OK | os.X_OK) else inside
