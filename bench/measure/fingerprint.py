"""The fingerprint of what must not change during a run: packages, code that each round starts, PostgreSQL settings."""

import hashlib
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path

from db import server
from db.address.dsn import Dsn
from suite import catalogue
from suite.catalogue import Scenario
from suite.errors import StoppedError

STARTED_EACH_ROUND = ("services", "locustfiles")
ABSENT = "not there"
MOST_NAMED = 5


def take(dsn: Dsn, elsewhere: Iterable[Scenario] = ()) -> dict[str, str]:
    """The fingerprint, by name: a package's version, a file's digest, a setting's value.

    `elsewhere` has the scenarios from outside the tree.
    """
    packages = {f"package {one.name}": one.version for one in distributions()}
    files = {
        str(path.relative_to(catalogue.CHECKOUT)): _digest(path)
        for folder in STARTED_EACH_ROUND
        for pattern in ("*.py", "*.toml")
        for path in sorted((catalogue.CHECKOUT / folder).rglob(pattern))
    }
    files |= {str(one.path): _digest(one.path) for one in elsewhere if one.path.exists()}
    settings = {f"PostgreSQL's {name}": value for name, value in server.all_settings(dsn).items()}
    return packages | files | settings


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


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
