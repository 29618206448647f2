"""libpq's password file, so that PG* variables work as they do with psql."""

import re
import stat
from collections.abc import Mapping
from pathlib import Path

_FIELD = re.compile(r"((?:\\.|[^:\\])*)(?::|$)")


def lookup(host: str, port: int, dbname: str, user: str, environ: Mapping[str, str]) -> str:
    """The password of the first matching line of PGPASSFILE or ~/.pgpass; empty when there is none.

    As libpq does, a file that others may read is ignored.
    """
    home = environ.get("HOME")
    name = environ.get("PGPASSFILE") or (home and f"{home}/.pgpass")
    if not name:
        return ""
    path = Path(name)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) or mode & (stat.S_IRWXG | stat.S_IRWXO):
            return ""
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    wanted = ("localhost" if host.startswith("/") else host, str(port), dbname, user)
    for line in lines:
        *fields, password = _fields(line)
        if all(field in ("*", value) for field, value in zip(fields, wanted, strict=True)):
            return password
    return ""


def _fields(line: str) -> tuple[str, str, str, str, str]:
    if line.startswith("#"):
        return ("", "", "", "", "")
    found = [re.sub(r"\\(.)", r"\1", field) for field in _FIELD.findall(line)[:5]]
    host, port, dbname, user, password = (*found, "", "", "", "", "")[:5]
    return host, port, dbname, user, password
