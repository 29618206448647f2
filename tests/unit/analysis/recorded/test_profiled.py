"""What a profiler saw is kept in the recording."""

from dataclasses import replace
from pathlib import Path

from bench.analysis.recorded.profiled import Profiled
from bench.store import recordings
from tests.unit.recording_of import RECORDING


def test_it_can_be_stored_and_read_again(tmp_path: Path) -> None:
    """A recording of an older version has none."""
    seen = Profiled(1, 2, {"f (x.py)": 3}, 1, {"f (x.py)": 4}, 0.5, 0.1, {"gunicorn": 0.4})
    for one in (replace(RECORDING, profiled=seen), RECORDING):
        recordings.keep(one, tmp_path)
        assert recordings.read(tmp_path) == one
