"""What must not change between two rounds."""

from pathlib import Path

import pytest

from bench.measure import fingerprint
from db.address.dsn import Dsn
from suite import catalogue
from suite.errors import StoppedError
from tests.unit.plan.test_outside import OWN, own


def test_a_scenarios_file_may_not_change_while_it_is_measured(database: Dsn, tmp_path: Path) -> None:
    """Changed or gone, it is named by its path; unchanged, all is well."""
    path = own(tmp_path)
    scenarios = [catalogue.scenario_elsewhere(path, str(path))]
    before = fingerprint.take(database, scenarios)
    fingerprint.check(before, fingerprint.take(database, scenarios))
    path.write_text(OWN + "# changed\n")
    with pytest.raises(StoppedError, match=f"the environment changed between two rounds: {path} was"):
        fingerprint.check(before, fingerprint.take(database, scenarios))
    path.unlink()
    with pytest.raises(StoppedError, match=f"{path} was [0-9a-f]+ and is not there"):
        fingerprint.check(before, fingerprint.take(database, scenarios))
