"""The CPU limit of control groups, of both versions."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.measure.watch import kernel, limits

OF_1 = {"cpu/cpu.stat": "", "cpu/cpu.cfs_period_us": "100000\n"}
OF_2 = {"cpu.stat": "", "a/cpu.stat": ""}


@pytest.mark.parametrize(
    ("own", "files", "cpus"),
    [
        ("0::/a\n", {**OF_2, "a/cpu.max": "max 100000\n"}, None),
        ("0::/a\n", {**OF_2, "a/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/a\n", {**OF_2, "a/cpu.max": "150000 100000\n", "cpu.max": "50000 100000\n"}, 0.5),
        ("1:cpu:/x\n", {**OF_1, "cpu/cpu.cfs_quota_us": "100000\n"}, 1.0),
        ("1:cpu:/x\n", {**OF_1, "cpu/cpu.cfs_quota_us": "-1\n"}, None),
        ("0::/a\n", {}, None),
    ],
)
def test_the_strictest_limit_in_sight_counts(
    own: str, files: Mapping[str, str], cpus: float | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None where there is none, or where it cannot be read."""
    monkeypatch.setattr(kernel, "PROC", tmp_path / "proc")
    monkeypatch.setattr(kernel, "GROUPS", tmp_path / "cgroup")
    for name, text in {"proc/self/cgroup": own, **{f"cgroup/{name}": text for name, text in files.items()}}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert limits.cpus() == cpus
