"""Runs pgbench with a scenario's SQL, on as many connections as the service has."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.analysis.ceilings import PRINTED, Alone, requests_per_s, scripts
from bench.measure.fleet import variables
from bench.measure.fleet.processes import launch_command
from bench.store import files
from db.address import parameters
from db.address.dsn import Dsn
from db.private import binaries
from suite.errors import LoadError

SECONDS = 5
PATIENCE_S = 30.0


def measure(
    alone: Alone, dsn: Dsn, users: int, cpus: Sequence[int], folder: Path, *, prepared: bool = True
) -> float | None:
    """Requests/s of PostgreSQL alone. None for a scenario without scripts. Raises LoadError when pgbench fails.

    `prepared`: with prepared statements, which not every pooler can share.
    """
    mix = scripts(alone.scenario, dict(alone.parameters))
    if not mix or not alone.connections:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    chosen = []
    for number, script in enumerate(mix):
        path = folder / f"{alone.scenario}-{number}.sql"
        files.write_whole(path, script.text)
        chosen += ["-f", f"{path}@{script.weight}"]
    command = [
        str(binaries.installed() / "bin/pgbench"), "--no-vacuum",
        f"--protocol={'prepared' if prepared else 'extended'}",
        f"--client={alone.connections}", "--jobs=1", f"--time={SECONDS}", f"--define=users={users}", *chosen,
    ]  # fmt: skip
    try:
        answer = subprocess.run(
            launch_command(command, cpus),
            env=variables.clean() | environment(dsn),  # other users of the machine cannot read the password there
            capture_output=True,
            text=True,
            timeout=SECONDS + PATIENCE_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise LoadError(f"pgbench failed on {dsn.redacted}: {error.stderr.strip().partition(chr(10))[0]}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LoadError(f"pgbench did not run on {dsn.redacted}: {error}") from None
    files.write_whole(folder / PRINTED, answer.stdout)
    return requests_per_s(alone, answer.stdout)


def measured(alone: Alone, folder: Path) -> float | None:
    """The result that `measure` left in this folder. None when it did not finish."""
    printed = folder / PRINTED
    if not scripts(alone.scenario, dict(alone.parameters)) or not printed.exists():
        return None
    try:
        return requests_per_s(alone, printed.read_text())
    except LoadError:  # of other connections, from an earlier version
        return None


def environment(dsn: Dsn) -> dict[str, str]:
    """The variables that libpq reads: the server, and the settings of its address that have one."""
    known = {"PGHOST": dsn.host, "PGPORT": str(dsn.port), "PGUSER": dsn.user, "PGDATABASE": dsn.dbname}
    variables_of = parameters.variables()
    known |= {variables_of[name]: value for name, value in dsn.parameters if name in variables_of}
    return known | ({"PGPASSWORD": dsn.password} if dsn.password else {})
