"""The fingerprint of what must not change during a run: packages, code that each round starts, PostgreSQL settings."""

import hashlib
from collections.abc import Mapping
from importlib.metadata import distributions

from db import server
from db.dsn import Dsn
from suite import catalogue
from suite.errors import StoppedError

STARTED_EACH_ROUND = ("services", "locustfiles")
ABSENT = "not there"
MOST_NAMED = 5


def take(dsn: Dsn) -> dict[str, str]:
    """The fingerprint, by name: a package's version, a file's digest, a setting's value."""
    packages = {f"package {one.name}": one.version for one in distributions()}
    files = {
        str(path.relative_to(catalogue.CHECKOUT)): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for folder in STARTED_EACH_ROUND
        for pattern in ("*.py", "*.toml")
        for path in sorted((catalogue.CHECKOUT / folder).rglob(pattern))
    }
    settings = {f"PostgreSQL's {name}": value for name, value in server.all_settings(dsn).items()}
    return packages | files | settings


def check(before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise StoppedError that names what changed: the rounds would not measure the same thing."""
    changed = [
        f"{name} was {before.get(name, ABSENT)} and is {now.get(name, ABSENT)}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]
    if changed:
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        raise StoppedError(
            f"the environment changed between two rounds: {'; '.join(changed[:MOST_NAMED])}{more}. What was measured"
            " before is kept; run again without changing anything meanwhile"
        )
