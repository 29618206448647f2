"""pgbench runs the scripts of every scenario on a real database."""

import subprocess
from pathlib import Path

import pytest

from bench.analysis import ceilings
from bench.measure import pgbench
from db.address.dsn import Dsn
from suite import catalogue
from suite.errors import LoadError


@pytest.mark.parametrize("scenario", sorted(catalogue.scenarios().keys() - ceilings.WITHOUT_CEILING))
def test_pgbench_runs_the_scripts(
    scenario: str, restored: Dsn, users: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the real database, for a second, without an error; its password is not in the process list."""
    monkeypatch.setattr(pgbench, "SECONDS", 1)
    seen: list[str] = []
    really = subprocess.run

    def spy(command: list[str], **how: object) -> object:
        seen.extend(command)
        return really(command, **how)  # type: ignore[call-overload]  # passed on as it came

    monkeypatch.setattr(subprocess, "run", spy)
    rps = pgbench.measure(ceilings.Alone(scenario, (), 4), restored, users, (), tmp_path / "pgbench")
    assert rps is not None
    assert rps > 50
    assert "number of failed transactions: 0" in (tmp_path / "pgbench/pgbench.txt").read_text()
    assert restored.password not in " ".join(seen)


def test_pgbench_that_cannot_connect_says_where(users: int, tmp_path: Path) -> None:
    """The server, not the password."""
    nowhere = Dsn("127.0.0.1", 1, "bench", dbname="bench", password="secret-password")
    with pytest.raises(LoadError, match=r"pgbench failed on postgresql://bench:\*\*\*@127\.0\.0\.1:1/bench"):
        pgbench.measure(ceilings.Alone("point_read", (), 1), nowhere, users, (), tmp_path / "pgbench")
